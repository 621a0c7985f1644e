/** What the page's screen needs of the machine behind it. */
import type { PointerEvent } from '../../input/pointer.ts';

export interface GuestDevices {
  key(name: string, down: boolean): void;
  pointer(event: PointerEvent): void;
  /** Keys of a text, as `typingOf` makes them. */
  type(codes: Uint8Array): void;
}
