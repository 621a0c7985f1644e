/** The screen is part of a saved machine: what firmware wrote is there in the one that the state is loaded into. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createNodeHost } from '../../src/cli/node-host.ts';
import type { VmEvent } from '../../src/vm/api.ts';
import { MachineVm } from '../../src/vm/machine-vm.ts';
import { missing } from './machines.ts';

const ROMS = new URL('../../roms/out/', import.meta.url);
const TIMEOUT_MS = 120_000;

async function machine(vga: string, ...args: string[]) {
  const vm = new MachineVm({ host: createNodeHost() });
  const names = ['bios-256k.bin', 'vgabios-stdvga.bin', 'vgabios-cirrus.bin'];
  const files = Object.fromEntries(names.map((name) => [name, new Uint8Array(readFileSync(new URL(name, ROMS)))]));
  const pictures: Uint8Array[] = [];
  const onEvent = (event: VmEvent): void => {
    if (event.kind === 'file') pictures.push(event.bytes);
  };
  await vm.start({ args: ['-M', 'pc', '-m', '16', '-display', 'none', '-vga', vga, ...args], files }, onEvent);
  return {
    vm,
    async picture(): Promise<Uint8Array> {
      await vm.monitor('screendump picture.ppm');
      return pictures.at(-1) ?? new Uint8Array();
    },
  };
}

test.skipIf(missing !== undefined).each(['std', 'cirrus'])(
  'of %s VGA',
  async (vga) => {
    const before = await machine(vga);
    await expect
      .poll(async () => (await before.vm.screenText()) ?? '', { timeout: TIMEOUT_MS, interval: 200 })
      .toContain('No bootable device.');
    await before.vm.pause();
    const state = await before.vm.saveState();
    const picture = await before.picture();
    const after = await machine(vga, '-S');
    expect(await after.vm.screenText()).not.toBe(await before.vm.screenText());
    await after.vm.loadState(state);
    expect(await after.vm.screenText()).toBe(await before.vm.screenText());
    expect(Buffer.compare(await after.picture(), picture)).toBe(0);
    await before.vm.quit();
    await after.vm.quit();
  },
  TIMEOUT_MS,
);
