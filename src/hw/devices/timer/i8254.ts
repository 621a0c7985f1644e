/**
 * Intel 8254 programmable interval timer. § names: Intel 8254 data sheet, order 231164-005.
 * Time is counted in ticks of the PC's 1.193182 MHz clock on one fixed grid, so that nothing drifts.
 * Not modelled: a new count starts at once in every mode (the chip waits for the next CLK, in modes 2 and 3 for the end
 * of the period), as in QEMU.
 */
import { ticksAt, timeOfTick } from '../../core/clock.ts';
import { defineDevice } from '../../core/device.ts';
import { BYTE_WIDE, ioRegion } from '../../core/region.ts';
import {
  array,
  below,
  bool,
  i64,
  ranged,
  type StateOf,
  struct,
  timer,
  u8,
  u16,
  u32,
  vmstate,
} from '../../core/state.ts';

export const PIT_HZ = 1_193_182;

/** Which byte of a 16-bit value the next access moves. */
const BYTE = { NONE: 0, LSB: 1, MSB: 2, WORD_LOW: 3, WORD_HIGH: 4 } as const;

/** 85 days: what a saved state may hold, so that sums of times stay exact. */
const MAX_TICKS = 2 ** 43;

const channel = struct({
  mode: below(8, 3), // as programmed; 6 and 7 mean 2 and 3
  bcd: bool(),
  access: below(4), // the control word's RW1:RW0; 0 until the first one
  reload: ranged(u32(0x10000), 1, 0x10000),
  gate: bool(true),
  /** The counter has been loaded, in modes 1 and 5 also triggered. */
  started: bool(true),
  /** The tick at which the counter held the full count. */
  startTick: ranged(i64(), 0, MAX_TICKS),
  /** While the gate stops the counter: how many ticks it had counted. Otherwise -1. */
  heldTicks: ranged(i64(-1), -1, MAX_TICKS),
  nullCount: bool(),
  readByte: below(5, BYTE.LSB),
  writeByte: below(5, BYTE.LSB),
  writeLow: u8(),
  /** What is left to be read of a latched count. */
  latchByte: below(5),
  latched: u16(),
  statusLatched: bool(),
  status: u8(),
});
type Channel = StateOf<{ channel: typeof channel }>['channel'];

const state = vmstate('i8254', 3, { channels: array(3, channel), irq: timer() });

export const i8254 = defineDevice({
  type: 'isa-pit',
  desc: 'i8254 programmable interval timer',
  props: {},
  irqs: ['out0'],
  state,
  isa: () => ({ ports: { pit: 0x40 }, irqs: { out0: 0 } }),
  create(s, { clock, out0 }) {
    const at = (n: number): Channel => s.channels[n] as Channel;
    const irqTimer = clock.timer('pit-irq', s.irq, () => sync());
    const now = () => ticksAt(clock.now(), PIT_HZ);
    const elapsed = (c: Channel, tick = now()) => (c.heldTicks >= 0 ? c.heldTicks : tick - c.startTick);
    let beforeChange = (): void => {};
    /** The mode, 0 to 5: for modes 2 and 3 the high bit does not matter. */
    const modeOf = (c: Channel) => (c.mode > 5 ? c.mode - 4 : c.mode);
    const isTriggered = (c: Channel) => modeOf(c) === 1 || modeOf(c) === 5;

    /** OUT, §"Mode Definitions". */
    function out(c: Channel, tick?: number): boolean {
      if (!c.started) return c.mode !== 0;
      const t = elapsed(c, tick);
      switch (modeOf(c)) {
        case 0:
        case 1:
          return t >= c.reload;
        case 2:
          return !c.gate || t % c.reload !== c.reload - 1;
        case 3:
          return !c.gate || t % c.reload < (c.reload + 1) >> 1;
        default:
          return t !== c.reload;
      }
    }

    /** How many ticks after its start OUT changes next; Infinity: never by itself. */
    function nextChange(c: Channel): number {
      const t = elapsed(c);
      const phase = t % c.reload;
      switch (modeOf(c)) {
        case 0:
        case 1:
          return t < c.reload ? c.reload : Number.POSITIVE_INFINITY;
        case 2:
          if (c.reload === 1) return Number.POSITIVE_INFINITY; // not allowed, §"Mode 2"
          return t - phase + (phase < c.reload - 1 ? c.reload - 1 : c.reload);
        case 3: {
          if (c.reload === 1) return Number.POSITIVE_INFINITY;
          const half = (c.reload + 1) >> 1;
          return t - phase + (phase < half ? half : c.reload);
        }
        default:
          return t <= c.reload ? (t === c.reload ? t + 1 : c.reload) : Number.POSITIVE_INFINITY;
      }
    }

    /** Drives OUT 0 and sets the timer for its next change. */
    function sync(): void {
      const c = at(0);
      out0.set(out(c));
      const change = c.started && c.heldTicks < 0 ? nextChange(c) : Number.POSITIVE_INFINITY;
      if (Number.isFinite(change)) irqTimer.set(timeOfTick(c.startTick + change, PIT_HZ));
      else irqTimer.cancel();
    }

    /** The counting element as a guest reads it: binary or BCD. */
    function count(c: Channel): number {
      const t = c.started ? elapsed(c) : 0;
      const range = c.bcd ? 10000 : 0x10000;
      let value: number;
      if (modeOf(c) === 2) {
        value = c.reload - (t % c.reload);
      } else if (modeOf(c) === 3) {
        // Mode 3 counts down by two, twice a period; an odd count holds 0 for a tick in the first half.
        const half = (c.reload + 1) >> 1;
        const phase = t % c.reload;
        value = (c.reload & ~1) - 2 * (phase < half ? phase : phase - half);
      } else {
        value = (((c.reload - t) % range) + range) % range;
      }
      value %= range;
      return c.bcd ? toBcd(value) : value;
    }

    function start(c: Channel): void {
      c.started = true;
      c.startTick = now();
      c.heldTicks = !c.gate && !isTriggered(c) ? 0 : -1;
    }

    function load(c: Channel, value: number): void {
      c.reload = c.bcd ? fromBcd(value) || 10000 : value || 0x10000;
      c.nullCount = false;
      if (!isTriggered(c)) start(c);
    }

    /** GATE, §"Gate Pin Operations Summary". */
    function setGate(n: number, level: boolean): void {
      const c = at(n);
      if (level === c.gate) return;
      if (isTriggered(c)) {
        c.gate = level;
        if (level && !c.nullCount) start(c);
      } else if (!level) {
        if (c.started) c.heldTicks = elapsed(c);
        c.gate = false;
      } else {
        c.gate = true;
        if (c.started && (modeOf(c) === 2 || modeOf(c) === 3)) start(c);
        else if (c.heldTicks >= 0) {
          c.startTick = now() - c.heldTicks;
          c.heldTicks = -1;
        }
      }
      sync();
    }

    function latchCount(c: Channel): void {
      if (c.latchByte !== BYTE.NONE) return; // a second latch is ignored until the first is read
      c.latched = count(c);
      c.latchByte = c.access;
    }

    function latchStatus(c: Channel): void {
      if (c.statusLatched) return;
      c.status = (out(c) ? 0x80 : 0) | (c.nullCount ? 0x40 : 0) | (c.access << 4) | (c.mode << 1) | (c.bcd ? 1 : 0);
      c.statusLatched = true;
    }

    function writeControl(value: number): void {
      const selected = value >> 6;
      if (selected === 3) {
        // Read-Back Command: the count and status bits are active low.
        for (const [n, c] of s.channels.entries()) {
          if (!(value & (2 << n))) continue;
          if (!(value & 0x20)) latchCount(c);
          if (!(value & 0x10)) latchStatus(c);
        }
        return;
      }
      const c = at(selected);
      const access = (value >> 4) & 3;
      if (access === 0) {
        latchCount(c);
        return;
      }
      c.mode = (value >> 1) & 7;
      c.bcd = (value & 1) !== 0;
      c.access = access;
      c.readByte = access;
      c.writeByte = access;
      c.latchByte = BYTE.NONE;
      c.started = false;
      c.heldTicks = -1;
      c.nullCount = true;
      sync();
    }

    function writeCount(c: Channel, value: number): void {
      switch (c.writeByte) {
        case BYTE.LSB:
          load(c, value);
          break;
        case BYTE.MSB:
          load(c, value << 8);
          break;
        case BYTE.WORD_LOW:
          c.writeLow = value;
          c.writeByte = BYTE.WORD_HIGH;
          if (c.mode === 0) c.started = false; // §"Mode 0": the first byte stops the counting and sets OUT low
          break;
        default:
          load(c, c.writeLow | (value << 8));
          c.writeByte = BYTE.WORD_LOW;
      }
      sync();
    }

    function readCount(c: Channel): number {
      if (c.statusLatched) {
        c.statusLatched = false;
        return c.status;
      }
      if (c.latchByte !== BYTE.NONE) {
        const high = c.latchByte === BYTE.MSB || c.latchByte === BYTE.WORD_HIGH;
        c.latchByte = c.latchByte === BYTE.WORD_LOW ? BYTE.WORD_HIGH : BYTE.NONE;
        return high ? c.latched >> 8 : c.latched & 0xff;
      }
      const high = c.readByte === BYTE.MSB || c.readByte === BYTE.WORD_HIGH;
      if (c.readByte === BYTE.WORD_LOW) c.readByte = BYTE.WORD_HIGH;
      else if (c.readByte === BYTE.WORD_HIGH) c.readByte = BYTE.WORD_LOW;
      return high ? count(c) >> 8 : count(c) & 0xff;
    }

    const pit = ioRegion(
      'pit',
      4,
      {
        read: (offset) => (offset < 3 ? readCount(at(offset)) : 0), // the control word cannot be read
        write(offset, value) {
          if (offset > 1) beforeChange();
          if (offset < 3) writeCount(at(offset), value);
          else if (offset === 3) writeControl(value);
        },
      },
      BYTE_WIDE,
    );

    return {
      regions: { pit },
      sync,
      /** After a reset all channels run through 65536 in mode 3; only channel 2 has its gate low. */
      reset() {
        for (const [n, c] of s.channels.entries()) {
          c.gate = n !== 2;
          start(c);
        }
      },
      setGate,
      gate: (n: number) => at(n).gate,
      out: (n: number) => out(at(n)),
      /** OUT at a time since which nothing was changed. */
      outAt: (n: number, ns: number) => out(at(n), ticksAt(ns, PIT_HZ)),
      /** Called before the guest changes channel 2, which the loudspeaker is at. */
      onBeforeChange(callback: () => void) {
        beforeChange = callback;
      },
    };
  },
});

function toBcd(value: number): number {
  let bcd = 0;
  for (let shift = 0; shift < 16; shift += 4) {
    bcd |= (value % 10) << shift;
    value = Math.floor(value / 10);
  }
  return bcd;
}

function fromBcd(bcd: number): number {
  const digit = (shift: number) => (bcd >> shift) & 0xf;
  return (digit(12) * 1000 + digit(8) * 100 + digit(4) * 10 + digit(0)) % 10000;
}
