/**
 * A port of an AHCI controller: takes commands from the list in memory, gives them to the device, moves their data and
 * tells by frames in memory how they ended. § names: Serial ATA AHCI 1.3.
 * The order of frames and interrupts follows QEMU.
 */
import type { BlockError } from '../../../block/api.ts';
import { VmError } from '../../../util/errors.ts';
import type { Dma } from '../../core/dma.ts';
import { hex, type LogHook } from '../../core/log.ts';
import { CommandQueue } from './ahci-queue.ts';
import { RegionTable } from './ahci-regions.ts';
import {
  CMD,
  CMD_WRITABLE,
  DET_RESET,
  FIS,
  FIS_BYTES,
  FIS_COMMAND,
  FIS_INTERRUPT,
  HEADER,
  HEADER_BYTES,
  IE_WRITABLE,
  IS,
  NO_SLOT,
  PORT,
  type PortState,
  RECEIVED,
  SCTL_DET,
  SLOTS,
  SSTS_PRESENT,
  TABLE,
} from './ahci-state.ts';
import { type AtaHost, CONTROL, type IdeBus, STATUS } from './ata.ts';
import type { AtaUnit } from './ata-unit.ts';

export interface PortOptions {
  readonly name: string;
  readonly node: number;
  /** Of QEMU's made-up serials. */
  readonly number: number;
  readonly memory: Dma;
  readonly log: LogHook;
  /** The port's interrupt status or mask changed. */
  interruptChanged(): void;
}

export class AhciPort implements IdeBus {
  readonly kind = 'IDE';
  readonly ncqDepth = SLOTS;
  readonly name: string;
  readonly node: number;
  private readonly s: PortState;
  private readonly options: PortOptions;
  private readonly queue: CommandQueue;
  private unit: AtaUnit | undefined;
  private checking = false;

  constructor(state: PortState, options: PortOptions) {
    this.s = state;
    this.options = options;
    this.name = options.name;
    this.node = options.node;
    this.queue = new CommandQueue(state.queue, {
      regions: (slot) => this.regionsOf(slot),
      ended: (tag, error) => this.queuedEnded(tag, error),
    });
  }

  get full(): boolean {
    return this.unit !== undefined;
  }
  plug(device: AtaUnit, wanted: number | undefined): { unit: number; number: number } {
    if ((wanted ?? 0) > 0) throw new VmError(`Can't create IDE unit ${wanted}, bus supports only 1 units`);
    if (this.full) throw new VmError(wanted === undefined ? `Bus '${this.name}' is full` : 'IDE unit 0 is in use');
    this.unit = device;
    device.connect(this.host(device));
    return { unit: 0, number: this.options.number };
  }

  get interrupts(): boolean {
    return (this.s.is & this.s.ie) !== 0;
  }

  read(offset: number): number {
    const { s } = this;
    switch (offset) {
      case PORT.CLB:
        return s.listLow;
      case PORT.CLBU:
        return s.listHigh;
      case PORT.FB:
        return s.fisLow;
      case PORT.FBU:
        return s.fisHigh;
      case PORT.IS:
        return s.is;
      case PORT.IE:
        return s.ie;
      case PORT.CMD:
        return s.cmd;
      case PORT.TFD:
        return s.taskFile;
      case PORT.SIG:
        return s.signature;
      case PORT.SSTS:
        return this.unit === undefined ? 0 : SSTS_PRESENT;
      case PORT.SCTL:
        return s.sctl;
      case PORT.SERR:
        return s.serr;
      case PORT.SACT:
        return s.sact;
      case PORT.CI:
        return s.ci;
      default:
        return 0;
    }
  }

  write(offset: number, value: number): void {
    const { s } = this;
    switch (offset) {
      case PORT.CLB:
        s.listLow = value;
        break;
      case PORT.CLBU:
        s.listHigh = value;
        break;
      case PORT.FB:
        s.fisLow = value;
        break;
      case PORT.FBU:
        s.fisHigh = value;
        break;
      case PORT.IS:
        s.is = (s.is & ~value) >>> 0;
        this.options.interruptChanged();
        break;
      case PORT.IE:
        s.ie = (value & IE_WRITABLE) >>> 0;
        this.options.interruptChanged();
        break;
      case PORT.CMD:
        this.writeCommand(value);
        break;
      case PORT.SCTL:
        if ((s.sctl & SCTL_DET) === DET_RESET && (value & SCTL_DET) === 0) this.resetDevice();
        s.sctl = value;
        break;
      case PORT.SERR:
        s.serr = (s.serr & ~value) >>> 0;
        break;
      case PORT.SACT:
        s.sact = (s.sact | value) >>> 0;
        break;
      case PORT.CI:
        s.ci = (s.ci | value) >>> 0;
        this.check();
        break;
      default:
    }
  }

  /** §10.4.3: the port's part of a reset of the whole controller. */
  reset(): void {
    const { s } = this;
    s.is = s.ie = s.sctl = 0;
    s.cmd = CMD.SPIN_UP | CMD.POWER_ON;
    this.resetDevice();
  }

  /** §10.4.2, and the end of a software reset (§10.4.1). */
  private resetDevice(): void {
    const { s, unit } = this;
    s.serr = s.sact = s.ci = 0;
    s.taskFile = 0x7f;
    s.signature = 0xffff_ffff;
    s.busySlot = NO_SLOT;
    s.inSoftReset = s.signatureSent = false;
    this.queue.reset();
    if (unit === undefined) return;
    unit.reset();
    this.sendSignature();
  }

  private writeCommand(value: number): void {
    const { s } = this;
    s.cmd = ((s.cmd & ~CMD_WRITABLE) | (value & CMD_WRITABLE)) >>> 0;
    if (s.cmd & CMD.LIST_RUNNING && !(s.cmd & CMD.START)) s.ci = s.sact = 0; // §3.3.13, §3.3.14
    s.cmd = s.cmd & CMD.START ? s.cmd | CMD.LIST_RUNNING : s.cmd & ~CMD.LIST_RUNNING;
    s.cmd = s.cmd & CMD.FIS_RECEIVE ? s.cmd | CMD.FIS_RUNNING : s.cmd & ~CMD.FIS_RUNNING;
    this.sendSignature();
    this.check();
  }

  private sendSignature(): void {
    const { s, unit } = this;
    if (s.signatureSent || unit === undefined || !this.sendRegisters()) return;
    const { cylinderHigh, cylinderLow, sector, count } = unit.registers;
    s.signatureSent = true;
    s.signature = ((cylinderHigh << 24) | (cylinderLow << 16) | (sector << 8) | (count & 0xff)) >>> 0;
  }

  // Commands.

  private address(low: number, high: number): number {
    return high * 2 ** 32 + low;
  }
  private headerOf(slot: number): number {
    return this.address(this.s.listLow, this.s.listHigh) + slot * HEADER_BYTES;
  }
  private tableOf(slot: number): number {
    const { memory } = this.options;
    return this.address(memory.readU32(this.headerOf(slot) + 8) & ~0x7f, memory.readU32(this.headerOf(slot) + 12));
  }
  private regionsOf(slot: number): RegionTable {
    const { memory } = this.options;
    const count = memory.readU16(this.headerOf(slot) + 2);
    return new RegionTable(memory, this.tableOf(slot) + TABLE.REGIONS, count);
  }

  /** Begins what is issued and can begin. */
  private check(): void {
    if (this.checking) return;
    this.checking = true;
    try {
      const { s } = this;
      for (let slot = 0; slot < SLOTS && s.cmd & CMD.START && s.ci !== 0; slot++) {
        const bit = 1 << slot;
        if (s.ci & bit && slot !== s.busySlot && this.begin(slot)) this.retire(slot);
      }
    } finally {
      this.checking = false;
    }
  }

  /** §6.2.2.1: a command that failed stays issued, and others wait for the host. */
  private retire(slot: number): void {
    if (!((this.unit?.registers.status ?? 0) & STATUS.ERR)) this.s.ci = (this.s.ci & ~(1 << slot)) >>> 0;
  }

  /** Gives a command to the device. False: it is under way, or can't begin now. */
  private begin(slot: number): boolean {
    const { s, unit } = this;
    if (unit === undefined || unit.busy) return false;
    const fis = new Uint8Array(FIS_BYTES);
    this.options.memory.read(this.tableOf(slot), fis);
    s.slot = slot;
    if (fis[0] !== FIS.H2D || (fis[1] ?? 0) & 0x7f) {
      this.options.log('guest_errors', `ahci: port ${this.node}: frame ${hex(fis[0] ?? 0)} in slot ${slot}`);
      return true;
    }
    if (!((fis[1] ?? 0) & FIS_COMMAND)) this.control(fis[15] ?? 0);
    else if (CommandQueue.isQueued(fis[2] ?? 0)) this.enqueue(slot, fis);
    else this.execute(unit, fis);
    if (!unit.busy) return true;
    s.busySlot = slot;
    return false;
  }
  private control(control: number): void {
    const { s } = this;
    if (control & CONTROL.SRST) s.inSoftReset = true;
    else if (s.inSoftReset) {
      const { ci } = s;
      this.resetDevice();
      s.ci = ci; // other slots stay issued
    }
  }
  private execute(unit: AtaUnit, fis: Uint8Array): void {
    const { s } = this;
    const r = unit.registers;
    const byte = (n: number): number => fis[n] ?? 0;
    r.feature = byte(3);
    r.sector = byte(4);
    r.cylinderLow = byte(5);
    r.cylinderHigh = byte(6);
    r.device = byte(7);
    r.previousSector = byte(8);
    r.previousCylinderLow = byte(9);
    r.previousCylinderHigh = byte(10);
    r.previousFeature = byte(11);
    r.count = byte(12);
    r.previousCount = byte(13);
    r.error = 0;
    s.firstBlockDone = false;
    this.setTransferred(0);
    unit.execute(byte(2));
  }
  private setTransferred(bytes: number): void {
    this.s.transferred = bytes;
    this.options.memory.writeU32(this.headerOf(this.s.slot) + 4, bytes);
  }

  private host(unit: AtaUnit): AtaHost {
    const { s } = this;
    const addTransferred = (bytes: number): void => this.setTransferred((s.transferred + bytes) >>> 0);
    return {
      dma: {
        request: () => unit.dmaReady(),
        capacity: () => this.regionsOf(s.slot).capacity,
        write: (position, bytes) => {
          this.regionsOf(s.slot).write(position, bytes);
          addTransferred(bytes.length);
        },
        read: (position, into) => {
          this.regionsOf(s.slot).read(position, into);
          addTransferred(into.length);
        },
        finish() {},
      },
      /** What QEMU's first frame says of a device. */
      wasReset() {
        unit.registers.status = STATUS.DSC | STATUS.DF | (unit.isPacket ? STATUS.DRDY : 0);
        unit.registers.error = 1;
      },
      interrupt() {}, // frames carry the interrupts
      commandDone: () => this.commandDone(),
      queuedCompleted: (request, error, data) => this.queue.completed(unit, request, error, data),
      movePio: (block, toDevice) => this.movePio(block, toDevice, addTransferred),
    };
  }
  private commandDone(): void {
    const { s } = this;
    if (s.busySlot !== NO_SLOT) this.retire(s.busySlot);
    s.busySlot = NO_SLOT;
    this.sendRegisters();
    if (!((this.unit?.registers.status ?? 0) & STATUS.ERR)) this.check();
  }

  /** A PIO block: its setup frame, then the data; a packet comes from the command table. */
  private movePio(block: Uint8Array, toDevice: boolean, addTransferred: (bytes: number) => void): void {
    const { s } = this;
    const options = this.options.memory.readU16(this.headerOf(s.slot));
    const isPacket = (options & HEADER.ATAPI) !== 0 && !s.firstBlockDone;
    const interrupts = s.firstBlockDone || !(options & (HEADER.ATAPI | HEADER.WRITE));
    this.sendPioSetup(block.length, interrupts);
    if (isPacket) {
      this.options.memory.read(this.tableOf(s.slot) + TABLE.PACKET, block);
    } else {
      const regions = this.regionsOf(s.slot);
      if (toDevice) regions.read(s.transferred, block);
      else regions.write(s.transferred, block);
      addTransferred(block.length);
    }
    s.firstBlockDone = true;
    if (interrupts) this.raise(IS.PIO_SETUP);
  }

  private enqueue(slot: number, fis: Uint8Array): void {
    this.s.ci = (this.s.ci & ~(1 << slot)) >>> 0;
    this.sendRegisters(false); // the command is in the queue
    const result = this.queue.begin(this.unit?.queue, slot, fis);
    if (result === 'taken') return;
    this.options.log('guest_errors', `ahci: port ${this.node}: queued command in slot ${slot} refused`);
    this.queueFailed((fis[12] ?? 0) >> 3);
    if (result === 'tooShort') this.raise(IS.OVERFLOW);
  }
  private queuedEnded(tag: number, error: BlockError | undefined): void {
    const { s, unit } = this;
    if (unit === undefined) return;
    if (error !== undefined) {
      this.queueFailed(tag);
      return;
    }
    unit.registers.status = STATUS.DRDY | STATUS.DSC;
    s.sact = (s.sact & ~(1 << tag)) >>> 0;
    this.sendSetBits((1 << tag) >>> 0);
  }
  /** §6.2.2.2: an error keeps the tag's bit in PxSACT. */
  private queueFailed(tag: number): void {
    const { s, unit } = this;
    if (unit === undefined) return;
    unit.abort();
    s.serr = (s.serr | (1 << tag)) >>> 0;
    this.sendSetBits(0);
  }

  // Frames to memory.

  private frame(at: number, bytes: readonly number[]): void {
    const base = this.address(this.s.fisLow, this.s.fisHigh);
    this.options.memory.write(
      base + at,
      Uint8Array.from({ length: FIS_BYTES }, (_, i) => bytes[i] ?? 0),
    );
  }
  private get receives(): boolean {
    return (this.s.cmd & CMD.FIS_RECEIVE) !== 0;
  }
  private registerBytes(): number[] {
    const r = this.unit?.registers;
    if (r === undefined) return [];
    const low = [r.status, r.error, r.sector, r.cylinderLow, r.cylinderHigh, r.device];
    const high = [r.previousSector, r.previousCylinderLow, r.previousCylinderHigh, 0];
    return [...low, ...high, r.count & 0xff, (r.count >> 8) & 0xff];
  }
  private takeTaskFile(): void {
    const r = this.unit?.registers;
    if (r === undefined) return;
    this.s.taskFile = (r.error << 8) | r.status;
    if (r.status & STATUS.ERR) this.raise(IS.TASK_FILE);
  }
  private sendRegisters(interrupts = true): boolean {
    if (!this.receives) return false;
    this.frame(RECEIVED.D2H, [FIS.D2H, interrupts ? FIS_INTERRUPT : 0, ...this.registerBytes()]);
    this.takeTaskFile();
    if (interrupts) this.raise(IS.D2H);
    return true;
  }
  private sendPioSetup(length: number, interrupts: boolean): void {
    if (!this.receives) return;
    const status = this.unit?.registers.status ?? 0;
    const flags = interrupts ? FIS_INTERRUPT : 0;
    const rest = [0, status, length & 0xff, length >> 8];
    this.frame(RECEIVED.PIO_SETUP, [FIS.PIO_SETUP, flags, ...this.registerBytes(), ...rest]);
    this.takeTaskFile();
  }
  private sendSetBits(tags: number): void {
    const { s, unit, options } = this;
    const r = unit?.registers;
    if (!this.receives || r === undefined) return;
    const at = this.address(s.fisLow, s.fisHigh) + RECEIVED.SET_BITS;
    options.memory.write(at, Uint8Array.of(FIS.SET_BITS, FIS_INTERRUPT, r.status & 0x77, r.error));
    options.memory.writeU32(at + 4, tags);
    s.taskFile = (r.error << 8) | (r.status & 0x77) | (s.taskFile & 0x88);
    if (r.status & STATUS.ERR) this.raise(IS.TASK_FILE);
    this.raise(IS.SET_BITS);
  }
  private raise(bit: number): void {
    this.s.is = (this.s.is | bit) >>> 0;
    this.options.interruptChanged();
  }
}
