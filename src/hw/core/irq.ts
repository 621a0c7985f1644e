/**
 * Interrupt lines are levels. A device drives its outputs; who listens decides whether it acts on the level or on an
 * edge. Driving a level that the line already has must do no harm: after reset and load every device drives all of
 * its outputs again.
 */
export interface IrqLine {
  set(level: boolean): void;
}

/** The line of an output that is not connected. */
export const unconnected: IrqLine = { set() {} };

/** A line that calls `changed` only when its level changes. */
export class Wire implements IrqLine {
  private current = false;
  private readonly changed: ((level: boolean) => void) | undefined;

  constructor(changed?: (level: boolean) => void) {
    this.changed = changed;
  }
  get level(): boolean {
    return this.current;
  }
  set(level: boolean): void {
    if (level === this.current) return;
    this.current = level;
    this.changed?.(level);
  }
}

/** One output to several inputs. */
export const splitIrq = (...outputs: readonly IrqLine[]): IrqLine => ({
  set(level) {
    for (const output of outputs) output.set(level);
  },
});

export const invertIrq = (output: IrqLine): IrqLine => ({ set: (level) => output.set(!level) });

/** `count` inputs whose OR drives `output`. The inputs' levels are not state: their drivers repeat them after a load. */
export function orGate(count: number, output: IrqLine): readonly IrqLine[] {
  const levels = new Array<boolean>(count).fill(false);
  return levels.map((_, i) => ({
    set(level: boolean) {
      levels[i] = level;
      output.set(levels.includes(true));
    },
  }));
}

/** A short pulse, for edge-triggered inputs. */
export function pulseIrq(line: IrqLine): void {
  line.set(true);
  line.set(false);
}
