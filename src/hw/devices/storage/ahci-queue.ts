/**
 * Native command queuing (Serial ATA 2.6 §13.6): READ and WRITE FPDMA QUEUED, each with a tag of its own. Long commands
 * ask the disk for a piece at a time.
 */
import type { BlockError, RequestId } from '../../../block/api.ts';
import type { RegionTable } from './ahci-regions.ts';
import { type PortState, QUEUED } from './ahci-state.ts';
import { type QueuedDisk, SECTOR_BYTES } from './ata.ts';
import type { AtaUnit } from './ata-unit.ts';

const READ_FPDMA = 0x60;
const WRITE_FPDMA = 0x61;
/** Commands that only a queue takes, whether it knows them or not. */
const QUEUED_COMMANDS: ReadonlySet<number> = new Set([READ_FPDMA, WRITE_FPDMA, 0x63, 0x64, 0x65]);
const FORCE_UNIT_ACCESS = 0x80;
const PIECE_SECTORS = 2048;

type Entry = PortState['queue'][number];

export interface QueueWiring {
  /** Memory of the command in a slot. */
  regions(slot: number): RegionTable;
  ended(tag: number, error: BlockError | undefined): void;
}

export class CommandQueue {
  static isQueued(command: number): boolean {
    return QUEUED_COMMANDS.has(command);
  }

  private readonly entries: Entry[];
  private readonly wiring: QueueWiring;

  constructor(entries: Entry[], wiring: QueueWiring) {
    this.entries = entries;
    this.wiring = wiring;
  }

  reset(): void {
    for (const entry of this.entries) {
      entry.step = QUEUED.NOTHING;
      entry.request = 0;
    }
  }

  begin(disk: QueuedDisk | undefined, slot: number, fis: Uint8Array): 'taken' | 'refused' | 'tooShort' {
    const byte = (n: number): number => fis[n] ?? 0;
    const entry = this.entries[byte(12) >> 3] as Entry;
    if (entry.step !== QUEUED.NOTHING) return 'taken'; // the tag is in use: nothing happens
    const isRead = byte(2) === READ_FPDMA;
    if (disk === undefined || (!isRead && byte(2) !== WRITE_FPDMA)) return 'refused';
    const low = (byte(6) << 16) | (byte(5) << 8) | byte(4);
    const high = (byte(10) << 16) | (byte(9) << 8) | byte(8);
    const lba = high * 2 ** 24 + low;
    const count = (byte(11) << 8) | byte(3) || 0x10000;
    if (this.wiring.regions(slot).capacity < count * SECTOR_BYTES) return 'tooShort';
    if (lba + count > disk.sectorCount) return 'refused';
    Object.assign(entry, { slot, lba, left: count, position: 0, forced: (byte(7) & FORCE_UNIT_ACCESS) !== 0 });
    entry.step = isRead ? QUEUED.READ : QUEUED.WRITE;
    this.goOn(disk, entry);
    return 'taken';
  }

  completed(unit: AtaUnit, request: RequestId, error: BlockError | undefined, data: Uint8Array | undefined): void {
    const tag = this.entries.findIndex((entry) => entry.request === request && entry.step !== QUEUED.NOTHING);
    const entry = this.entries[tag];
    const disk = unit.queue;
    if (entry === undefined || disk === undefined) return;
    entry.request = 0;
    if (error === undefined && entry.step !== QUEUED.FLUSH) {
      if (data !== undefined) this.wiring.regions(entry.slot).write(entry.position, data);
      const moved = Math.min(entry.left, PIECE_SECTORS);
      entry.left -= moved;
      entry.lba += moved;
      entry.position += moved * SECTOR_BYTES;
      if (entry.step === QUEUED.WRITE && entry.left === 0 && (entry.forced || !disk.isCached)) {
        entry.step = QUEUED.FLUSH;
        entry.request = disk.flush();
        return;
      }
      if (entry.left > 0) {
        this.goOn(disk, entry);
        return;
      }
    }
    entry.step = QUEUED.NOTHING;
    this.wiring.ended(tag, error);
  }

  private goOn(disk: QueuedDisk, entry: Entry): void {
    const count = Math.min(entry.left, PIECE_SECTORS);
    if (entry.step === QUEUED.READ) {
      entry.request = disk.read(entry.lba, count);
    } else {
      const data = new Uint8Array(count * SECTOR_BYTES);
      this.wiring.regions(entry.slot).read(entry.position, data);
      entry.request = disk.write(entry.lba, data);
    }
  }
}
