/**
 * Keyboards and pointers of a machine, as they register to be given what a person does. Which of several gets it is
 * decided by the routing (devices/input/input-routing.ts).
 */

/** A key of QEMU's naming goes down or up. */
export interface KeyboardDevice {
  /** As QEMU names it: `QEMU PS/2 Keyboard`. */
  readonly name: string;
  key(key: string, down: boolean): void;
  /** It holds keys that the guest has not read yet. */
  readonly busy: boolean;
}

/** What a person does with a pointer; what is absent did not change. */
export interface PointerEvent {
  /** Relative motion, y down. */
  readonly dx?: number;
  readonly dy?: number;
  /** A place on the screen, 0 to 32767 in each direction. */
  readonly x?: number;
  readonly y?: number;
  /** Steps of the wheel, positive towards the user. */
  readonly dz?: number;
  /** Those that are down: bit 0 left, 1 right, 2 middle, 3 and 4 side. */
  readonly buttons?: number;
}

export interface PointerDevice {
  /** As `info mice` shows it. */
  readonly name: string;
  /** It takes places, not motion. */
  readonly absolute: boolean;
  point(event: PointerEvent): void;
}

export interface InputRegistration {
  /** The guest uses this device: from now on it is preferred to others of its kind. */
  activate(): void;
}

export interface InputRegistry {
  addKeyboard(keyboard: KeyboardDevice, options?: { readonly preferred?: boolean }): InputRegistration;
  addPointer(pointer: PointerDevice): InputRegistration;
}

/** For a device alone on a bench. */
export const noInputs: InputRegistry = {
  addKeyboard: () => ({ activate() {} }),
  addPointer: () => ({ activate() {} }),
};
