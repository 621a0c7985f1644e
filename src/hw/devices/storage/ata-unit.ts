/**
 * One device on an ATA cable, whatever its kind: the command block registers, the window through which PIO data pass, the
 * progress of a DMA command, and the request that its medium works on. What commands do is in tables that disks and
 * CD-ROM drives bring along. Document: ATA/ATAPI-6, T13/1410D revision 3b.
 * The order in which status bits and interrupts appear follows QEMU.
 */
import type { BlockError, Drive, RequestId } from '../../../block/api.ts';
import { below, bool, bytes, ranged, type StateOf, u8, u32 } from '../../core/state.ts';
import { type AtaHost, DEVICE, ERROR, type QueuedDisk, STATUS, TRANSFER } from './ata.ts';

/** Sectors that READ and WRITE MULTIPLE move at once, at most. */
export const MAX_MULTIPLE = 16;

/** The command block registers. Writes shift the old value into the "previous" ones (§6.20, 48-bit addresses). */
export const taskFile = {
  feature: u8(),
  error: u8(),
  /** Counts down while a command goes on; then up to 65,536. */
  count: u32(),
  sector: u8(),
  cylinderLow: u8(),
  cylinderHigh: u8(),
  device: u8(DEVICE.ALWAYS),
  status: u8(),
  previousFeature: u8(),
  previousCount: u8(),
  previousSector: u8(),
  previousCylinderLow: u8(),
  previousCylinderHigh: u8(),
};
export type TaskFile = StateOf<typeof taskFile>;

/** What may follow when all of a PIO block was moved, or when a request to the medium ends. */
export const STEPS = 16;

/** A kind of device says how much it buffers. */
export const unitFields = (bufferBytes: number) => ({
  ...taskFile,
  /** The command has a 48-bit address. */
  wide: bool(),
  buffer: bytes(bufferBytes),
  /** The window of `buffer` that the data register shows. */
  at: ranged(u32(), 0, bufferBytes),
  end: ranged(u32(), 0, bufferBytes),
  toDevice: bool(),
  /** Step that follows the window's end. */
  afterPio: below(STEPS),
  /** The request that is under way; 0: none. */
  request: u32(),
  /** Step that follows its end. */
  afterRequest: below(STEPS),
  /** Step that moves data by DMA, once the bus master runs; 0: none wants to. */
  dmaStep: below(STEPS),
  /** Bytes that this command moved since the bus master started. */
  dmaPosition: u32(),
  transferMode: u8((TRANSFER.ULTRA_DMA << 3) | 5),
  writeCache: bool(true),
});
export type UnitState = StateOf<ReturnType<typeof unitFields>>;

/** Ends of a PIO block or request, by number; number 0 is "the command is over". */
export type Step = (error: BlockError | undefined, data: Uint8Array | undefined) => void;

export interface AtaCommand {
  readonly codes: readonly number[];
  /** The command leaves "seek complete" in the status register. */
  readonly seeks?: boolean;
  /** True: it is done, or refused (`abort`). False: it goes on. */
  run(code: number): boolean;
}

export interface AtaKind {
  readonly isPacket: boolean;
  readonly commands: readonly AtaCommand[];
  /** Absent: it has no command queue. */
  readonly queue?: QueuedDisk;
  /** By number, from 1 on. */
  readonly steps: Readonly<Record<number, Step>>;
  /** Resets what is the kind's own, after a hardware or software reset. */
  reset(): void;
}

const DEVICE_RESET = 0x08;

const FEATURE = { ENABLE_WRITE_CACHE: 0x02, TRANSFER_MODE: 0x03, DISABLE_WRITE_CACHE: 0x82 } as const;
/** Look-ahead, power-on defaults, power and acoustic management: taken and without effect. */
const IGNORED_FEATURES: ReadonlySet<number> = new Set([
  0x05, 0x42, 0x55, 0x66, 0x67, 0x69, 0x85, 0x96, 0x9a, 0xaa, 0xc2, 0xcc,
]);
const TRANSFER_KINDS: ReadonlySet<number> = new Set(Object.values(TRANSFER));

export class AtaUnit {
  readonly registers: UnitState;
  private readonly drive: Drive | null;
  private host: AtaHost | undefined;
  private kind: AtaKind | undefined;
  private readonly table = new Map<number, AtaCommand>();
  private moving = false;

  constructor(state: UnitState, drive: Drive | null) {
    this.registers = state;
    this.drive = drive;
  }

  /** What it is; once, when the device is created. */
  become(kind: AtaKind): void {
    this.kind = kind;
    for (const command of kind.commands) for (const code of command.codes) this.table.set(code, command);
  }
  connect(host: AtaHost): void {
    this.host = host;
  }

  // The cable's side.

  get isPacket(): boolean {
    return this.kind?.isPacket ?? false;
  }
  get queue(): QueuedDisk | undefined {
    return this.kind?.queue;
  }
  get busy(): boolean {
    return (this.registers.status & (STATUS.BSY | STATUS.DRQ)) !== 0;
  }

  execute(code: number): void {
    const s = this.registers;
    if (this.busy && !(code === DEVICE_RESET && this.isPacket)) return;
    const command = this.table.get(code);
    if (command === undefined) {
      this.fail();
      return;
    }
    s.status = STATUS.DRDY | STATUS.BSY;
    s.error = 0;
    if (!command.run(code)) return;
    s.status &= ~STATUS.BSY;
    if (command.seeks && s.error === 0) s.status |= STATUS.DSC;
    this.host?.commandDone();
    this.host?.interrupt();
  }

  /** The data register. Reads of what is not there give 0. */
  readData(width: number): number {
    const s = this.registers;
    const size = Math.max(2, width); // a byte takes a word with it
    if (!(s.status & STATUS.DRQ) || s.toDevice) return 0;
    const { buffer, at } = s;
    if (at + size > s.end) {
      if (at + 1 !== s.end) return 0;
      s.at = s.end; // the last byte of an odd number comes with one to fill up the word
      this.endPio();
      return buffer[at] as number;
    }
    const low = (buffer[at] as number) | ((buffer[at + 1] as number) << 8);
    const value =
      size === 2 ? low : (low | ((buffer[at + 2] as number) << 16) | ((buffer[at + 3] as number) << 24)) >>> 0;
    s.at = at + size;
    if (s.at >= s.end) this.endPio();
    return value;
  }
  writeData(value: number, size: number): void {
    const s = this.registers;
    if (!(s.status & STATUS.DRQ) || !s.toDevice || s.at + size > s.end) return;
    for (let i = 0; i < size; i++) s.buffer[s.at + i] = value >>> (8 * i);
    s.at += size;
    if (s.at >= s.end) this.endPio();
  }

  /** The bus master runs. */
  dmaReady(): void {
    const s = this.registers;
    if (s.dmaStep !== 0 && s.request === 0) this.step(s.dmaStep, undefined, undefined);
  }
  /** The bus master was stopped: what is on its way is lost; the next start begins with the first entry of its table. */
  dmaStopped(): void {
    const s = this.registers;
    if (s.dmaStep === 0) return;
    s.request = 0;
    s.dmaPosition = 0;
  }

  /** Power-on and hardware reset (§9.1). */
  reset(): void {
    const s = this.registers;
    this.forget();
    s.feature = 0;
    s.error = 0;
    s.count = s.sector = s.cylinderLow = s.cylinderHigh = 0;
    s.previousFeature = s.previousCount = s.previousSector = 0;
    s.previousCylinderLow = s.previousCylinderHigh = 0;
    s.device = DEVICE.ALWAYS;
    s.status = STATUS.DRDY | STATUS.DSC;
    s.wide = false;
    this.kind?.reset();
    this.putSignature();
    this.host?.wasReset?.();
  }

  /** SRST was set: the device is busy until it is cleared (§9.2). */
  startSoftReset(): void {
    this.forget();
    this.registers.status |= STATUS.BSY;
  }
  finishSoftReset(): void {
    this.reset();
    this.diagnose();
  }

  completed(request: RequestId, error: BlockError | undefined, data: Uint8Array | undefined): void {
    const s = this.registers;
    if (request !== s.request) {
      this.host?.queuedCompleted?.(request, error, data);
      return;
    }
    s.request = 0;
    this.step(s.afterRequest, error, data);
  }

  /** Nothing of what the medium was asked for is under way any more. */
  mediumGone(): void {
    const s = this.registers;
    if (s.request !== 0) this.completed(s.request, 'ENOMEDIUM', undefined);
  }

  // The commands' side.

  interrupt(): void {
    this.host?.interrupt();
  }

  /** EXECUTE DEVICE DIAGNOSTIC's result (§8.9, §9.10): a packet device comes back with a clear status register. */
  diagnose(): void {
    const s = this.registers;
    this.putSignature();
    s.device = DEVICE.ALWAYS;
    s.status = this.isPacket ? 0 : STATUS.DRDY | STATUS.DSC;
    s.error = ERROR.DIAGNOSTIC_PASSED;
    if (!this.isPacket) this.host?.interrupt();
  }

  /** Table 23: what tells the kinds of devices apart. */
  putSignature(): void {
    const s = this.registers;
    s.device &= ~DEVICE.HEAD;
    s.count = 1;
    s.sector = 1;
    s.cylinderLow = this.isPacket ? 0x14 : 0;
    s.cylinderHigh = this.isPacket ? 0xeb : 0;
  }

  /** The command is refused; who called its `run` tells the guest. */
  abort(): true {
    const s = this.registers;
    this.halt();
    s.status = STATUS.DRDY | STATUS.ERR;
    s.error = ERROR.ABRT;
    return true;
  }
  /** The same for a command that went on: the guest waits for an interrupt. */
  fail(): void {
    this.abort();
    this.host?.commandDone();
    this.host?.interrupt();
  }

  /** SET FEATURES (§8.36). A device with a write cache must `flush` when that is switched off. */
  setFeatures(flush: () => false): boolean {
    const s = this.registers;
    if (IGNORED_FEATURES.has(s.feature)) return true;
    switch (s.feature) {
      case FEATURE.TRANSFER_MODE:
        if (!TRANSFER_KINDS.has((s.count & 0xff) >> 3)) return this.abort();
        s.transferMode = s.count & 0xff;
        return true;
      case FEATURE.ENABLE_WRITE_CACHE:
        s.writeCache = true;
        return true;
      case FEATURE.DISABLE_WRITE_CACHE:
        s.writeCache = false;
        return flush();
      default:
        return this.abort();
    }
  }

  /** No more data; the command is over. */
  endCommand(): void {
    this.halt();
    this.host?.commandDone();
  }

  /** Shows `length` bytes of the buffer in the data register, to be read (or filled); `after` is the step that follows. */
  startPio(length: number, direction: 'in' | 'out', after: number, from = 0): void {
    const s = this.registers;
    s.at = from;
    s.end = from + length;
    s.toDevice = direction === 'out';
    s.afterPio = after;
    if (!(s.status & STATUS.ERR)) s.status |= STATUS.DRQ;
    this.moveAtOnce();
  }

  /** The medium works on a request; `after` is the step that follows its end. */
  startRequest(request: RequestId, after: number): void {
    this.registers.request = request;
    this.registers.afterRequest = after;
  }

  startDma(step: number): void {
    const s = this.registers;
    s.dmaStep = step;
    s.dmaPosition = 0;
    this.host?.dma?.request();
  }
  get dmaCapacity(): number {
    return this.host?.dma?.capacity() ?? 0;
  }
  /** Device to memory. */
  dmaWrite(data: Uint8Array): void {
    this.host?.dma?.write(this.registers.dmaPosition, data);
    this.registers.dmaPosition += data.length;
  }
  /** Memory to device; counts as moved when `dmaRead` is told so. */
  dmaPeek(length: number): Uint8Array {
    const data = new Uint8Array(length);
    this.host?.dma?.read(this.registers.dmaPosition, data);
    return data;
  }
  dmaTaken(length: number): void {
    this.registers.dmaPosition += length;
  }
  finishDma(more: boolean): void {
    this.registers.dmaStep = 0;
    this.host?.dma?.finish(more);
  }

  /** A window without data: reads give 0. */
  private halt(): void {
    const s = this.registers;
    s.at = s.end = 0;
    s.toDevice = false;
    s.afterPio = 0;
    s.status &= ~STATUS.DRQ;
  }

  private forget(): void {
    const s = this.registers;
    this.drive?.forget();
    s.request = 0;
    s.dmaStep = 0;
    s.dmaPosition = 0;
    this.halt();
  }

  private endPio(): void {
    this.registers.status &= ~STATUS.DRQ;
    this.step(this.registers.afterPio, undefined, undefined);
  }

  /** A host that moves whole blocks does so until the device has none for it; a loop, for there may be thousands. */
  private moveAtOnce(): void {
    const s = this.registers;
    const move = this.host?.movePio;
    if (move === undefined || this.moving) return;
    this.moving = true;
    try {
      while (s.status & STATUS.DRQ && s.at < s.end) {
        move.call(this.host, s.buffer.subarray(s.at, s.end), s.toDevice);
        s.at = s.end;
        this.endPio();
      }
    } finally {
      this.moving = false;
    }
  }

  private step(number: number, error: BlockError | undefined, data: Uint8Array | undefined): void {
    if (number === 0) this.endCommand();
    else this.kind?.steps[number]?.(error, data);
  }
}
