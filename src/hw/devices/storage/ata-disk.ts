/**
 * Commands of an ATA hard disk. Document: ATA/ATAPI-6, T13/1410D revision 3b, chapter 8.
 * Not modelled: security, host protected area beyond READ NATIVE MAX, tagged queues of the parallel cable, streaming,
 * timings. VERIFY and SEEK succeed anywhere, as in QEMU.
 */
import type { BlockError, Drive } from '../../../block/api.ts';
import { bool, ranged, type StateOf, u8, u16 } from '../../core/state.ts';
import { DEVICE, SECTOR_BYTES, STATUS } from './ata.ts';
import { type DiskFacts, identifyDisk } from './ata-identify.ts';
import { type AtaCommand, type AtaKind, type AtaUnit, MAX_MULTIPLE, unitFields } from './ata-unit.ts';
import { smart, smartFields } from './smart.ts';

export const diskFields = {
  ...unitFields(MAX_MULTIPLE * SECTOR_BYTES),
  ...smartFields,
  /** Sectors of READ and WRITE MULTIPLE; 0: not allowed. */
  multiple: ranged(u8(MAX_MULTIPLE), 0, MAX_MULTIPLE),
  /** Sectors that the present PIO command moves for each interrupt. */
  block: ranged(u8(1), 1, MAX_MULTIPLE),
  /** INITIALIZE DEVICE PARAMETERS: the geometry that CHS addresses have now; 0 heads: the disk's own. */
  heads: ranged(u8(), 0, 16),
  sectors: u8(),
  /** Without a write cache: the request that is under way makes safe what was written. */
  makingSafe: bool(),
  /** The next entry of a TRIM command's present sector. */
  trimAt: ranged(u16(), 0, SECTOR_BYTES),
  /** There was more memory than this DMA command fills. */
  dmaMore: bool(),
};
type DiskState = StateOf<typeof diskFields>;

const STEP = {
  BLOCK_TAKEN: 1,
  BLOCK_READ: 2,
  BLOCK_FILLED: 3,
  BLOCK_WRITTEN: 4,
  FLUSHED: 5,
  DMA_READ: 6,
  DMA_WAS_READ: 7,
  DMA_WRITE: 8,
  DMA_WRITTEN: 9,
  TRIM: 10,
  TRIMMED: 11,
} as const;

/** DMA moves at most so much at once, so that a command of 32 MiB does not need as much memory here. */
const DMA_SECTORS = 2048;
const TRIM_ENTRY_BYTES = 8;
const READY = STATUS.DRDY | STATUS.DSC;

/** Commands whose address and count have 48 and 16 bits. */
const WIDE = new Set([0x24, 0x25, 0x27, 0x29, 0x34, 0x35, 0x39, 0x42]);

export function createAtaDisk(s: DiskState, unit: AtaUnit, drive: Drive, facts: DiskFacts): AtaKind {
  const { geometry } = facts;

  // Addresses.

  const current = (): { readonly heads: number; readonly sectors: number } =>
    s.heads > 0 && s.sectors > 0 ? s : geometry;
  function address(): number {
    if (!(s.device & DEVICE.LBA)) {
      const cylinder = (s.cylinderHigh << 8) | s.cylinderLow;
      const { heads, sectors } = current();
      return (cylinder * heads + (s.device & DEVICE.HEAD)) * sectors + s.sector - 1;
    }
    const low = s.cylinderHigh * 0x10000 + ((s.cylinderLow << 8) | s.sector);
    if (!s.wide) return (s.device & DEVICE.HEAD) * 0x1000000 + low;
    const high = (s.previousCylinderHigh << 16) | (s.previousCylinderLow << 8) | s.previousSector;
    return high * 0x1000000 + low;
  }
  function setAddress(lba: number): void {
    if (!(s.device & DEVICE.LBA)) {
      const { heads, sectors } = current();
      const track = Math.floor(lba / sectors);
      const cylinder = Math.floor(track / heads);
      s.sector = ((lba % sectors) + 1) & 0xff;
      s.device = (s.device & ~DEVICE.HEAD) | ((track % heads) & DEVICE.HEAD);
      s.cylinderLow = cylinder & 0xff;
      s.cylinderHigh = (cylinder >> 8) & 0xff;
      return;
    }
    const byte = (n: number): number => Math.floor(lba / 2 ** (8 * n)) & 0xff;
    s.sector = byte(0);
    s.cylinderLow = byte(1);
    s.cylinderHigh = byte(2);
    if (s.wide) {
      s.previousSector = byte(3);
      s.previousCylinderLow = byte(4);
      s.previousCylinderHigh = byte(5);
    } else {
      s.device = (s.device & ~DEVICE.HEAD) | (byte(3) & DEVICE.HEAD);
    }
  }
  const isOnDisk = (lba: number, sectors: number): boolean => lba >= 0 && lba + sectors <= facts.sectorCount;

  /** A count of 0 stands for the most. */
  function takeCount(code: number): void {
    s.wide = WIDE.has(code);
    if (s.wide) s.count = (s.previousCount << 8) | (s.count & 0xff) || 0x10000;
    else s.count = s.count & 0xff || 0x100;
  }
  /** The registers follow what was moved. */
  function advance(sectors: number): void {
    setAddress(address() + sectors);
    s.count -= sectors;
  }
  const blockSectors = (): number => Math.min(s.count, s.block);

  // PIO (§9.7, §9.8).

  function readBlock(): void {
    s.status = READY;
    s.error = 0;
    const sectors = blockSectors();
    if (sectors === 0) {
      unit.endCommand();
      return;
    }
    s.status |= STATUS.BSY;
    if (!isOnDisk(address(), sectors)) unit.fail();
    else unit.startRequest(drive.read(address() * SECTOR_BYTES, sectors * SECTOR_BYTES), STEP.BLOCK_READ);
  }
  function blockRead(error: BlockError | undefined, data: Uint8Array | undefined): void {
    s.status &= ~STATUS.BSY;
    if (error !== undefined || data === undefined) {
      unit.fail();
      return;
    }
    s.buffer.set(data);
    advance(blockSectors());
    unit.startPio(data.length, 'in', STEP.BLOCK_TAKEN);
    unit.interrupt();
  }

  function writeBlock(): void {
    s.status = READY | STATUS.BSY;
    const sectors = blockSectors();
    if (!isOnDisk(address(), sectors)) {
      unit.fail();
      return;
    }
    const data = s.buffer.slice(0, sectors * SECTOR_BYTES);
    unit.startRequest(drive.write(address() * SECTOR_BYTES, data), STEP.BLOCK_WRITTEN);
  }
  function blockWritten(error: BlockError | undefined): void {
    if (!isSafe(error, STEP.BLOCK_WRITTEN)) return;
    s.status &= ~STATUS.BSY;
    if (error !== undefined) {
      unit.fail();
      return;
    }
    advance(blockSectors());
    if (s.count === 0) unit.endCommand();
    else unit.startPio(blockSectors() * SECTOR_BYTES, 'out', STEP.BLOCK_FILLED);
    unit.interrupt();
  }
  /** Without a write cache a write has ended only when it is safe. */
  function isSafe(error: BlockError | undefined, step: number): boolean {
    if (error !== undefined || s.writeCache || s.makingSafe) {
      s.makingSafe = false;
      return true;
    }
    s.makingSafe = true;
    unit.startRequest(drive.flush(), step);
    return false;
  }

  const startRead =
    (block: number) =>
    (code: number): boolean => {
      if (block === 0) return unit.abort();
      takeCount(code);
      s.block = block;
      readBlock();
      return false;
    };
  const startWrite =
    (block: number) =>
    (code: number): boolean => {
      if (block === 0) return unit.abort();
      takeCount(code);
      s.block = block;
      s.status = READY;
      unit.startPio(blockSectors() * SECTOR_BYTES, 'out', STEP.BLOCK_FILLED);
      return false;
    };

  // DMA (§9.10).

  function startDma(step: number): false {
    s.status = READY | STATUS.DRQ;
    unit.startDma(step);
    return false;
  }
  /** Whether the next piece can be moved; ends the command if not. */
  function canMove(): boolean {
    if (s.count === 0) {
      s.status = READY;
      unit.interrupt();
      unit.finishDma(s.dmaMore);
      unit.endCommand();
      return false;
    }
    if (s.dmaPosition === 0) {
      const bytes = s.count * SECTOR_BYTES;
      const capacity = unit.dmaCapacity;
      s.dmaMore = capacity > bytes;
      if (capacity < bytes) {
        // The memory table is too short: no interrupt, the bus master just stops.
        s.status = READY;
        unit.finishDma(false);
        unit.endCommand();
        return false;
      }
    }
    return true;
  }
  function failDma(): void {
    unit.finishDma(false);
    unit.fail();
  }
  const dmaSectors = (): number => Math.min(s.count, DMA_SECTORS);

  function dmaRead(): void {
    if (!canMove()) return;
    if (!isOnDisk(address(), s.count)) failDma();
    else unit.startRequest(drive.read(address() * SECTOR_BYTES, dmaSectors() * SECTOR_BYTES), STEP.DMA_WAS_READ);
  }
  function dmaWasRead(error: BlockError | undefined, data: Uint8Array | undefined): void {
    if (error !== undefined || data === undefined) {
      failDma();
      return;
    }
    unit.dmaWrite(data);
    advance(dmaSectors());
    dmaRead();
  }
  function dmaWrite(): void {
    if (!canMove()) return;
    if (!isOnDisk(address(), s.count)) {
      failDma();
      return;
    }
    const data = unit.dmaPeek(dmaSectors() * SECTOR_BYTES);
    unit.startRequest(drive.write(address() * SECTOR_BYTES, data), STEP.DMA_WRITTEN);
  }
  function dmaWritten(error: BlockError | undefined): void {
    if (!isSafe(error, STEP.DMA_WRITTEN)) return;
    if (error !== undefined) {
      failDma();
      return;
    }
    unit.dmaTaken(dmaSectors() * SECTOR_BYTES);
    advance(dmaSectors());
    dmaWrite();
  }

  // DATA SET MANAGEMENT, TRIM (ACS-2 §7.10): 64-bit entries of a 48-bit address and a 16-bit count, one request each.

  function trim(): void {
    while (canMove()) {
      const entries = new DataView(unit.dmaPeek(SECTOR_BYTES).buffer);
      for (; s.trimAt < SECTOR_BYTES; s.trimAt += TRIM_ENTRY_BYTES) {
        const lba = entries.getUint32(s.trimAt, true) + entries.getUint16(s.trimAt + 4, true) * 2 ** 32;
        const sectors = entries.getUint16(s.trimAt + 6, true);
        if (sectors === 0) continue;
        if (isOnDisk(lba, sectors)) {
          unit.startRequest(drive.discard(lba * SECTOR_BYTES, sectors * SECTOR_BYTES), STEP.TRIMMED);
        } else {
          failDma();
        }
        return;
      }
      s.trimAt = 0;
      unit.dmaTaken(SECTOR_BYTES);
      advance(1);
    }
  }
  function trimmed(error: BlockError | undefined): void {
    s.trimAt += TRIM_ENTRY_BYTES;
    if (error === undefined) trim();
    else failDma();
  }

  // The rest.

  function flush(): false {
    s.status |= STATUS.BSY;
    unit.startRequest(drive.flush(), STEP.FLUSHED);
    return false;
  }
  function flushed(error: BlockError | undefined): void {
    if (error !== undefined) {
      unit.fail();
      return;
    }
    s.status = READY;
    unit.endCommand();
    unit.interrupt();
  }

  function sendPage(): false {
    s.status = READY;
    unit.startPio(SECTOR_BYTES, 'in', 0);
    unit.interrupt();
    return false;
  }
  function identify(): false {
    identifyDisk(s.buffer.subarray(0, SECTOR_BYTES), facts, s, current());
    return sendPage();
  }

  function setMultiple(): boolean {
    const count = s.count & 0xff;
    if (count > MAX_MULTIPLE || count & (count - 1)) return unit.abort();
    s.multiple = count;
    return true;
  }

  function runSmart(): boolean {
    if (s.cylinderHigh !== 0xc2 || s.cylinderLow !== 0x4f) return unit.abort();
    const result = smart(s, s.feature, s.sector, s.buffer);
    if (result === 'refused') return unit.abort();
    return result === 'data' ? sendPage() : true;
  }

  const nothing = (): true => true;
  const commands: readonly AtaCommand[] = [
    { codes: [0x06], run: () => (s.feature === 1 ? startTrim() : unit.abort()) },
    { codes: [0x10, 0x70], seeks: true, run: nothing }, // RECALIBRATE, SEEK
    { codes: [0x20, 0x21, 0x24], run: startRead(1) },
    { codes: [0x29, 0xc4], run: (code) => startRead(s.multiple)(code) },
    { codes: [0x30, 0x31, 0x34, 0x3c], run: startWrite(1) },
    { codes: [0x39, 0xc5], run: (code) => startWrite(s.multiple)(code) },
    { codes: [0x25, 0xc8, 0xc9], run: (code) => startCounted(code, STEP.DMA_READ) },
    { codes: [0x35, 0xca, 0xcb], run: (code) => startCounted(code, STEP.DMA_WRITE) },
    { codes: [0x27, 0xf8], seeks: true, run: readNativeMax },
    { codes: [0x40, 0x41, 0x42], seeks: true, run: verify },
    { codes: [0x90], run: diagnose },
    { codes: [0x91], seeks: true, run: initializeParameters },
    { codes: [0x94, 0x95, 0x96, 0x97, 0x99, 0xe0, 0xe1, 0xe2, 0xe3, 0xe6], run: nothing }, // power management
    { codes: [0x98, 0xe5], seeks: true, run: checkPowerMode },
    { codes: [0xb0], seeks: true, run: runSmart },
    { codes: [0xc6], seeks: true, run: setMultiple },
    { codes: [0xe7, 0xea], run: flush },
    { codes: [0xec], run: identify },
    { codes: [0xef], seeks: true, run: () => unit.setFeatures(flush) },
    { codes: [0xf5], seeks: true, run: wearLevel },
  ];

  function startCounted(code: number, step: number): false {
    takeCount(code);
    return startDma(step);
  }
  function startTrim(): false {
    s.trimAt = 0;
    return startDma(STEP.TRIM);
  }
  function readNativeMax(code: number): true {
    if (facts.sectorCount === 0) return unit.abort();
    takeCount(code);
    setAddress(facts.sectorCount - 1);
    return true;
  }
  function verify(code: number): true {
    takeCount(code);
    return true;
  }
  function diagnose(): false {
    unit.diagnose();
    unit.endCommand();
    return false;
  }
  function initializeParameters(): boolean {
    if ((s.count & 0xff) === 0) return unit.abort();
    s.heads = (s.device & DEVICE.HEAD) + 1;
    s.sectors = s.count & 0xff;
    return true;
  }
  /** The same code is SECURITY FREEZE LOCK, which some guests insist on. */
  function wearLevel(): true {
    s.count = 0;
    return true;
  }
  function checkPowerMode(): true {
    s.count = 0xff; // active or idle
    return true;
  }

  return {
    isPacket: false,
    commands,
    queue: {
      get sectorCount() {
        return facts.sectorCount;
      },
      get isCached() {
        return s.writeCache;
      },
      read: (lba, count) => drive.read(lba * SECTOR_BYTES, count * SECTOR_BYTES),
      write: (lba, data) => drive.write(lba * SECTOR_BYTES, data),
      flush: () => drive.flush(),
    },
    steps: {
      [STEP.BLOCK_TAKEN]: readBlock,
      [STEP.BLOCK_READ]: blockRead,
      [STEP.BLOCK_FILLED]: writeBlock,
      [STEP.BLOCK_WRITTEN]: blockWritten,
      [STEP.FLUSHED]: flushed,
      [STEP.DMA_READ]: dmaRead,
      [STEP.DMA_WAS_READ]: dmaWasRead,
      [STEP.DMA_WRITE]: dmaWrite,
      [STEP.DMA_WRITTEN]: dmaWritten,
      [STEP.TRIM]: trim,
      [STEP.TRIMMED]: trimmed,
    },
    reset() {
      s.multiple = MAX_MULTIPLE;
      s.makingSafe = false;
      s.heads = s.sectors = 0;
    },
  };
}
