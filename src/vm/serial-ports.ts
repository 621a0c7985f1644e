/** The serial ports of a machine: output is gathered and handed on in batches, input comes by the input queue. */
import type { Chardev } from '../chardev/api.ts';
import { nullChardev } from '../chardev/null.ts';
import { createStreamChardev } from '../chardev/stream.ts';
import type { InputQueue } from '../hw/core/input.ts';
import type { CharBackend } from './options/machine-options.ts';

/** Bytes that a guest wrote, until they are handed on. */
class OutputBatch {
  private bytes = new Uint8Array(256);
  private length = 0;

  push(byte: number): void {
    if (this.length === this.bytes.length) {
      const grown = new Uint8Array(this.bytes.length * 2);
      grown.set(this.bytes);
      this.bytes = grown;
    }
    this.bytes[this.length++] = byte;
  }
  /** All bytes so far, removed; undefined if there are none. */
  take(): Uint8Array | undefined {
    if (this.length === 0) return undefined;
    const taken = this.bytes.slice(0, this.length);
    this.length = 0;
    return taken;
  }
}

export interface CharPort {
  readonly chardev: Chardev;
  readonly output: OutputBatch;
}

/** Where bytes for the back end that a `-chardev` describes are queued. */
export const chardevTarget = (id: string): string => `chardev.${id}`;

/** A back end that leads outside; `target` is its name in the input queue, absent for output only. */
export function createCharPort(backend: CharBackend, input: InputQueue, target?: string): CharPort {
  const output = new OutputBatch();
  if (backend.kind === 'null') return { chardev: nullChardev, output };
  const chardev = createStreamChardev(
    (byte) => output.push(byte),
    () => target !== undefined && input.roomAvailable(target),
  );
  if (target !== undefined) {
    input.receiveBytes(target, chardev);
    input.receiveEvents<'break'>(`${target}.event`, {
      check: (data): data is 'break' => data === 'break',
      receive: (event) => chardev.event(event),
    });
  }
  return { chardev, output };
}
