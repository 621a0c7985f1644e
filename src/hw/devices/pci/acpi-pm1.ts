/**
 * ACPI fixed hardware: PM1 event and control blocks, general-purpose events, the power management timer (ACPI 6.4 §4.8). Chip sets embed
 * it: PIIX4, ICH9. The registers are part of the chip's state.
 */
import { type Clock, ticksAt, timeOfTick } from '../../core/clock.ts';
import type { IrqLine } from '../../core/irq.ts';
import { BYTE_WIDE, Container, type IoRegion, type IoRules, ioRegion } from '../../core/region.ts';
import { i64, struct, type TimerCell, timer, u16 } from '../../core/state.ts';

export const PM1_STATUS = {
  TIMER: 0x0001,
  GLOBAL_LOCK: 0x0020,
  POWER_BUTTON: 0x0100,
  RTC: 0x0400,
  WAKE: 0x8000,
} as const;
const EVENTS = PM1_STATUS.TIMER | PM1_STATUS.GLOBAL_LOCK | PM1_STATUS.POWER_BUTTON | PM1_STATUS.RTC;
export const PM1_CONTROL = { SCI_ENABLE: 0x0001, SLEEP_ENABLE: 0x2000 } as const;
const SLEEP_TYPE_SHIFT = 10;

export const PM_TIMER_HZ = 3_579_545;
/** The timer has 24 bits; TMR_STS is set each time when the highest one changes. */
const TIMER_MASK = 0xff_ffff;
const HALF_PERIOD = 0x80_0000;

export const pm1Fields = struct({
  status: u16(),
  enable: u16(),
  control: u16(),
  /** Tick at which TMR_STS is set next. */
  overflowTick: i64(HALF_PERIOD),
  overflow: timer(),
});

export interface Pm1State {
  status: number;
  enable: number;
  control: number;
  overflowTick: number;
  readonly overflow: TimerCell;
}

/** Narrower accesses are widened, wider ones split. */
const WORDS: IoRules = { valid: { min: 1, max: 2 }, impl: { min: 2, max: 2 } };

export interface Pm1Wiring {
  readonly clock: Clock;
  readonly name: string;
  /** System control interrupt, a level. */
  readonly sci: IrqLine;
  /** The guest set SLP_EN with this SLP_TYP. */
  sleep(type: number): void;
}

/** What a machine does to the chip that manages its power; the chip's part `power`. */
export interface PowerManagement {
  pressPowerButton(): void;
  /** The machine leaves S3: called after the reset that this begins with. */
  wake(): void;
}

export interface Pm1 extends PowerManagement {
  /** 64 bytes for the PM base: event block at 0, control at 4, timer at 8. */
  readonly region: Container;
  /** What a write to the SMI command port makes the firmware do. */
  setAcpiEnabled(enabled: boolean): void;
  sync(): void;
}

export function createPm1(s: Pm1State, { clock, name, sci, sleep }: Pm1Wiring): Pm1 {
  const overflowTimer = clock.timer(`${name}.pm-timer`, s.overflow, () => update());
  const ticks = (): number => ticksAt(clock.now(), PM_TIMER_HZ);

  function latchOverflow(): void {
    if (ticks() >= s.overflowTick) s.status |= PM1_STATUS.TIMER;
  }
  const drive = (): void => sci.set((s.status & s.enable & EVENTS) !== 0);
  function update(): void {
    latchOverflow();
    drive();
    const waiting = (s.enable & PM1_STATUS.TIMER) !== 0 && (s.status & PM1_STATUS.TIMER) === 0;
    if (waiting) overflowTimer.set(timeOfTick(s.overflowTick, PM_TIMER_HZ));
    else overflowTimer.cancel();
  }

  function writeStatus(clear: number): void {
    latchOverflow();
    if (s.status & clear & PM1_STATUS.TIMER) s.overflowTick = ticks() - (ticks() % HALF_PERIOD) + HALF_PERIOD;
    s.status &= ~clear;
    update();
  }
  const events = ioRegion(
    'acpi-evt',
    4,
    {
      read(offset) {
        if (offset === 2) return s.enable;
        if (offset !== 0) return 0;
        latchOverflow();
        return s.status;
      },
      write(offset, value) {
        if (offset === 0) writeStatus(value);
        if (offset !== 2) return;
        s.enable = value;
        update();
      },
    },
    WORDS,
  );

  const control = ioRegion(
    'acpi-cnt',
    2,
    {
      read: () => s.control,
      write(_offset, value) {
        s.control = value & ~PM1_CONTROL.SLEEP_ENABLE;
        if (value & PM1_CONTROL.SLEEP_ENABLE) sleep((value >> SLEEP_TYPE_SHIFT) & 7);
      },
    },
    WORDS,
  );

  const timerRegion = ioRegion(
    'acpi-tmr',
    4,
    { read: () => ticks() & TIMER_MASK, write() {} },
    { impl: { min: 4, max: 4 } },
  );

  const region = new Container(name, 64);
  region.add(0, events);
  region.add(4, control);
  region.add(8, timerRegion);

  return {
    region,
    setAcpiEnabled(enabled) {
      if (enabled) s.control |= PM1_CONTROL.SCI_ENABLE;
      else s.control &= ~PM1_CONTROL.SCI_ENABLE;
    },
    pressPowerButton() {
      s.status |= PM1_STATUS.POWER_BUTTON;
      update();
    },
    // As if the power button had woken it.
    wake() {
      s.status |= PM1_STATUS.WAKE | PM1_STATUS.POWER_BUTTON;
      update();
    },
    sync: drive,
  };
}

/** A block of general-purpose events (§4.8.4.1) without sources: status bits, then enables. */
export const gpeRegion = (registers: Uint8Array): IoRegion =>
  ioRegion(
    'acpi-gpe0',
    registers.length,
    {
      read: (offset) => registers[offset] ?? 0,
      write(offset, value) {
        const isStatus = offset < registers.length / 2;
        registers[offset] = isStatus ? (registers[offset] ?? 0) & ~value : value;
      },
    },
    BYTE_WIDE,
  );
