/**
 * Commands of an ATAPI CD-ROM drive: how packets come in, and how their data go out by PIO and DMA.
 * Documents: ATA/ATAPI-6 (T13/1410D revision 3b) §8.23 and §9.11; SFF-8020i revision 2.6; MMC-3.
 * Not modelled: audio, writing, overlapped commands, other sectors than mode 1. Details follow QEMU.
 */
import type { BlockError, Drive } from '../../../block/api.ts';
import { below, bool, bytes, i64, ranged, type StateOf, u8, u16, u32 } from '../../core/state.ts';
import { SECTOR_BYTES, STATUS } from './ata.ts';
import { identifyPacketDevice, type UnitFacts } from './ata-identify.ts';
import { type AtaCommand, type AtaKind, type AtaUnit, unitFields } from './ata-unit.ts';
import {
  ASC,
  CD_SECTOR_BYTES,
  eventStatus,
  getConfiguration,
  inquiry,
  mechanismStatus,
  modeSense,
  putRawSector,
  RAW_SECTOR_BYTES,
  type Reply,
  readCapacity,
  readDiscInformation,
  readDvdStructure,
  readToc,
  requestSense,
} from './atapi-replies.ts';

/** The largest block of data that a host may ask for, with a part of a raw sector before and after it. */
const BUFFER_BYTES = 32 * RAW_SECTOR_BYTES;
const PACKET_BYTES = 12;
/** Sectors that DMA moves at once. */
const DMA_SECTORS = 256;

export const SENSE = { NONE: 0, NOT_READY: 2, ILLEGAL_REQUEST: 5, UNIT_ATTENTION: 6 } as const;
/** §8.23.5: the interrupt reason, in the sector count register. */
const REASON = { COMMAND: 1, TO_HOST: 2, MASK: 7 } as const;
const MEDIUM_CHANGED_ERROR = 0x20;
const READY = STATUS.DRDY | STATUS.DSC;

/** A new medium is told in two parts: first there seems to be none, then the attention that it changed. */
const CHANGE = { NONE: 0, REMOVED: 1, INSERTED: 2 } as const;

export const cdFields = {
  ...unitFields(BUFFER_BYTES),
  packet: bytes(PACKET_BYTES),
  byDma: bool(),
  senseKey: u8(),
  asc: u8(),
  change: below(3),
  trayOpen: bool(),
  trayLocked: bool(),
  newMedium: bool(),
  ejectRequest: bool(),
  /** Bytes that the command still has to send. */
  left: i64(),
  /** Size of the sectors that it reads; 0: the buffer holds its whole answer. */
  sectorBytes: ranged(u16(), 0, RAW_SECTOR_BYTES),
  /** The next sector to read. */
  lba: u32(),
  /** End of what the buffer holds. */
  filled: ranged(u32(), 0, BUFFER_BYTES),
};
type CdState = StateOf<typeof cdFields>;

const STEP = { PACKET: 1, NEXT_BLOCK: 2, SECTORS_READ: 3, DMA: 4, DMA_READ: 5, FLUSHED: 6 } as const;

interface PacketCommand {
  /** The medium must be there. */
  readonly needsMedium?: boolean;
  /** Done even while an attention is pending. */
  readonly inAttention?: boolean;
  /** Sends nothing, or decides by itself; others need a byte count limit. */
  readonly noData?: boolean;
  run(packet: Uint8Array): void;
}

export interface CdDrive extends AtaKind {
  mediumChanged(): void;
  ejectRequested(): void;
}

export function createCdDrive(s: CdState, unit: AtaUnit, drive: Drive | null, facts: UnitFacts): CdDrive {
  const isInserted = (): boolean => drive?.inserted ?? false;
  const discSectors = (): number => Math.floor((drive?.sizeBytes ?? 0) / CD_SECTOR_BYTES);
  /** What guests see of the disc; 0 while the tray is open. */
  const sectors = (): number => (s.trayOpen || !isInserted() ? 0 : discSectors());

  const reason = (bits: number): void => {
    s.count = (s.count & 0xff & ~REASON.MASK) | bits;
  };
  function end(): void {
    unit.endCommand();
    unit.interrupt();
  }
  function ok(): void {
    s.error = 0;
    s.status = READY;
    reason(REASON.TO_HOST | REASON.COMMAND);
    end();
  }
  function refuse(key: number, asc: number): void {
    s.error = key << 4;
    s.status = STATUS.DRDY | STATUS.ERR;
    reason(REASON.TO_HOST | REASON.COMMAND);
    s.senseKey = key;
    s.asc = asc;
    end();
  }
  const illegal = (asc: number): void => refuse(SENSE.ILLEGAL_REQUEST, asc);
  function failRead(error: BlockError): void {
    if (error === 'ENOMEDIUM') refuse(SENSE.NOT_READY, ASC.NO_MEDIUM);
    else illegal(ASC.OUT_OF_RANGE);
  }

  // Data phases.

  function send(reply: Reply, room: number): void {
    if ('asc' in reply) {
      illegal(reply.asc);
      return;
    }
    s.left = Math.min(reply.length, room);
    s.filled = s.left;
    s.sectorBytes = 0;
    s.at = s.end = 0;
    if (s.byDma) {
      s.status = READY | STATUS.DRQ;
      unit.startDma(STEP.DMA);
    } else {
      s.status = READY;
      nextBlock();
    }
  }
  function startRead(lba: number, count: number, sectorBytes: number): void {
    s.lba = lba;
    s.left = count * sectorBytes;
    s.sectorBytes = sectorBytes;
    s.at = s.end = s.filled = 0;
    if (s.byDma) {
      s.status = READY | STATUS.DRQ | STATUS.BSY;
      unit.startDma(STEP.DMA);
    } else {
      s.status = READY;
      nextBlock();
    }
  }

  /** FFFFh stands for FFFEh. */
  const byteCountLimit = (): number => Math.min(0xfffe, (s.cylinderHigh << 8) | s.cylinderLow);
  function hasLimit(): boolean {
    if (s.byDma || byteCountLimit() > 0) return true;
    unit.fail();
    return false;
  }

  /** One block of PIO data: as much as the host's byte count register allows; all of it is in the buffer first. */
  function nextBlock(): void {
    if (s.left <= 0) {
      ok();
      return;
    }
    const limit = byteCountLimit();
    const size = s.left > limit ? Math.max(2, limit & ~1) : s.left;
    const have = s.filled - s.at;
    if (s.sectorBytes > 0 && have < size) {
      s.buffer.copyWithin(0, s.at, s.filled);
      s.at = s.end = 0;
      s.filled = have;
      s.status |= STATUS.BSY;
      readSectors(Math.ceil((size - have) / s.sectorBytes), STEP.SECTORS_READ);
      return;
    }
    s.left -= size;
    s.cylinderLow = size & 0xff;
    s.cylinderHigh = size >> 8;
    reason(REASON.TO_HOST);
    unit.interrupt();
    unit.startPio(size, 'in', STEP.NEXT_BLOCK, s.at);
  }
  function readSectors(count: number, after: number): void {
    if (drive === null) failRead('ENOMEDIUM');
    else unit.startRequest(drive.read(s.lba * CD_SECTOR_BYTES, count * CD_SECTOR_BYTES), after);
  }
  function sectorsRead(error: BlockError | undefined, data: Uint8Array | undefined): void {
    s.status &= ~STATUS.BSY;
    if (error !== undefined || data === undefined) {
      failRead(error ?? 'EIO');
      return;
    }
    const cooked = inSectors(data);
    s.buffer.set(cooked, s.filled);
    s.filled += cooked.length;
    nextBlock();
  }
  /** The data as the command wants them; counts them as read. */
  function inSectors(data: Uint8Array): Uint8Array {
    const count = data.length / CD_SECTOR_BYTES;
    const first = s.lba;
    s.lba += count;
    if (s.sectorBytes !== RAW_SECTOR_BYTES) return data;
    const raw = new Uint8Array(count * RAW_SECTOR_BYTES);
    for (let i = 0; i < count; i++) {
      const sector = data.subarray(i * CD_SECTOR_BYTES, (i + 1) * CD_SECTOR_BYTES);
      putRawSector(raw.subarray(i * RAW_SECTOR_BYTES), first + i, sector);
    }
    return raw;
  }

  function dma(): void {
    if (s.left <= 0) {
      s.status = READY;
      reason(REASON.TO_HOST | REASON.COMMAND);
      unit.interrupt();
      unit.finishDma(false);
      unit.endCommand();
    } else if (s.sectorBytes > 0) {
      readSectors(Math.min(DMA_SECTORS, Math.ceil(s.left / s.sectorBytes)), STEP.DMA_READ);
    } else {
      moveByDma(s.buffer.slice(0, s.left));
    }
  }
  function dmaRead(error: BlockError | undefined, data: Uint8Array | undefined): void {
    if (error !== undefined || data === undefined) {
      unit.finishDma(false);
      failRead(error ?? 'EIO');
      return;
    }
    moveByDma(inSectors(data));
  }
  /** When the memory table is too short, the bus master stops, and the drive waits for ever. */
  function moveByDma(data: Uint8Array): void {
    const room = unit.dmaCapacity - s.dmaPosition;
    s.left -= data.length;
    unit.dmaWrite(data.subarray(0, Math.max(0, room)));
    if (data.length > room) unit.finishDma(false);
    else dma();
  }

  // Packets.

  const word = (packet: Uint8Array, at: number): number => ((packet[at] ?? 0) << 8) | (packet[at + 1] ?? 0);
  const long = (packet: Uint8Array, at: number): number => word(packet, at) * 0x10000 + word(packet, at + 2);
  const isOnDisc = (lba: number, count: number): boolean => lba + count <= discSectors();

  function read(lba: number, count: number): void {
    if (count === 0) ok();
    else if (!isOnDisc(lba, count)) illegal(ASC.OUT_OF_RANGE);
    else startRead(lba, count, CD_SECTOR_BYTES);
  }
  /** MMC-3 READ CD: byte 9 says which parts of a sector are wanted. */
  function readCd(packet: Uint8Array): void {
    const lba = long(packet, 2);
    const count = ((packet[6] ?? 0) << 16) | word(packet, 7);
    const parts = (packet[9] ?? 0) & 0xf8;
    if (count === 0) ok();
    else if (!isOnDisc(lba, count)) illegal(ASC.OUT_OF_RANGE);
    else if (parts === 0) ok();
    else if (!hasLimit()) return;
    else if (parts === 0x10) startRead(lba, count, CD_SECTOR_BYTES);
    else if (parts === 0xf8) startRead(lba, count, RAW_SECTOR_BYTES);
    else illegal(ASC.INVALID_FIELD);
  }
  function startStop(packet: Uint8Array): void {
    const bits = packet[4] ?? 0;
    const opens = (bits & 1) === 0;
    if (!(bits & 0xf0) && bits & 2) {
      if (opens && !s.trayOpen && s.trayLocked) {
        refuse(isInserted() ? SENSE.NOT_READY : SENSE.ILLEGAL_REQUEST, ASC.REMOVAL_PREVENTED);
        return;
      }
      if (s.trayOpen !== opens) drive?.eject(opens);
      s.trayOpen = opens;
    }
    ok();
  }
  function preventAllow(packet: Uint8Array): void {
    s.trayLocked = ((packet[4] ?? 0) & 1) !== 0;
    drive?.lock(s.trayLocked);
    ok();
  }
  /** Event and status of the media class: no change, eject requested, new medium; tray open, medium there. */
  function mediaEvent(): readonly [number, number] {
    if (s.trayOpen) return [0, 1];
    const status = isInserted() ? 2 : 0;
    if (s.newMedium) {
      s.newMedium = false;
      return [2, status];
    }
    if (!s.ejectRequest) return [0, status];
    s.ejectRequest = false;
    return [1, status];
  }
  function sense(packet: Uint8Array): void {
    const reply = requestSense(s.buffer, s.senseKey, s.asc);
    if (s.senseKey === SENSE.UNIT_ATTENTION) s.senseKey = SENSE.NONE;
    send(reply, packet[4] ?? 0);
  }

  const packetCommands: Readonly<Record<number, PacketCommand>> = {
    0: { needsMedium: true, noData: true, run: ok }, // TEST UNIT READY
    3: { inAttention: true, run: sense },
    18: { inAttention: true, run: (p) => send(inquiry(s.buffer, p, facts), p[4] ?? 0) },
    27: { noData: true, run: startStop },
    30: { noData: true, run: preventAllow },
    37: { needsMedium: true, run: () => send(readCapacity(s.buffer, sectors()), 8) },
    40: { needsMedium: true, run: (p) => read(long(p, 2), word(p, 7)) },
    43: { needsMedium: true, noData: true, run: (p) => (isOnDisc(long(p, 2), 1) ? ok() : illegal(ASC.OUT_OF_RANGE)) },
    67: { needsMedium: true, run: (p) => send(readToc(s.buffer, p, sectors()), word(p, 7)) },
    70: { inAttention: true, run: (p) => send(getConfiguration(s.buffer, p, sectors()), word(p, 7)) },
    74: { inAttention: true, run: (p) => send(eventStatus(s.buffer, p, mediaEvent), word(p, 7)) },
    81: { needsMedium: true, run: (p) => send(readDiscInformation(s.buffer, p), word(p, 7)) },
    90: { run: (p) => send(modeSense(s.buffer, p, s.trayLocked), word(p, 7)) },
    168: { needsMedium: true, run: (p) => read(long(p, 2), long(p, 6)) },
    173: { needsMedium: true, run: (p) => send(readDvdStructure(s.buffer, p, sectors()), word(p, 8)) },
    187: { noData: true, run: ok }, // SET CD SPEED
    189: { run: (p) => send(mechanismStatus(s.buffer), word(p, 8)) },
    190: { needsMedium: true, noData: true, run: readCd },
  };

  function runPacket(): void {
    s.packet.set(s.buffer.subarray(0, PACKET_BYTES));
    const command = packetCommands[s.packet[0] ?? 0];
    if (s.senseKey === SENSE.UNIT_ATTENTION && !command?.inAttention) {
      s.error = MEDIUM_CHANGED_ERROR | (SENSE.UNIT_ATTENTION << 4);
      s.status = STATUS.ERR;
      s.count = 0;
      end();
      return;
    }
    if (!command?.inAttention && !s.trayOpen && isInserted() && s.change !== CHANGE.NONE) {
      if (s.change === CHANGE.REMOVED) refuse(SENSE.NOT_READY, ASC.NO_MEDIUM);
      else refuse(SENSE.UNIT_ATTENTION, ASC.MEDIUM_CHANGED);
      s.change = s.change === CHANGE.REMOVED ? CHANGE.INSERTED : CHANGE.NONE;
      return;
    }
    if (command === undefined) illegal(ASC.INVALID_OPCODE);
    else if (command.needsMedium && sectors() === 0) refuse(SENSE.NOT_READY, ASC.NO_MEDIUM);
    else if (command.noData || hasLimit()) command.run(s.packet);
  }

  // ATA commands.

  function packetCommand(): boolean {
    if (s.feature & 2) return unit.abort(); // overlapped
    s.status = READY;
    s.byDma = (s.feature & 1) !== 0;
    s.count = REASON.COMMAND;
    unit.startPio(PACKET_BYTES, 'out', STEP.PACKET);
    return false;
  }
  function identify(): false {
    identifyPacketDevice(s.buffer.subarray(0, SECTOR_BYTES), facts, s.transferMode);
    s.status = READY;
    unit.startPio(SECTOR_BYTES, 'in', 0);
    unit.interrupt();
    return false;
  }
  /** Commands for disks are refused with the signature in the registers (§8.15.5, §8.27.5). */
  function refuseDiskCommand(): boolean {
    unit.putSignature();
    return unit.abort();
  }
  function flush(): false {
    s.status |= STATUS.BSY;
    if (drive === null) flushed();
    else unit.startRequest(drive.flush(), STEP.FLUSHED);
    return false;
  }
  /** There is nothing to lose on a read-only medium, so a failure is none. */
  function flushed(): void {
    s.status = READY;
    end();
  }
  /** DEVICE RESET (§8.8): the signature, and a clear status register. */
  function deviceReset(): false {
    unit.reset();
    s.status = 0;
    return false;
  }
  function diagnose(): false {
    unit.diagnose();
    unit.endCommand();
    return false;
  }

  const commands: readonly AtaCommand[] = [
    { codes: [0x08], run: deviceReset },
    { codes: [0x20, 0xec], run: refuseDiskCommand },
    { codes: [0x90], run: diagnose },
    { codes: [0xa0], run: packetCommand },
    { codes: [0xa1], run: identify },
    { codes: [0xe7], run: flush },
    { codes: [0xef], seeks: true, run: () => unit.setFeatures(flush) },
  ];

  return {
    isPacket: true,
    commands,
    steps: {
      [STEP.PACKET]: runPacket,
      [STEP.NEXT_BLOCK]: nextBlock,
      [STEP.SECTORS_READ]: sectorsRead,
      [STEP.DMA]: dma,
      [STEP.DMA_READ]: dmaRead,
      [STEP.FLUSHED]: flushed,
    },
    reset() {
      s.senseKey = SENSE.NONE;
      s.asc = 0;
      s.change = CHANGE.NONE;
      s.left = s.filled = s.sectorBytes = 0;
      s.byDma = false;
      if (s.trayLocked) drive?.lock(false);
      s.trayLocked = false;
      s.trayOpen = false;
    },
    mediumChanged() {
      unit.mediumGone();
      s.trayOpen = !isInserted();
      s.change = CHANGE.REMOVED;
      s.newMedium = true;
      s.ejectRequest = false;
      unit.interrupt();
    },
    ejectRequested() {
      s.ejectRequest = true;
      unit.interrupt();
    },
  };
}
