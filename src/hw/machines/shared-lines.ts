import type { IrqLine } from '../core/irq.ts';

/**
 * Lines that several outputs may drive: the OR of all that are connected. What is behind a line hears only changes. While
 * devices repeat their outputs after a reset or a load nothing passes; so a line with two drivers, of which only one is
 * high, shows no false edge.
 */
export class SharedLines {
  private readonly outputs: readonly IrqLine[];
  private readonly inputs: boolean[][];
  private readonly levels: boolean[];
  private settling = false;

  constructor(outputs: readonly IrqLine[]) {
    this.outputs = outputs;
    this.inputs = outputs.map(() => []);
    this.levels = outputs.map(() => false);
  }

  /** A new input of line `n`. */
  connect(n: number): IrqLine {
    const inputs = this.inputs[n];
    if (inputs === undefined) throw new Error(`BUG: line ${n} of ${this.inputs.length}`);
    const input = inputs.push(false) - 1;
    return {
      set: (level) => {
        inputs[input] = level;
        if (!this.settling) this.drive(n);
      },
    };
  }

  /** After a reset the listeners start from low lines and hear which are high. */
  settleReset(repeatOutputs: () => void): void {
    this.levels.fill(false);
    this.settle(repeatOutputs);
    for (const n of this.outputs.keys()) this.drive(n);
  }

  /** After a load the listeners know the levels from their own state. */
  settleLoad(repeatOutputs: () => void): void {
    this.settle(repeatOutputs);
    for (const n of this.outputs.keys()) this.levels[n] = this.levelOf(n);
  }

  private settle(repeatOutputs: () => void): void {
    this.settling = true;
    try {
      repeatOutputs();
    } finally {
      this.settling = false;
    }
  }

  private levelOf(n: number): boolean {
    return this.inputs[n]?.includes(true) ?? false;
  }

  private drive(n: number): void {
    const level = this.levelOf(n);
    if (level === this.levels[n]) return;
    this.levels[n] = level;
    this.outputs[n]?.set(level);
  }
}
