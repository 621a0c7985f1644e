import { expose } from 'comlink';
import { afterEach, describe, expect, test } from 'vitest';
import { VmError } from '../util/errors.ts';
import type { VmEvent } from './api.ts';
import { createVmClient, type VmClient } from './client.ts';
import { firmware, LOOP, out8, print } from './real-mode.fixture.ts';
import { createRemoteVm } from './remote-vm.ts';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** A client and the machine at the other end of a message channel, as between page and worker. */
function createRig(): { client: VmClient; port: MessagePort } {
  const { port1, port2 } = new MessageChannel();
  expose(createRemoteVm(), port2);
  const worker = Object.assign(port1, { terminate: () => port1.close() });
  const client = createVmClient(() => worker as unknown as Worker);
  closers.push(() => {
    port1.close();
    port2.close();
  });
  return { client, port: port1 };
}

describe('a machine behind a message channel', () => {
  test('starts, sends its events, and ends', async () => {
    const { client } = createRig();
    const events: VmEvent[] = [];
    const exited = new Promise<VmEvent>((resolve) => {
      void client.start(
        {
          args: ['-bios', 'bios', '-vga', 'none', '-m', '2', '-device', 'isa-debug-exit'],
          files: { bios: firmware(print('hi'), out8(0x501, 0)) },
        },
        (event) => {
          events.push(event);
          if (event.kind === 'exit') resolve(event);
        },
      );
    });
    expect(await exited).toEqual({ kind: 'exit', code: 1, reason: 'debug-exit' });
    expect(events).toContainEqual({ kind: 'serial', port: 0, bytes: Uint8Array.of(0x68, 0x69) });
  });

  test('takes commands, and can be started again after it was quit', async () => {
    const { client } = createRig();
    const options = { args: ['-bios', 'bios', '-vga', 'none', '-m', '2', '-S'], files: { bios: firmware(LOOP) } };
    for (let round = 0; round < 2; round++) {
      await client.start(options, () => {});
      expect(await client.monitor('info status')).toBe('VM status: paused (prelaunch)\n');
      await client.pauseAt(1000);
      expect(await client.status()).toMatchObject({ state: 'paused', instructions: 1000 });
      await client.quit();
    }
  });

  test('refusals arrive as VmErrors with their hint', async () => {
    const { client } = createRig();
    const failure = client.start({ args: ['-M', 'nope'], files: {} }, () => {});
    await expect(failure).rejects.toBeInstanceOf(VmError);
    await expect(failure).rejects.toMatchObject({
      message: '-M nope: unsupported machine type',
      hint: 'Use -machine help to list supported machines',
    });
  });

  test('a worker that fails as a whole fails every call', async () => {
    const { client, port } = createRig();
    const answer = client.status();
    answer.catch(() => {});
    port.dispatchEvent(new Event('error'));
    await expect(client.pause()).rejects.toThrow("BUG: the machine's worker failed: its script could not be loaded");
  });
});
