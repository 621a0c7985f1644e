import { afterEach, describe, expect, test } from 'vitest';
import { createNodeHost } from '../cli/node-host.ts';
import type { StopReason } from '../control/debug-control.ts';
import type { VmEvent } from './api.ts';
import { MachineVm } from './machine-vm.ts';
import { ECHO_UNTIL_Q, firmware, LOOP } from './real-mode.fixture.ts';

const machines: MachineVm[] = [];
afterEach(async () => {
  for (const vm of machines.splice(0)) await vm.quit();
});

/** A machine that sends back what it receives, paused at power-on. */
async function echoing(...args: string[]) {
  const vm = new MachineVm({ host: createNodeHost() });
  machines.push(vm);
  let output = '';
  const hear = (event: VmEvent): void => {
    if (event.kind === 'serial') output += new TextDecoder().decode(event.bytes);
  };
  const files = { bios: firmware(ECHO_UNTIL_Q, LOOP) };
  await vm.start({ args: ['-S', '-M', 'isapc', '-vga', 'none', '-m', '4', '-bios', 'bios', ...args], files }, hear);
  const { debug } = vm.controlled;
  const stop = (): Promise<StopReason> =>
    new Promise((resolve) => {
      const end = debug.onStop((reason) => {
        end();
        resolve(reason);
      });
    });
  const executed = async (): Promise<number> => (await vm.stateHash()).instructions;
  return { vm, debug, stop, executed, output: () => output };
}

describe.each([
  { time: 'of the host', args: [] },
  { time: 'of the instruction count', args: ['-icount', 'shift=3,sleep=off'] },
])('the history of a machine whose time is that $time', ({ args }) => {
  test('leads back to any moment, with the state it had, and forward again', async () => {
    const { vm, debug, executed } = await echoing(...args);
    debug.keepHistory(true);
    await vm.pauseAt(3000);
    const early = await vm.stateHash();
    await vm.serialInput(0, new TextEncoder().encode('abc'));
    await vm.pauseAt(50_000);
    const late = await vm.stateHash();
    expect(late.hash).not.toBe(early.hash);

    await debug.seek(3000);
    expect(await vm.stateHash()).toEqual(early);
    await debug.seek(50_000);
    expect(await vm.stateHash()).toEqual(late);
    await debug.reverseStep();
    expect(await executed()).toBe(49_999);
    await debug.seek(50_000);
    expect(await vm.stateHash()).toEqual(late);
  });

  test('shows nothing twice, and goes on into the present', async () => {
    const { vm, debug, output } = await echoing(...args);
    debug.keepHistory(true);
    await vm.serialInput(0, new TextEncoder().encode('abc'));
    await vm.pauseAt(400_000);
    expect(output()).toBe('abc');
    await debug.seek(1000);
    await vm.pauseAt(400_001);
    expect(output()).toBe('abc');
    await vm.serialInput(0, new TextEncoder().encode('d'));
    await vm.pauseAt(800_000);
    expect(output()).toBe('abcd');
  });

  test('becomes another one with an input in the past', async () => {
    const { vm, debug, output } = await echoing(...args);
    debug.keepHistory(true);
    await vm.pauseAt(10_000);
    await vm.serialInput(0, new TextEncoder().encode('abc'));
    await vm.pauseAt(400_000);
    await debug.seek(5000);
    await vm.serialInput(0, new TextEncoder().encode('x'));
    expect(debug.history).toMatchObject({ first: 0, now: 5000, last: 5000 });
    await vm.pauseAt(400_000);
    expect(output()).toBe('abcx');
  });
});

describe('going back', () => {
  test('stops at the last breakpoint before, and at the beginning of the history', async () => {
    const { vm, debug, stop, executed } = await echoing('-icount', 'shift=3,sleep=off');
    debug.keepHistory(true);
    await vm.pauseAt(9);
    // The first instruction of the loop that waits for a byte: after the jump from the reset vector, and every 4 further on.
    debug.setBreakpoints([0xfe000n]);
    for (const count of [5, 1]) {
      const stopped = stop();
      await debug.reverseContinue();
      expect(await stopped).toEqual({ kind: 'breakpoint' });
      expect(await executed()).toBe(count);
    }
    const stopped = stop();
    await debug.reverseContinue();
    expect(await stopped).toEqual({ kind: 'history-begin' });
    expect(await executed()).toBe(0);
  });

  test('is refused beyond what is known, and without a history', async () => {
    const { vm, debug } = await echoing();
    await expect(debug.seek(1)).rejects.toThrow('cannot go to instruction 1: no history is kept');
    await vm.pauseAt(100);
    debug.keepHistory(true);
    await vm.pauseAt(200);
    await expect(debug.seek(99)).rejects.toThrow(
      'cannot go to instruction 99: the history goes from instruction 100 to 200',
    );
    await expect(debug.seek(201)).rejects.toThrow('instruction 100 to 200');
  });
});
