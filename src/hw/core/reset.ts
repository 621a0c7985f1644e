/**
 * Three-phase reset, as QEMU has it. In `enter` everybody sets only its own state; in `hold` outputs are driven, when
 * all inputs are already in their reset state; `exit` is for what may start only after the reset.
 */
export interface Resettable {
  enterReset(): void;
  holdReset(): void;
  exitReset?(): void;
}

export function resetAll(parts: readonly Resettable[]): void {
  for (const part of parts) part.enterReset();
  for (const part of parts) part.holdReset();
  for (const part of parts) part.exitReset?.();
}
