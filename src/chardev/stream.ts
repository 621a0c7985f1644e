import type { Chardev, CharEvent, CharFrontEnd } from './api.ts';

/**
 * The usual back end: the guest's bytes go to `output`; input is pushed in by the machine's input queue, of which this
 * is a byte receiver (`room`, `receive`). `onRoom` is called when the device can take more.
 */
export interface StreamChardev extends Chardev {
  room(): number;
  receive(bytes: Uint8Array): void;
  event(event: CharEvent): void;
}

export function createStreamChardev(output: (byte: number) => void, onRoom: () => void = () => {}): StreamChardev {
  let frontEnd: CharFrontEnd | undefined;
  return {
    write: output,
    attach(end) {
      frontEnd = end;
    },
    accept: onRoom,
    room: () => frontEnd?.room() ?? 0,
    receive(bytes) {
      if (frontEnd?.receiveMany !== undefined) frontEnd.receiveMany(bytes);
      else for (const byte of bytes) frontEnd?.receive(byte);
    },
    event(event) {
      frontEnd?.event?.(event);
    },
  };
}
