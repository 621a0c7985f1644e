/**
 * Data phases of the 82077AA (§5.1): sectors between disk and memory, by the DMA controller or through the FIFO. The disk
 * works a track at a time; DMA moves what is there when the controller calls.
 */
import type { BlockError, RequestId } from '../../../block/api.ts';
import type { DmaChannel } from '../dma/i8237.ts';
import { FLOPPY_SECTOR_BYTES, type FloppyDrive } from './floppy-drive.ts';
import { type ControllerState, MSR, PHASE, ST0, ST1, ST2, TRACK_BYTES, TRANSFER } from './i82077-state.ts';

/** Bytes of a sector's header that FORMAT TRACK takes for each sector. */
export const HEADER_BYTES = 4;

export interface TransferWiring {
  readonly s: ControllerState;
  /** Absent: data pass through the FIFO only. */
  readonly channel: DmaChannel | undefined;
  selected(): FloppyDrive;
  /** Ends the command with status bytes. */
  stop(st0: number, st1?: number, st2?: number): void;
  interrupt(): void;
}

export interface Transfers {
  /** Begins the data phase that the state describes. */
  start(): void;
  completed(request: RequestId, error: BlockError | undefined, data: Uint8Array | undefined): void;
  /** Nothing of what a disk was asked for is under way any more. */
  mediumGone(): void;
  /** A byte of the FIFO in the execution phase. */
  readByte(): number;
  writeByte(value: number): void;
}

export function createTransfers({ s, channel, selected, stop, interrupt }: TransferWiring): Transfers {
  const toDisk = (): boolean => s.transfer === TRANSFER.WRITE || s.transfer === TRANSFER.FORMAT;
  const byDma = (): boolean => !(s.msr & MSR.NON_DMA);
  const isRunning = (): boolean => s.phase === PHASE.EXECUTION && s.length > 0;
  const left = (): number => s.length - s.position;

  /** The next sector (§5.1.1, multi-track); false when the command's last one was behind. */
  function nextSector(): boolean {
    const drive = selected();
    const { doubleSided, sectorsPerTrack } = drive.s;
    let { head, track, sector } = drive.s;
    let goesOn = true;
    if (sector < sectorsPerTrack && sector !== s.endOfTrack) {
      sector++;
    } else {
      sector = 1;
      if (s.multiTrack && head === 0 && doubleSided) {
        head = 1;
      } else {
        if (s.multiTrack) head = 0;
        track++;
        s.status0 |= ST0.SEEK_END;
        goesOn = s.multiTrack && doubleSided;
      }
    }
    drive.seek(head, track, sector);
    return goesOn;
  }
  /** How many bytes from the head's sector on lie in one piece on the disk and belong to the command. */
  function pieceBytes(): number {
    const { sector, sectorsPerTrack } = selected().s;
    const last = s.endOfTrack >= sector ? Math.min(s.endOfTrack, sectorsPerTrack) : sectorsPerTrack;
    const bytes = Math.max(1, last - sector + 1) * FLOPPY_SECTOR_BYTES;
    return Math.min(bytes, left(), TRACK_BYTES);
  }
  const wholeSectors = (bytes: number): number => Math.ceil(bytes / FLOPPY_SECTOR_BYTES) * FLOPPY_SECTOR_BYTES;

  /** Counts bytes as moved; the head follows. False when no sector is left. */
  function moved(bytes: number): boolean {
    const before = Math.floor(s.position / FLOPPY_SECTOR_BYTES);
    s.position += bytes;
    for (let n = Math.floor(s.position / FLOPPY_SECTOR_BYTES) - before; n > 0; n--) if (!nextSector()) return false;
    return left() > 0;
  }

  /** Fetches the next piece; images that end too early read as zeros. */
  function fetch(): void {
    const { drive, offset } = selected();
    const wanted = wholeSectors(pieceBytes());
    const there = Math.max(0, Math.min(wanted, (drive?.sizeBytes ?? 0) - offset));
    s.at = 0;
    s.end = pieceBytes();
    s.buffer.fill(0, 0, wanted);
    if (there > 0 && drive !== undefined) s.request = drive.read(offset, there);
  }
  /** Stores the buffer's first bytes; a sector that is not full ends with zeros (§5.1.4). */
  function store(bytes: number): void {
    const { drive, offset } = selected();
    const length = wholeSectors(bytes);
    s.buffer.fill(0, bytes, length);
    s.at = 0;
    s.end = bytes;
    if (drive !== undefined) s.request = drive.write(offset, s.buffer.slice(0, length));
  }

  // DMA.

  /** Called by the DMA controller: `[position, length)` of its block is still to be moved. */
  function transfer(position: number, length: number): number {
    let at = position;
    while (isRunning() && byDma() && s.request === 0) {
      const room = length - at;
      if (room === 0 || left() === 0) {
        finish();
        return at;
      }
      if (toDisk()) {
        takeFromMemory(at, room);
        at += s.end;
        s.terminal = at === length;
        if (s.transfer === TRANSFER.FORMAT) formatSector();
        continue;
      }
      if (s.at === s.end) {
        fetch();
        continue;
      }
      const bytes = Math.min(room, s.end - s.at);
      if (s.transfer === TRANSFER.READ) {
        channel?.writeMemory(at, s.buffer.subarray(s.at, s.at + bytes));
      } else {
        const wanted = new Uint8Array(bytes);
        channel?.readMemory(at, wanted);
        if (scanMatches(wanted)) s.scanFound = true;
      }
      s.at += bytes;
      at += bytes;
      if (!moved(bytes) || s.scanFound || at === length) {
        finish();
        return at;
      }
    }
    return at;
  }
  function takeFromMemory(at: number, room: number): void {
    const bytes = Math.min(room, s.transfer === TRANSFER.FORMAT ? HEADER_BYTES : pieceBytes());
    s.buffer.fill(0, 0, HEADER_BYTES);
    channel?.readMemory(at, s.buffer.subarray(0, bytes));
    if (s.transfer === TRANSFER.FORMAT) s.end = bytes;
    else store(bytes);
  }

  /** SCAN (§5.1.9): each byte of the disk against that of memory; FFh matches everything. */
  function scanMatches(wanted: Uint8Array): boolean {
    return wanted.every((ours, i) => {
      const theirs = s.buffer[s.at + i] ?? 0;
      if (ours === theirs || ours === 0xff || theirs === 0xff) return true;
      return s.transfer === TRANSFER.SCAN_LOW ? theirs < ours : s.transfer === TRANSFER.SCAN_HIGH && theirs > ours;
    });
  }
  function finish(): void {
    const scans =
      s.transfer === TRANSFER.SCAN_EQUAL || s.transfer === TRANSFER.SCAN_LOW || s.transfer === TRANSFER.SCAN_HIGH;
    if (!scans) stop(0);
    else stop(0, 0, s.scanFound ? (s.transfer === TRANSFER.SCAN_EQUAL ? ST2.SCAN_EQUAL : 0) : ST2.SCAN_NOT_SATISFIED);
  }

  /** FORMAT TRACK (§5.1.7): the header says which sector is to be filled; others do not exist on our disks. */
  function formatSector(): void {
    const drive = selected();
    const [track = 0, head = 0, sector = 0] = s.buffer;
    s.position += HEADER_BYTES;
    s.at = s.end = 0;
    const exists = sector >= 1 && sector <= drive.s.sectorsPerTrack;
    if (!exists || track !== drive.s.track || head !== drive.s.head) return;
    drive.seek(head, track, sector);
    s.buffer.fill(s.fill, 0, FLOPPY_SECTOR_BYTES);
    if (drive.drive !== undefined) s.request = drive.drive.write(drive.offset, s.buffer.slice(0, FLOPPY_SECTOR_BYTES));
  }

  // The FIFO.

  /** Non-DMA: the next byte can be read or written. */
  function openFifo(): void {
    s.msr |= MSR.READY | (toDisk() ? 0 : MSR.TO_HOST);
  }
  function nextPiece(): void {
    if (s.transfer === TRANSFER.FORMAT) {
      s.at = 0;
      s.end = HEADER_BYTES;
    } else if (toDisk()) {
      s.at = 0;
      s.end = Math.min(FLOPPY_SECTOR_BYTES, left());
    } else {
      fetch();
    }
    if (s.request === 0) openFifo();
  }
  function readByte(): number {
    const value = s.buffer[s.at] ?? 0;
    s.at++;
    const goesOn = moved(1);
    if (!goesOn) finish();
    else if (s.at >= s.end) {
      s.msr &= ~(MSR.READY | MSR.TO_HOST);
      nextPiece();
    }
    return value;
  }
  function writeByte(value: number): void {
    s.buffer[s.at] = value;
    s.at++;
    if (s.at < s.end) return;
    s.msr &= ~MSR.READY;
    if (s.transfer === TRANSFER.FORMAT) {
      formatSector();
      if (s.request === 0) afterHeader();
    } else {
      store(s.end);
    }
  }
  function afterHeader(): void {
    if (left() <= 0) finish();
    else nextPiece();
  }

  function completed(request: RequestId, error: BlockError | undefined, data: Uint8Array | undefined): void {
    if (request !== s.request) return;
    s.request = 0;
    if (!isRunning()) return;
    if (error !== undefined) {
      fail(error);
      return;
    }
    if (toDisk()) {
      const goesOn = s.transfer === TRANSFER.FORMAT ? left() > 0 : moved(s.end);
      s.at = s.end = 0;
      if (!goesOn || s.terminal) finish();
      else if (byDma()) channel?.service();
      else nextPiece();
    } else {
      if (data !== undefined) s.buffer.set(data.subarray(0, TRACK_BYTES));
      if (byDma()) channel?.service();
      else openFifo();
    }
  }
  function fail(error: BlockError): void {
    if (error === 'EROFS') stop(ST0.ABNORMAL | ST0.SEEK_END, ST1.NOT_WRITABLE);
    else if (error === 'ENOMEDIUM') stop(ST0.ABNORMAL, ST1.MISSING_MARK);
    else stop(ST0.ABNORMAL | (toDisk() ? ST0.SEEK_END : 0), ST1.DATA_ERROR, ST2.DATA_ERROR);
  }

  channel?.onTransfer(transfer);
  return {
    start() {
      s.at = s.end = 0;
      s.scanFound = s.terminal = false;
      const drive = selected();
      if (toDisk() && drive.drive !== undefined && drive.readonly) {
        fail('EROFS');
      } else if (s.transfer === TRANSFER.VERIFY) {
        while (isRunning() && moved(Math.min(FLOPPY_SECTOR_BYTES, left())));
        finish();
      } else if (byDma()) {
        s.msr &= ~MSR.READY;
        channel?.request(true);
      } else {
        s.msr &= ~(MSR.READY | MSR.TO_HOST);
        nextPiece();
        interrupt();
      }
    },
    completed,
    mediumGone() {
      if (s.request !== 0) completed(s.request, 'ENOMEDIUM', undefined);
    },
    readByte,
    writeByte,
  };
}
