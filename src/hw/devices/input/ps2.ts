/** The PS/2 wire between the i8042 and a keyboard or a mouse: bytes in both directions. */

/** The controller's end. */
export interface Ps2Host {
  /** The device has bytes to send. */
  dataReady(): void;
}

export interface Ps2Device {
  connect(host: Ps2Host): void;
  /** A byte from the controller: a command or its argument. */
  command(byte: number): void;
  readonly pending: boolean;
  /** The oldest byte that the device wants to send. Only while `pending`. */
  next(): number;
}

/** Answers of PS/2 devices. */
export const PS2 = { ACK: 0xfa, RESEND: 0xfe, SELF_TEST_PASSED: 0xaa, ECHO: 0xee } as const;
