/** A PCI bus: functions by device number, their interrupt pins, configuration cycles. */
import type { IrqLine } from '../../core/irq.ts';
import type { Container } from '../../core/region.ts';
import { devfnText } from './config.ts';
import type { PciFunction } from './function.ts';

export interface PciBusWiring {
  readonly memory: Container;
  readonly io: Container;
  /** Which of `lines` a pin (1 to 4) of a device drives: how the board wires the slots. */
  route(devfn: number, pin: number): number;
  readonly lines: readonly IrqLine[];
}

export interface PciBus {
  plug(devfn: number, fn: PciFunction): void;
  at(devfn: number): PciFunction | undefined;
  /** All functions, by device number. */
  functions(): readonly (readonly [devfn: number, fn: PciFunction])[];
  /** Lowest slot without a function, as QEMU chooses for `-device`; undefined if the bus is full. */
  freeSlot(): number | undefined;
}

export function createPciBus({ memory, io, route, lines }: PciBusWiring): PciBus {
  const functions = new Map<number, PciFunction>();
  /** Which pins pull each line; they repeat it after reset and load. */
  const pulling = lines.map(() => new Set<number>());

  return {
    plug(devfn, fn) {
      if (functions.has(devfn)) throw new Error(`BUG: PCI slot ${devfnText(devfn)} is taken`);
      functions.set(devfn, fn);
      fn.plug({
        memory,
        io,
        interrupt(pin, level) {
          const n = route(devfn, pin);
          const pins = pulling[n];
          if (pins === undefined) throw new Error(`BUG: PCI interrupt line ${n}`);
          const key = devfn * 4 + pin;
          if (level) pins.add(key);
          else pins.delete(key);
          lines[n]?.set(pins.size > 0);
        },
      });
    },
    at: (devfn) => functions.get(devfn),
    functions: () => [...functions].sort(([a], [b]) => a - b),
    freeSlot() {
      for (let slot = 0; slot < 32; slot++) {
        if (Array.from({ length: 8 }, (_, fn) => functions.has((slot << 3) | fn)).every((taken) => !taken)) return slot;
      }
      return undefined;
    },
  };
}
