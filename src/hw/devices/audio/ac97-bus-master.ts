/**
 * A channel of the AC'97 controller: it goes through a list of 32 buffers in guest memory at the codec's rate.
 * Document: Intel 290655-003, §13.2.
 */
import type { Clock, Timer } from '../../core/clock.ts';
import type { Dma } from '../../core/dma.ts';
import { type Fields, type StateOf, struct, timer, u8, u16, u32 } from '../../core/state.ts';
import { PIECE_NS, startStream, streamClock, timeOfUnits, unitsDone, unitsDue } from './stream-clock.ts';

const REG = { LIST: 0x0, CURRENT: 0x4, LAST: 0x5, STATUS: 0x6, POSITION: 0x8, PREFETCHED: 0xa, CONTROL: 0xb } as const;
/** §13.2.4. */
const SR = { HALTED: 0x01, CURRENT_IS_LAST: 0x02, LAST_DONE: 0x04, BUFFER_DONE: 0x08, FIFO_ERROR: 0x10 } as const;
const SR_CLEARED = SR.LAST_DONE | SR.BUFFER_DONE | SR.FIFO_ERROR;
/** §13.2.7. */
const CR = { RUN: 0x01, RESET: 0x02, LAST_INTERRUPT: 0x04, FIFO_INTERRUPT: 0x08, BUFFER_INTERRUPT: 0x10 } as const;
const CR_WRITABLE = 0x1f;
/** §13.2.1: a descriptor's second word. */
const DESCRIPTOR_BYTES = 8;
const INTERRUPT_ON_COMPLETION = 0x8000_0000;
const LIST_ENTRIES = 32;
const FRAME_SAMPLES = 2;
/** Frames of a piece that moves at once. */
const PIECE_FRAMES = 1024;
/** A list of tiny buffers is looked at no more often. */
const MIN_STEP_NS = 250_000;
/** Buffers that end in one piece; a list of empty ones must not hold the machine up. */
const MAX_BUFFERS = 64;

const fields = {
  list: u32(),
  current: u8(),
  last: u8(),
  status: u16(SR.HALTED),
  /** Samples that are left of the buffer. */
  position: u16(),
  prefetched: u8(),
  control: u8(),
  bufferAt: u32(),
  /** Length and flags of the current descriptor. */
  bufferInfo: u32(),
  stream: streamClock,
  playing: timer(),
} satisfies Fields;
export const busMasterState = struct(fields);
type BusMasterState = StateOf<typeof fields>;

interface Wiring {
  readonly clock: Clock;
  readonly dma: Dma;
  rate(): number;
  readonly isInput: boolean;
  play(samples: Int16Array, rate: number): void;
  /** The interrupt may have changed. */
  changed(): void;
}

export class BusMaster {
  private readonly s: BusMasterState;
  private readonly wiring: Wiring;
  private readonly timer: Timer;

  constructor(name: string, state: BusMasterState, wiring: Wiring) {
    this.s = state;
    this.wiring = wiring;
    this.timer = wiring.clock.timer(name, state.playing, () => this.settle(MIN_STEP_NS));
  }

  get interrupts(): boolean {
    const { status, control } = this.s;
    return (
      ((status & SR.LAST_DONE) !== 0 && (control & CR.LAST_INTERRUPT) !== 0) ||
      ((status & SR.BUFFER_DONE) !== 0 && (control & CR.BUFFER_INTERRUPT) !== 0) ||
      ((status & SR.FIFO_ERROR) !== 0 && (control & CR.FIFO_INTERRUPT) !== 0)
    );
  }

  reset(): void {
    const { s } = this;
    s.list = 0;
    s.current = 0;
    s.last = 0;
    s.status = SR.HALTED;
    s.position = 0;
    s.prefetched = 0;
    s.control &= CR.LAST_INTERRUPT | CR.FIFO_INTERRUPT | CR.BUFFER_INTERRUPT; // §13.2.7: these survive RR
    s.bufferAt = 0;
    s.bufferInfo = 0;
    this.timer.cancel();
  }

  read(offset: number, size: number): number {
    this.settle();
    const bytes = this.registers();
    let value = 0;
    for (let i = 0; i < size; i++) value |= (bytes[offset + i] ?? 0xff) << (8 * i);
    return value >>> 0;
  }

  write(offset: number, value: number, size: number): void {
    const { s } = this;
    this.settle();
    if (offset === REG.LIST && size === 4) s.list = (value & ~7) >>> 0;
    if (offset <= REG.LAST && offset + size > REG.LAST && offset >= REG.CURRENT) {
      this.writeLast((value >>> (8 * (REG.LAST - offset))) & 0xff);
    }
    // A write of four bytes from 4 on reaches the status, too.
    if (offset <= REG.STATUS && offset + size > REG.STATUS && offset >= REG.CURRENT) {
      s.status &= ~((value >>> (8 * (REG.STATUS - offset))) & SR_CLEARED);
    }
    if (offset === REG.CONTROL) this.writeControl(value & 0xff);
    this.wiring.changed();
  }

  /** Moves what is due by now; the next turn is no sooner than after `stepNs`. */
  settle(stepNs = 1): void {
    const { s } = this;
    if (!(s.control & CR.RUN) || s.status & SR.HALTED) return;
    const { clock } = this.wiring;
    const rate = this.wiring.rate();
    let due = unitsDue(s.stream, clock.now(), rate);
    for (let buffers = 0; due > 0 && buffers < MAX_BUFFERS && !(s.status & SR.HALTED); ) {
      const frames = Math.min(due, PIECE_FRAMES, s.position / FRAME_SAMPLES);
      const whole = Math.floor(frames);
      if (whole > 0) this.move(whole, rate);
      due -= whole;
      unitsDone(s.stream, whole, rate);
      if (s.position < FRAME_SAMPLES) {
        buffers++;
        this.endBuffer();
      }
    }
    this.schedule(rate, stepNs);
    this.wiring.changed();
  }

  private registers(): readonly number[] {
    const { s } = this;
    const word = (value: number): readonly number[] => [value & 0xff, (value >>> 8) & 0xff];
    return [
      ...[...word(s.list & 0xffff), ...word(s.list >>> 16), s.current, s.last],
      ...[...word(s.status), ...word(s.position), s.prefetched, s.control],
    ];
  }

  private writeLast(value: number): void {
    const { s } = this;
    s.last = value % LIST_ENTRIES;
    // §13.2.3: a channel that waits behind its last buffer goes on.
    if (s.control & CR.RUN && s.status & SR.HALTED && s.status & SR.CURRENT_IS_LAST) {
      s.status &= ~(SR.HALTED | SR.CURRENT_IS_LAST);
      this.advance();
      this.begin();
    }
  }

  private writeControl(value: number): void {
    const { s } = this;
    if (value & CR.RESET) {
      this.reset();
      return;
    }
    const wasRunning = (s.control & CR.RUN) !== 0;
    s.control = value & CR_WRITABLE;
    if (!(value & CR.RUN)) {
      s.status |= SR.HALTED;
      this.timer.cancel();
    } else if (!wasRunning) {
      s.current = s.prefetched;
      s.prefetched = (s.prefetched + 1) % LIST_ENTRIES;
      s.status &= ~SR.HALTED;
      this.fetch();
      this.begin();
    }
  }

  private begin(): void {
    startStream(this.s.stream, this.wiring.clock.now());
    this.schedule(this.wiring.rate(), 1);
  }

  /** The end of the buffer, or of a piece that one hears at once. */
  private schedule(rate: number, stepNs: number): void {
    const { s } = this;
    if (!(s.control & CR.RUN) || s.status & SR.HALTED) {
      this.timer.cancel();
      return;
    }
    const now = this.wiring.clock.now();
    const end = timeOfUnits(s.stream, Math.max(1, Math.ceil(s.position / FRAME_SAMPLES)), rate);
    this.timer.set(Math.max(now + stepNs, Math.min(end, now + PIECE_NS)));
  }

  private move(frames: number, rate: number): void {
    const { s } = this;
    const data = new Uint8Array(frames * FRAME_SAMPLES * 2);
    if (this.wiring.isInput) {
      this.wiring.dma.write(s.bufferAt, data);
    } else {
      this.wiring.dma.read(s.bufferAt, data);
      this.wiring.play(new Int16Array(data.buffer), rate);
    }
    s.bufferAt = (s.bufferAt + data.length) >>> 0;
    s.position -= frames * FRAME_SAMPLES;
  }

  private fetch(): void {
    const { s } = this;
    const at = s.list + s.current * DESCRIPTOR_BYTES;
    s.bufferAt = (this.wiring.dma.readU32(at) & ~3) >>> 0;
    s.bufferInfo = this.wiring.dma.readU32(at + 4);
    s.position = s.bufferInfo & 0xfffe;
  }

  private advance(): void {
    const { s } = this;
    s.current = s.prefetched;
    s.prefetched = (s.prefetched + 1) % LIST_ENTRIES;
    this.fetch();
  }

  private endBuffer(): void {
    const { s } = this;
    if (s.bufferInfo & INTERRUPT_ON_COMPLETION) s.status |= SR.BUFFER_DONE;
    if (s.current === s.last) s.status |= SR.LAST_DONE | SR.HALTED | SR.CURRENT_IS_LAST;
    else this.advance();
  }
}
