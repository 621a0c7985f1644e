/** A bench for one device alone: its registers, its interrupt lines, a clock that the test moves. For tests only. */
import { type Nanoseconds, VirtualClock } from './clock.ts';
import { createDevice, type Device, type DeviceType, type Parts } from './device.ts';
import { type IrqLine, Wire } from './irq.ts';
import type { LogCategory } from './log.ts';
import { PORT_COUNT, PortSpace } from './ports.ts';
import type { Props, PropValues } from './props.ts';
import { Container, type Region } from './region.ts';
import { resetAll } from './reset.ts';
import type { Fields, StateOf } from './state.ts';

export interface Bench<D extends Parts, S, I extends string> {
  readonly device: Device<D, S>;
  readonly parts: D;
  readonly state: S;
  readonly clock: VirtualClock;
  /** The levels of the device's outputs. */
  readonly irq: { readonly [K in I]: boolean };
  /** How often each output went from low to high. */
  readonly edges: { readonly [K in I]: number };
  readonly log: readonly { readonly category: LogCategory; readonly message: string }[];
  /** Reads through the bus, at an offset of the named region. */
  in(region: keyof D['regions'] & string, offset: number, size?: number): number;
  out(region: keyof D['regions'] & string, offset: number, value: number, size?: number): void;
  /** Moves time on and runs the timers that are due. */
  advance(ns: Nanoseconds): void;
  reset(): void;
  /** Saves, loads into a fresh device on the same bench and returns that bench. */
  reloaded(): Bench<D, S, I>;
}

export function createBench<F extends Fields, P extends Props, I extends string, D extends Parts>(
  type: DeviceType<F, P, I, D>,
  props: Partial<PropValues<P>> = {},
): Bench<D, StateOf<F>, I> {
  const clock = new VirtualClock();
  const log: { category: LogCategory; message: string }[] = [];
  const irq = {} as Record<I, boolean>;
  const edges = {} as Record<I, number>;
  const irqs = {} as Record<I, IrqLine>;
  for (const name of type.irqs) {
    irq[name] = false;
    edges[name] = 0;
    irqs[name] = new Wire((level) => {
      irq[name] = level;
      if (level) edges[name]++;
    });
  }
  const device = createDevice(type, {
    clock,
    props,
    irqs,
    log: (category, message) => void log.push({ category, message }),
  });
  const spaces = new Map<string, PortSpace>();
  function space(name: string): PortSpace {
    const known = spaces.get(name);
    if (known !== undefined) return known;
    const root = new Container('io', PORT_COUNT);
    root.add(0, device.parts.regions[name] as Region);
    const created = new PortSpace(root);
    spaces.set(name, created);
    return created;
  }
  resetAll([device]);
  return {
    device,
    parts: device.parts,
    state: device.state,
    clock,
    irq,
    edges,
    log,
    in: (region, offset, size = 1) => space(region).read(offset, size),
    out: (region, offset, value, size = 1) => space(region).write(offset, value, size),
    advance: (ns) => clock.advanceTo(clock.now() + ns),
    reset: () => resetAll([device]),
    reloaded() {
      const other = createBench(type, props);
      other.device.fill(device.save());
      other.clock.restore(clock.now());
      other.device.sync();
      return other;
    },
  };
}
