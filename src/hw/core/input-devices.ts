/**
 * Keyboards and pointers of a machine, as they register to be given what a person does. Which of several gets it is
 * decided by the routing (devices/input/input-routing.ts).
 */

import type { PointerEvent } from '../../input/pointer.ts';

/** A key of QEMU's naming goes down or up. */
export interface KeyboardDevice {
  /** As QEMU names it: `QEMU PS/2 Keyboard`. */
  readonly name: string;
  key(key: string, down: boolean): void;
  /** It holds keys that the guest has not read yet. */
  readonly busy: boolean;
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
