/** A disk boots through the BIOS; what is written arrives; a run with a fixed rate is the same on any host. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { BlockNode } from '../../src/block/api.ts';
import { createMemoryNode } from '../../src/block/backends/memory.ts';
import { openFileNode } from '../../src/cli/file-node.ts';
import { createNodeHost } from '../../src/cli/node-host.ts';
import type { InputEvent } from '../../src/hw/core/input.ts';
import type { VmEvent } from '../../src/vm/api.ts';
import type { History } from '../../src/vm/assemble.ts';
import type { OpenHostFile } from '../../src/vm/drives.ts';
import { MachineVm } from '../../src/vm/machine-vm.ts';
import { afterwards, bootDisk, directory, missing } from './boot-sector.ts';

const FIRMWARE = new URL('../../roms/out/bios-256k.bin', import.meta.url);
const bios = existsSync(FIRMWARE) ? readFileSync(FIRMWARE) : undefined;
const ready = bios !== undefined && missing === undefined;
const disk = ready ? bootDisk() : new Uint8Array();
const expected = ready ? afterwards(disk) : { disk, sum: 0 };

async function boot(openHostFile: OpenHostFile, history: History, ...args: string[]) {
  const vm = new MachineVm({ host: createNodeHost(), openHostFile, history });
  let log: number[] = [];
  const end = Promise.withResolvers<number>();
  const logged = Promise.withResolvers<void>();
  const onEvent = (event: VmEvent): void => {
    if (event.kind === 'chardev') log = [...log, ...event.bytes];
    if (log.length >= 2) logged.resolve();
    if (event.kind === 'exit') end.resolve(event.code);
  };
  const devices = ['-chardev', 'file,id=log,path=log', '-device', 'isa-debugcon,iobase=0xe9,chardev=log'];
  const common = ['-m', '16', '-vga', 'none', '-display', 'none', '-nic', 'none'];
  const files = { bios: bios as Uint8Array };
  await vm.start({ args: ['-bios', 'bios', ...common, ...devices, ...args], files }, onEvent);
  return { vm, end: end.promise, logged: logged.promise, sum: () => (log[0] ?? 0) | ((log[1] ?? 0) << 8) };
}

/** An image whose requests take as long as the host likes, and end in any order. */
function erratic(bytes: Uint8Array): BlockNode {
  const memory = createMemoryNode(bytes);
  const later = <T>(body: () => Promise<T>): Promise<T> =>
    new Promise((resolve, reject) => setTimeout(() => body().then(resolve, reject), Math.random() * 5));
  return {
    ...memory,
    sizeBytes: bytes.length,
    read: (offset, into) => later(() => memory.read(offset, into)),
    write: (offset, from) => later(() => memory.write(offset, from)),
  };
}

/** Ends the machine with the status that the boot sector has. */
const EXIT = ['-device', 'isa-debug-exit,iobase=0xf4,iosize=4'];
const FIXED = ['-icount', 'shift=2,sleep=off', '-rtc', 'base=2020-01-01'];

describe.skipIf(!ready)('a disk', () => {
  test.each([
    ['IDE', ['-hda', 'disk']],
    ['virtio', ['-drive', 'file=disk,format=raw,if=virtio']],
  ])(
    'on %s boots from a file of the host, and what the guest writes is in it',
    { timeout: 60_000 },
    async (_bus, args) => {
      const path = join(directory, 'disk.img');
      writeFileSync(path, disk);
      const { end, sum } = await boot(async () => openFileNode(path, { readonly: false }), {}, ...EXIT, ...args);
      expect([await end, sum()]).toEqual([1, expected.sum]);
      expect(Buffer.from(expected.disk).equals(readFileSync(path))).toBe(true);
    },
  );

  test('in a run with a fixed rate: the host’s pace makes no difference', { timeout: 60_000 }, async () => {
    const histories: InputEvent[][] = [];
    const hashes: string[] = [];
    for (const node of [createMemoryNode(disk.slice()), erratic(disk.slice())]) {
      const history: InputEvent[] = [];
      const run = await boot(
        async () => node,
        { record: (event) => void history.push(event) },
        '-hda',
        'disk',
        ...EXIT,
        ...FIXED,
      );
      expect([await run.end, run.sum()]).toEqual([1, expected.sum]);
      histories.push(history);
    }
    expect(histories[0]?.length).toBeGreaterThan(96);
    expect(histories[1]).toEqual(histories[0]);
    const half = histories[0]?.[48]?.count ?? 0;
    for (const node of [createMemoryNode(disk.slice()), erratic(disk.slice())]) {
      const { vm } = await boot(async () => node, {}, '-hda', 'disk', ...EXIT, ...FIXED, '-S');
      await vm.pauseAt(half + 10);
      hashes.push((await vm.stateHash()).hash);
      await vm.quit();
    }
    expect(hashes[1]).toBe(hashes[0]);
  });

  test('in a replay: ends of requests come at the counts of the history', { timeout: 60_000 }, async () => {
    const recorded: InputEvent[] = [];
    const args = ['-hda', 'disk', ...EXIT, '-rtc', 'base=2020-01-01'];
    const record = { record: (event: InputEvent) => void recorded.push(event) };
    const first = await boot(async () => erratic(disk.slice()), record, ...args);
    await first.end;
    const replayed: InputEvent[] = [];
    const replay = { replay: recorded, record: (event: InputEvent) => void replayed.push(event) };
    const second = await boot(async () => createMemoryNode(disk.slice()), replay, ...args);
    expect([await second.end, second.sum()]).toEqual([1, expected.sum]);
    expect(replayed).toEqual(recorded);
  });

  test('with -snapshot: the file changes when it is told to', { timeout: 60_000 }, async () => {
    const path = join(directory, 'snapshot.img');
    writeFileSync(path, disk);
    const open = async (_name: string, { readonly }: { readonly: boolean }) => openFileNode(path, { readonly });
    const { vm, logged, sum } = await boot(open, {}, '-hda', 'disk', '-snapshot');
    await logged;
    expect(sum()).toBe(expected.sum);
    expect(Buffer.from(disk).equals(readFileSync(path))).toBe(true);
    expect(await vm.monitor('commit all')).toBe('');
    expect(Buffer.from(expected.disk).equals(readFileSync(path))).toBe(true);
    expect(await vm.monitor('info blockstats')).toContain('wr_operations=48 ');
    await vm.quit();
  });
});
