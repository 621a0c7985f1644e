/** AT Attachment, as ATA/ATAPI-6 (T13/1410D revision 3b) has it: registers, bits, and who talks to whom. */
import type { BlockError, RequestId } from '../../../block/api.ts';
import type { DeviceBus } from '../../core/device.ts';
import type { AtaUnit } from './ata-unit.ts';

/** §7.15. */
export const STATUS = { ERR: 0x01, DRQ: 0x08, DSC: 0x10, DF: 0x20, DRDY: 0x40, BSY: 0x80 } as const;
/** §7.9; ATAPI devices have their sense key in bits 7:4. */
export const ERROR = { ABRT: 0x04, DIAGNOSTIC_PASSED: 0x01 } as const;
/** §7.10; bits 7 and 5 are obsolete and always 1. */
export const DEVICE = { HEAD: 0x0f, DEV: 0x10, LBA: 0x40, ALWAYS: 0xa0 } as const;
/** §7.8. */
export const CONTROL = { NIEN: 0x02, SRST: 0x04, HOB: 0x80 } as const;

/** Kinds of transfer modes (table 44), as SET FEATURES 03h takes them in bits 7:3. */
export const TRANSFER = { PIO_DEFAULT: 0, PIO: 1, SINGLE_WORD_DMA: 2, MULTI_WORD_DMA: 4, ULTRA_DMA: 8 } as const;

export const SECTOR_BYTES = 512;

/** How a device on a cable, or behind a SATA port, moves data to and from memory without the processor. */
export interface AtaDma {
  /** The device has, or wants, data: its `dmaReady` is called as soon as the bus master runs, perhaps at once. */
  request(): void;
  /** How many bytes of memory the present command was given. */
  capacity(): number;
  /** Device to memory, at a position within that memory. */
  write(position: number, bytes: Uint8Array): void;
  /** Memory to device. */
  read(position: number, into: Uint8Array): void;
  /** The device's part is over; `more`: there was memory left. */
  finish(more: boolean): void;
}

/** What a device needs of the cable or port that it hangs on. */
export interface AtaHost {
  /** Absent: the host has no bus master, commands that want one wait for ever. */
  readonly dma: AtaDma | undefined;
  /** INTRQ is asserted. */
  interrupt(): void;
  /** The command has ended, well or not. */
  commandDone(): void;
  /** The device has its reset values. */
  wasReset?(): void;
  /** A request that was not the unit's own has ended: one of its command queue. */
  queuedCompleted?(request: RequestId, error: BlockError | undefined, data: Uint8Array | undefined): void;
  /** Moves a block of a PIO command at once; absent: the data register does, at the processor's pace. */
  movePio?(block: Uint8Array, toDevice: boolean): void;
}

/** What native command queuing needs of a disk: addresses and counts are sectors. */
export interface QueuedDisk {
  readonly sectorCount: number;
  /** Writes are safe only after a flush. */
  readonly isCached: boolean;
  read(lba: number, count: number): RequestId;
  write(lba: number, data: Uint8Array): RequestId;
  flush(): RequestId;
}

/** A bus for `ide-hd` and `ide-cd`. */
export interface IdeBus extends DeviceBus {
  /** Commands that a disk may queue there; absent: none. */
  readonly ncqDepth?: number;
  /** Which of its controller's buses it is. */
  readonly node: number;
  /** Connects a device as a certain unit; undefined: the first that is free. `number` is QEMU's for made-up serials. */
  plug(device: AtaUnit, unit: number | undefined): { readonly unit: number; readonly number: number };
}
