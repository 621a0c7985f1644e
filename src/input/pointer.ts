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
