/** Random numbers are not made in a machine: they come from outside, as input. */
export interface EntropySource {
  /**
   * Connects a device: `arrived` is called between two instructions. What is given back asks for so many bytes; they may
   * come in several parts, and never after the machine's history has none.
   */
  attach(id: string, arrived: (bytes: Uint8Array) => void): (count: number) => void;
}

/** A source that gives nothing. */
export const noEntropy: EntropySource = { attach: () => () => {} };
