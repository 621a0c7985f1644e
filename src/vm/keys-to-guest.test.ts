/** Keys and pointers on their way from the API and the monitor to the guest. */
import { afterEach, expect, test } from 'vitest';
import { createNodeHost } from '../cli/node-host.ts';
import { typingOf } from '../input/typing.ts';
import type { VmEvent } from './api.ts';
import { MachineVm } from './machine-vm.ts';
import { firmware, out8 } from './real-mode.fixture.ts';

/** Prints every byte of the keyboard controller's output buffer on the serial line, after enabling the mouse. */
const ECHO_I8042 = firmware([
  ...out8(0x64, 0xd4),
  ...out8(0x60, 0xf4),
  // wait: in al,64h; test al,1; jz wait; in al,60h; mov dx,3f8h; out dx,al; jmp wait
  ...[0xe4, 0x64, 0xa8, 0x01, 0x74, 0xfa, 0xe4, 0x60, 0xba, 0xf8, 0x03, 0xee, 0xeb, 0xf2],
]);

const machines: MachineVm[] = [];
afterEach(async () => {
  for (const vm of machines.splice(0)) await vm.quit();
});

async function startEcho() {
  const vm = new MachineVm({ host: createNodeHost() });
  machines.push(vm);
  const received: number[] = [];
  const events: VmEvent[] = [];
  let wake = (): void => {};
  await vm.start(
    { args: ['-bios', 'bios', '-vga', 'none', '-m', '4', '-icount', 'shift=4,sleep=off'], files: { bios: ECHO_I8042 } },
    (event) => {
      events.push(event);
      if (event.kind === 'serial') received.push(...event.bytes);
      wake();
    },
  );
  return {
    vm,
    events,
    /** Takes that many bytes that the guest read. */
    async take(count: number): Promise<number[]> {
      while (received.length < count) await new Promise<void>((resolve) => void (wake = resolve));
      return received.splice(0, count);
    },
  };
}

test('keys, pointers, sendkey and typed text arrive at the keyboard controller', async () => {
  const { vm, take } = await startEcho();
  expect(await take(1)).toEqual([0xfa]);
  await vm.key('up', true);
  await vm.key('up', false);
  expect(await take(5)).toEqual([0xe0, 0x75, 0xe0, 0xf0, 0x75]);
  await vm.pointer({ dx: 3, dy: -4, buttons: 1 });
  expect(await take(3)).toEqual([0x09, 3, 4]);
  await vm.pointer({ x: 3, y: 4 }); // no tablet: nobody takes it
  expect(await vm.monitor('sendkey ctrl-alt-delete 1')).toBe('');
  expect(await take(11)).toEqual([0x14, 0x11, 0xe0, 0x71, 0xe0, 0xf0, 0x71, 0xf0, 0x11, 0xf0, 0x14]);
  await vm.type(typingOf('Hi').codes);
  expect(await take(9)).toEqual([0x12, 0x33, 0xf0, 0x33, 0xf0, 0x12, 0x43, 0xf0, 0x43]);
  expect(await vm.monitor('info mice')).toBe('* Mouse #2: QEMU PS/2 Mouse\n');
});

test('a name that is no key is refused', async () => {
  const { vm } = await startEcho();
  await expect(vm.key('nokey', true)).rejects.toThrow('invalid parameter: nokey');
});
