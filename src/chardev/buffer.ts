import { createStreamChardev, type StreamChardev } from './stream.ts';

/** Keeps what the guest wrote and feeds the guest what a test or a tool gives it: QEMU's `ringbuf`, unbounded. */
export interface BufferChardev extends StreamChardev {
  readonly output: readonly number[];
  /** The output as Latin-1 text. */
  readonly text: string;
  /** Gives the guest these bytes as fast as it takes them. */
  feed(input: string | Uint8Array): void;
  /** Bytes that the guest has not taken yet. */
  readonly waiting: number;
}

export function createBufferChardev(): BufferChardev {
  const output: number[] = [];
  let pending: number[] = [];
  function pump(): void {
    while (pending.length > 0 && stream.room() > 0) stream.receive(Uint8Array.of(pending.shift() ?? 0));
  }
  const stream = createStreamChardev((byte) => void output.push(byte), pump);
  return {
    ...stream,
    output,
    get text() {
      return String.fromCharCode(...output);
    },
    feed(input) {
      pending = [...pending, ...(typeof input === 'string' ? Array.from(input, (c) => c.charCodeAt(0) & 0xff) : input)];
      pump();
    },
    get waiting() {
      return pending.length;
    },
  };
}
