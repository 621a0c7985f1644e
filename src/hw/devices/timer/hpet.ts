/**
 * High precision event timers: a 64-bit counter of 100 MHz and three comparators. Document: IA-PC HPET Specification
 * 1.0a, October 2004; identification and routing capabilities are QEMU's.
 * In legacy replacement mode comparators 0 and 1 take the place of the i8254 and the RTC on IRQ 0 and 8, whose outputs
 * therefore pass through here. A periodic comparator fires at most every MIN_PERIOD_NS.
 */
import { defineDevice } from '../../core/device.ts';
import type { Dma } from '../../core/dma.ts';
import { type IrqLine, pulseIrq } from '../../core/irq.ts';
import { prop } from '../../core/props.ts';
import { ioRegion } from '../../core/region.ts';
import { array, bool, struct, timer, u32, u64, vmstate } from '../../core/state.ts';

const TICK_NS = 10;
const PERIOD_FS = TICK_NS * 1_000_000;
const COMPARATORS = 3;
const MIN_PERIOD_NS = 5000;
const ALL_ONES = 2n ** 64n - 1n;
const LOW = 0xffff_ffffn;

/** §2.3.4: Intel, 64-bit counter, legacy replacement, revision 1. */
export const HPET_ID = (0x8086_a001 + ((COMPARATORS - 1) << 8)) >>> 0;
export const HPET_BYTES = 0x400;

const REG = { ID: 0x000, PERIOD: 0x004, CONFIG: 0x010, STATUS: 0x020, COUNTER: 0x0f0, COMPARATOR0: 0x100 } as const;
const COMPARATOR_BYTES = 0x20;
const CMP = { CONFIG: 0x00, ROUTES: 0x04, VALUE: 0x08, FSB_VALUE: 0x10, FSB_ADDRESS: 0x14 } as const;

/** §2.3.5 */
const CONFIG = { ENABLE: 0x1, LEGACY: 0x2 } as const;
/** §2.3.8 */
const TN = {
  LEVEL: 0x2,
  ENABLE: 0x4,
  PERIODIC: 0x8,
  CAPABLE: 0x30,
  SET_VALUE: 0x40,
  BITS_32: 0x100,
  FSB: 0x4000,
} as const;
const TN_WRITABLE = 0x7f4e;
const TN_ROUTE_SHIFT = 9;

const LEGACY_IRQS: readonly (number | undefined)[] = [0, 8];
/** Behind these the PC's board inverts: interrupts of PCI's kind are active low. */
const FIRST_PCI_ROUTE = 16;

export const hpet = defineDevice({
  type: 'hpet',
  desc: '',
  props: {
    /** Interrupts of the system, by number; which of them comparators may choose. */
    gsis: prop.required<readonly IrqLine[]>(),
    'hpet-intcap': prop.u32(0x4),
    dma: prop.required<Dma>(),
  },
  irqs: ['pit', 'rtc'],
  isa: () => ({ ports: {}, irqs: { pit: 0, rtc: 8 } }),
  state: vmstate('hpet', 2, {
    config: u32(),
    status: u32(),
    /** The counter while it stands still; while it runs, its distance from the clock. */
    counter: u64(),
    comparators: array(
      COMPARATORS,
      struct({
        config: u32(TN.CAPABLE),
        value: u64(ALL_ONES),
        period: u64(),
        fsb: u64(),
        /** The next event is the wrap of 32 bits, not the match. */
        wraps: bool(),
        timer: timer(),
      }),
    ),
  }),
  create(s, { gsis, 'hpet-intcap': routes, dma, clock, id, log, pit, rtc }) {
    type Comparator = (typeof s.comparators)[number];
    /** Levels of the inputs; their drivers repeat them after a reset and a load. */
    const inputs = { pit: false, rtc: false };
    const isRunning = (): boolean => (s.config & CONFIG.ENABLE) !== 0;
    const isLegacy = (): boolean => (s.config & CONFIG.LEGACY) !== 0;
    const ticks = (): bigint => BigInt(Math.floor(clock.now() / TICK_NS));
    const counter = (): bigint => (isRunning() ? BigInt.asUintN(64, ticks() + s.counter) : s.counter);
    const widthOf = (c: Comparator): number => (c.config & TN.BITS_32 ? 32 : 64);

    const timers = s.comparators.map((c, n) => clock.timer(`hpet.${n}`, c.timer, () => fire(c, n)));

    /** Ticks until the counter matches; 0 if it has passed by. */
    function distance(c: Comparator, now: bigint): bigint {
      const ahead = BigInt.asIntN(widthOf(c), c.value - now);
      return ahead > 0n ? ahead : 0n;
    }

    /** What a double can hold of so many ticks; further away nothing happens within a machine's life. */
    function startTimer(n: number, inTicks: bigint): void {
      const ns = Number(inTicks) * TICK_NS;
      if (ns < Number.MAX_SAFE_INTEGER - clock.now()) timers[n]?.set(clock.now() + ns);
      else timers[n]?.cancel();
    }

    function schedule(c: Comparator, n: number): void {
      const now = counter();
      let next = distance(c, now);
      c.wraps = false;
      // §2.3.9.2.1: a one-shot comparator of 32 bits also interrupts when the counter wraps.
      if (widthOf(c) === 32 && (c.config & TN.PERIODIC) === 0) {
        const toWrap = LOW + 1n - (now & LOW);
        c.wraps = toWrap < next;
        if (c.wraps) next = toWrap;
      }
      startTimer(n, next);
    }

    function fire(c: Comparator, n: number): void {
      const now = counter();
      if (c.config & TN.PERIODIC && c.period !== 0n) {
        const behind = BigInt.asIntN(widthOf(c), now - c.value);
        const steps = behind >= 0n ? behind / c.period + 1n : 0n;
        c.value = BigInt.asUintN(widthOf(c), c.value + steps * c.period);
        const soonest = BigInt(MIN_PERIOD_NS / TICK_NS);
        const next = distance(c, now);
        startTimer(n, next > soonest ? next : soonest);
      } else if (c.wraps) {
        schedule(c, n);
      }
      interrupt(c, n, true);
    }

    const lineOf = (c: Comparator, n: number): { line: IrqLine | undefined; inverted: boolean } => {
      const legacy = isLegacy() ? LEGACY_IRQS[n] : undefined;
      const route = legacy ?? (c.config >> TN_ROUTE_SHIFT) & 0x1f;
      return { line: gsis[route], inverted: route >= FIRST_PCI_ROUTE };
    };

    function interrupt(c: Comparator, n: number, active: boolean): void {
      const { line, inverted } = lineOf(c, n);
      const bit = 1 << n;
      if (!active || (c.config & TN.ENABLE) === 0 || !isRunning()) {
        s.status &= ~bit;
        if ((c.config & TN.FSB) === 0) line?.set(inverted);
      } else if (c.config & TN.FSB) {
        dma.writeU32(Number(c.fsb >> 32n), Number(c.fsb & LOW));
      } else if (c.config & TN.LEVEL) {
        s.status |= bit;
        line?.set(!inverted);
      } else {
        s.status &= ~bit;
        if (line !== undefined) pulseIrq(line);
      }
    }

    function stop(c: Comparator, n: number): void {
      timers[n]?.cancel();
      interrupt(c, n, false);
    }

    function writeConfig(value: number): void {
      const old = s.config;
      const now = counter();
      s.config = value & (CONFIG.ENABLE | CONFIG.LEGACY);
      if (isRunning() && (old & CONFIG.ENABLE) === 0) {
        s.counter = BigInt.asUintN(64, now - ticks());
        for (const [n, c] of s.comparators.entries()) if (c.value !== ALL_ONES) schedule(c, n);
      } else if (!isRunning() && old & CONFIG.ENABLE) {
        s.counter = now;
        for (const [n, c] of s.comparators.entries()) stop(c, n);
      }
      if ((old ^ s.config) & CONFIG.LEGACY) {
        gsis[0]?.set(false);
        gsis[8]?.set(false);
        driveLegacy();
      }
    }

    function driveLegacy(): void {
      pit.set(inputs.pit && !isLegacy());
      rtc.set(inputs.rtc && !isLegacy());
    }

    function writeComparatorConfig(c: Comparator, n: number, value: number): void {
      const old = c.config;
      // Interrupts to processors are messages only if we had said so.
      c.config = (old & ~TN_WRITABLE) | (value & TN_WRITABLE & ~TN.FSB);
      if (c.config & TN.BITS_32) {
        c.value &= LOW;
        c.period &= LOW;
      }
      if (c.config & ~old & TN.ENABLE && isRunning()) schedule(c, n);
      else if (old & ~c.config & TN.ENABLE) stop(c, n);
    }

    /** §2.3.9.2.2: what is written is the period; the value as well if so announced. */
    function writeValue(c: Comparator, n: number, half: 0 | 1, value: number): void {
      const shift = BigInt(32 * half);
      const replace = (of: bigint, bits: number): bigint => (of & ~(LOW << shift)) | (BigInt(bits) << shift);
      if (widthOf(c) === 32 && half === 1) return;
      const isPeriodic = (c.config & TN.PERIODIC) !== 0;
      if (!isPeriodic || c.config & TN.SET_VALUE) c.value = replace(c.value, value);
      if (isPeriodic) {
        const isHighest = half === 1 || widthOf(c) === 32;
        c.period = replace(c.period, isHighest ? value & 0x7fff_ffff : value);
      }
      c.config &= ~TN.SET_VALUE;
      if (isRunning()) schedule(c, n);
    }

    function writeCounter(half: 0 | 1, value: number): void {
      if (isRunning()) {
        log('guest_errors', `${id}: write to the counter while it runs`);
        return;
      }
      const shift = BigInt(32 * half);
      s.counter = (s.counter & ~(LOW << shift)) | (BigInt(value) << shift);
    }

    const half = (value: bigint, offset: number): number => Number(offset & 4 ? value >> 32n : value & LOW);

    function readComparator(c: Comparator, offset: number): number {
      switch (offset & ~4) {
        case CMP.CONFIG:
          return offset & 4 ? routes : c.config;
        case CMP.VALUE:
          return half(c.value, offset);
        case CMP.FSB_VALUE:
          return half(c.fsb, offset);
        default:
          return 0;
      }
    }

    function writeComparator(c: Comparator, n: number, offset: number, value: number): void {
      switch (offset) {
        case CMP.CONFIG:
          writeComparatorConfig(c, n, value);
          break;
        case CMP.VALUE:
        case CMP.VALUE + 4:
          writeValue(c, n, offset & 4 ? 1 : 0, value);
          break;
        case CMP.FSB_VALUE:
          c.fsb = (c.fsb & ~LOW) | BigInt(value);
          break;
        case CMP.FSB_ADDRESS:
          c.fsb = (c.fsb & LOW) | (BigInt(value) << 32n);
          break;
      }
    }

    function clearStatus(value: number): void {
      for (const [n, c] of s.comparators.entries()) if (value & s.status & (1 << n)) interrupt(c, n, false);
    }

    const inputOf = (name: keyof typeof inputs): IrqLine => ({
      set(level) {
        inputs[name] = level;
        driveLegacy();
      },
    });

    const memory = ioRegion(
      'hpet',
      HPET_BYTES,
      {
        read(offset) {
          if (offset >= REG.COMPARATOR0) {
            const c = s.comparators[Math.floor((offset - REG.COMPARATOR0) / COMPARATOR_BYTES)];
            return c === undefined ? 0 : readComparator(c, offset % COMPARATOR_BYTES);
          }
          if (offset === REG.ID) return HPET_ID;
          if (offset === REG.PERIOD) return PERIOD_FS;
          if (offset === REG.CONFIG) return s.config;
          if (offset === REG.STATUS) return s.status;
          return (offset & ~4) === REG.COUNTER ? half(counter(), offset) : 0;
        },
        write(offset, value) {
          if (offset >= REG.COMPARATOR0) {
            const n = Math.floor((offset - REG.COMPARATOR0) / COMPARATOR_BYTES);
            const c = s.comparators[n];
            if (c !== undefined) writeComparator(c, n, offset % COMPARATOR_BYTES, value);
          } else if (offset === REG.CONFIG) {
            writeConfig(value);
          } else if (offset === REG.STATUS) {
            clearStatus(value);
          } else if ((offset & ~4) === REG.COUNTER) {
            writeCounter(offset & 4 ? 1 : 0, value);
          }
        },
      },
      { valid: { min: 4, max: 4 }, impl: { min: 4, max: 4 } },
    );

    return {
      regions: { memory },
      /** For the outputs of the i8254 and the RTC. */
      pitInput: inputOf('pit'),
      rtcInput: inputOf('rtc'),
      sync() {
        driveLegacy();
        for (const [n, c] of s.comparators.entries()) {
          if (c.config & TN.LEVEL) lineOf(c, n).line?.set(((s.status >> n) & 1) === 1);
        }
      },
    };
  },
});
