/**
 * MC146818A real-time clock with 128 bytes of battery-backed memory, as on a PC AT.
 * § names: Motorola MC146818A data sheet, 1984; the century byte at 32h is IBM's.
 * Host time never comes in here: the machine gives the start time (`base`) or sets it through the input queue.
 * Not modelled: daylight saving (DSE), the square-wave output, PF while PIE is off (as in QEMU).
 */
import { ticksAt, timeOfTick } from '../../core/clock.ts';
import { defineDevice } from '../../core/device.ts';
import { prop } from '../../core/props.ts';
import { BYTE_WIDE, ioRegion } from '../../core/region.ts';
import { bool, bytes, survivesReset, timer, u8, vmstate } from '../../core/state.ts';
import { type CalendarTime, calendarOf, nextSecond } from './rtc-calendar.ts';

const REG = {
  SECONDS: 0x00,
  SECONDS_ALARM: 0x01,
  MINUTES: 0x02,
  MINUTES_ALARM: 0x03,
  HOURS: 0x04,
  HOURS_ALARM: 0x05,
  WEEKDAY: 0x06,
  DAY: 0x07,
  MONTH: 0x08,
  YEAR: 0x09,
  A: 0x0a,
  B: 0x0b,
  C: 0x0c,
  D: 0x0d,
  CENTURY: 0x32,
  PS2_CENTURY: 0x37, // where IBM's PS/2 has the century; shows the same byte
} as const;
const A_UIP = 0x80;
const A_RATE = 0x0f;
const B = { SET: 0x80, PIE: 0x40, AIE: 0x20, UIE: 0x10, SQWE: 0x08, BINARY: 0x04, HOURS_24: 0x02 } as const;
const C = { IRQF: 0x80, PF: 0x40, AF: 0x20, UF: 0x10 } as const;
const D_VRT = 0x80; // the battery is good
const HOURS_PM = 0x80;
const ALARM_ANY = 0xc0; // §"Alarm": the two high bits set match every value

const CRYSTAL_HZ = 32768;
const SECOND_NS = 1_000_000_000;
/** §"Update cycle": UIP rises 244 us before the registers change. */
const UIP_NS = Math.floor((8 * SECOND_NS) / CRYSTAL_HZ);

const state = vmstate('mc146818rtc', 3, {
  cmos: survivesReset(bytes(128)),
  index: u8(),
  nmiMasked: bool(),
  update: survivesReset(timer()),
  periodic: timer(),
});

export const mc146818 = defineDevice({
  type: 'mc146818rtc',
  desc: '',
  props: {
    base_year: prop.i32(1980),
    iobase: prop.u16(0x70),
    irq: prop.u8(8),
    /** Seconds since 1970 at power-on, in the time zone that the guest's RTC shows. */
    base: prop.code<number>(0),
    /** Called when the guest masks or unmasks NMI (bit 7 of port 70h). */
    nmiMask: prop.code<(masked: boolean) => void>(() => {}),
  },
  irqs: ['intr'],
  state,
  isa: ({ iobase, irq }) => ({ ports: { rtc: iobase }, irqs: { intr: irq } }),
  create(s, { clock, base, intr, nmiMask }) {
    const reg = (n: number): number => s.cmos[n] ?? 0;
    const has = (n: number, bit: number): boolean => (reg(n) & bit) !== 0;

    const updateTimer = clock.timer('rtc-update', s.update, () => {
      updateTimer.set(clock.now() + SECOND_NS);
      if (has(REG.B, B.SET)) return;
      store(nextSecond(shown()));
      raise(alarmMatches() ? C.UF | C.AF : C.UF);
    });
    const periodicTimer = clock.timer('rtc-periodic', s.periodic, () => {
      schedulePeriodic();
      raise(C.PF);
    });

    /** Flags have the same bit positions as their enables in B. */
    function raise(flags: number): void {
      s.cmos[REG.C] = reg(REG.C) | flags;
      updateIrq();
    }
    function updateIrq(): void {
      if (reg(REG.C) & reg(REG.B) & (C.PF | C.AF | C.UF)) s.cmos[REG.C] = reg(REG.C) | C.IRQF;
      sync();
    }
    const sync = () => {
      intr.set(has(REG.C, C.IRQF));
      nmiMask(s.nmiMasked);
    };

    const encode = (value: number) => (has(REG.B, B.BINARY) ? value : (Math.floor(value / 10) << 4) | (value % 10));
    const decode = (value: number) => (has(REG.B, B.BINARY) ? value : (value >> 4) * 10 + (value & 0x0f));
    function encodeHour(hour: number): number {
      if (has(REG.B, B.HOURS_24)) return encode(hour);
      return encode(hour % 12 || 12) | (hour >= 12 ? HOURS_PM : 0);
    }
    function decodeHour(value: number): number {
      if (has(REG.B, B.HOURS_24)) return decode(value);
      return (decode(value & 0x7f) % 12) + (value & HOURS_PM ? 12 : 0);
    }
    function shown(): CalendarTime {
      return {
        second: decode(reg(REG.SECONDS)),
        minute: decode(reg(REG.MINUTES)),
        hour: decodeHour(reg(REG.HOURS)),
        weekday: decode(reg(REG.WEEKDAY)),
        day: decode(reg(REG.DAY)),
        month: decode(reg(REG.MONTH)),
        year: decode(reg(REG.CENTURY)) * 100 + decode(reg(REG.YEAR)),
      };
    }
    function store(t: CalendarTime): void {
      s.cmos[REG.SECONDS] = encode(t.second);
      s.cmos[REG.MINUTES] = encode(t.minute);
      s.cmos[REG.HOURS] = encodeHour(t.hour);
      s.cmos[REG.WEEKDAY] = encode(t.weekday);
      s.cmos[REG.DAY] = encode(t.day);
      s.cmos[REG.MONTH] = encode(t.month);
      s.cmos[REG.YEAR] = encode(t.year % 100);
      s.cmos[REG.CENTURY] = encode(Math.floor(t.year / 100) % 100);
    }
    function alarmMatches(): boolean {
      const matches = (alarm: number, time: number) =>
        (reg(alarm) & ALARM_ANY) === ALARM_ANY || reg(alarm) === reg(time);
      return (
        matches(REG.SECONDS_ALARM, REG.SECONDS) &&
        matches(REG.MINUTES_ALARM, REG.MINUTES) &&
        matches(REG.HOURS_ALARM, REG.HOURS)
      );
    }

    /** §"Register A": dividers 11x hold the clock in reset. */
    const isStopped = (a: number) => (a & 0x60) === 0x60;

    function schedulePeriodic(): void {
      const rate = reg(REG.A) & A_RATE;
      if (rate === 0 || !has(REG.B, B.PIE)) {
        periodicTimer.cancel();
        return;
      }
      // Table 5: rates 1 and 2 are those of 8 and 9.
      const period = 1 << ((rate <= 2 ? rate + 7 : rate) - 1);
      const now = ticksAt(clock.now(), CRYSTAL_HZ);
      periodicTimer.set(timeOfTick(now - (now % period) + period, CRYSTAL_HZ));
    }

    function writeA(value: number): void {
      const wasStopped = isStopped(reg(REG.A));
      s.cmos[REG.A] = value & ~A_UIP;
      if (isStopped(value)) updateTimer.cancel();
      // §"Divider control": after the release the first update comes half a second later.
      else if (wasStopped) updateTimer.set(clock.now() + SECOND_NS / 2);
      schedulePeriodic();
    }
    function writeB(value: number): void {
      s.cmos[REG.B] = value & B.SET ? value & ~B.UIE : value;
      schedulePeriodic();
      if (!(reg(REG.C) & value & (C.PF | C.AF | C.UF))) s.cmos[REG.C] = reg(REG.C) & ~C.IRQF;
      updateIrq();
    }
    function readC(): number {
      const value = reg(REG.C);
      s.cmos[REG.C] = 0;
      sync();
      return value;
    }
    function updateInProgress(): boolean {
      return updateTimer.pending && !has(REG.B, B.SET) && updateTimer.deadlineNs - clock.now() <= UIP_NS;
    }

    function readData(): number {
      switch (s.index) {
        case REG.A:
          return reg(REG.A) | (updateInProgress() ? A_UIP : 0);
        case REG.C:
          return readC();
        case REG.PS2_CENTURY:
          return reg(REG.CENTURY);
        default:
          return reg(s.index);
      }
    }
    function writeData(value: number): void {
      switch (s.index) {
        case REG.A:
          writeA(value);
          break;
        case REG.B:
          writeB(value);
          break;
        case REG.C:
        case REG.D:
          break; // read-only
        case REG.PS2_CENTURY:
          s.cmos[REG.CENTURY] = value;
          break;
        default:
          s.cmos[s.index] = value;
      }
    }

    /** Sets the clock: at power-on, or by an event of the input queue. */
    function setTime(unixSeconds: number): void {
      store(calendarOf(unixSeconds));
      updateTimer.set(clock.now() + SECOND_NS);
    }

    s.cmos[REG.A] = 0x26; // 32.768 kHz, 1024 Hz
    s.cmos[REG.B] = B.HOURS_24;
    s.cmos[REG.D] = D_VRT;
    setTime(base);

    const rtc = ioRegion(
      'rtc',
      2,
      {
        read: (offset) => (offset === 1 ? readData() : 0xff), // the index cannot be read
        write(offset, value) {
          if (offset === 1) {
            writeData(value);
          } else {
            s.index = value & 0x7f;
            s.nmiMasked = (value & 0x80) !== 0;
            nmiMask(s.nmiMasked);
          }
        },
      },
      BYTE_WIDE,
    );
    return {
      regions: { rtc },
      sync,
      /** §"RESET": interrupt enables and flags are cleared; time and memory stay. */
      reset() {
        s.cmos[REG.B] = reg(REG.B) & ~(B.PIE | B.AIE | B.UIE | B.SQWE);
        s.cmos[REG.C] = 0;
      },
      setTime,
      getCmos: (index: number) => reg(index & 0x7f),
      /** For the machine: configuration bytes that the firmware reads. */
      setCmos(index: number, value: number): void {
        s.cmos[index & 0x7f] = value;
      },
    };
  },
});

const MiB = 1024 * 1024;
const GiB = 1024 * MiB;

/** The CMOS bytes with which QEMU's PCs tell the firmware how much memory there is, as [index, value]. */
export function cmosMemorySize(belowFourGiB: number, aboveFourGiB = 0): readonly (readonly [number, number])[] {
  const word = (index: number, value: number) =>
    [
      [index, value & 0xff],
      [index + 1, value >> 8],
    ] as const;
  const clamp = (value: number) => Math.max(0, Math.min(0xffff, Math.floor(value)));
  const baseKiB = Math.min(640, clamp(belowFourGiB / 1024));
  const extendedKiB = clamp(belowFourGiB / 1024 - 1024);
  const above16MiB = clamp((Math.min(belowFourGiB, 4 * GiB) - 16 * MiB) / (64 * 1024));
  const high = Math.floor(aboveFourGiB / (64 * 1024));
  return [
    ...word(0x15, baseKiB),
    ...word(0x17, extendedKiB),
    ...word(0x30, extendedKiB),
    ...word(0x34, above16MiB),
    [0x5b, high & 0xff],
    [0x5c, (high >> 8) & 0xff],
    [0x5d, (high >> 16) & 0xff],
  ];
}
