/**
 * A character device joins a device of the machine (the front end) to the outside (the back end): a terminal, a file,
 * a buffer. Bytes that the guest writes leave at once; bytes from outside come in only as far as the front end has
 * room, so that no receiver overruns because the host was fast.
 */

export type CharEvent = 'break' | 'opened' | 'closed';

/** The device's end. */
export interface CharFrontEnd {
  /** How many bytes the device takes now. */
  room(): number;
  receive(byte: number): void;
  /** Takes several bytes at once, for devices whose guests have buffers of many; absent: one by one. */
  receiveMany?(bytes: Uint8Array): void;
  event?(event: CharEvent): void;
}

/** What a device sees of its back end. */
export interface Chardev {
  write(byte: number): void;
  /** Connects the device; at most one. */
  attach(frontEnd: CharFrontEnd): void;
  /** The device has room again. */
  accept(): void;
}
