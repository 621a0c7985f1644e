/**
 * The two faces of a disk. A device of the machine sees a `Drive`: it asks, and hears of the end between two
 * instructions, through the input queue, so that the history of a run holds when. An image (a format, or where its
 * bytes lie) is a `BlockNode`; formats stand on other nodes.
 */

/** Why a request failed, as the guest's device reports it. */
export type BlockError = 'EIO' | 'ENOSPC' | 'EROFS' | 'EINVAL' | 'ENOMEDIUM';

/** Number of a request that is under way; never 0. */
export type RequestId = number;

/** The device's end of a drive. */
export interface DriveFrontEnd {
  /** A request ended. `bytes` is what was read; absent after an error and for other requests. */
  completed(request: RequestId, error: BlockError | undefined, bytes: Uint8Array | undefined): void;
  /** A medium was inserted or taken out, and nothing of the old one is under way any more; or it has another size. */
  mediumChanged?(): void;
  /** Somebody pressed the button of a tray that the guest has locked. */
  ejectRequested?(): void;
}

/** What a device sees of its disk. Offsets and lengths are bytes, whole sectors of 512. */
export interface Drive {
  /** As the user named it: `-drive id=`. */
  readonly id: string;
  readonly media: 'disk' | 'cdrom';
  /** False: the tray or the floppy drive is empty. */
  readonly inserted: boolean;
  /** 0 without a medium. A multiple of 512: an image's odd end is filled up with zeros. */
  readonly sizeBytes: number;
  readonly readonly: boolean;
  /** At most 20 characters, for IDENTIFY and the like; undefined: the device makes one up, as QEMU does. */
  readonly serial: string | undefined;
  /**
   * The medium's first sector as it was when the machine was made: a disk's partition table tells its geometry. Absent
   * where nobody looked.
   */
  readonly bootSector?: Uint8Array | undefined;
  /** Connects the device; at most one. */
  attach(frontEnd: DriveFrontEnd): void;
  /**
   * Start a request. Requests beyond the end, writes to a read-only medium and requests without a medium end with an
   * error as all others do: later. Requests may end in any order; a flush ends when all writes that ended before it
   * began are safe. `bytes` must not change until the request has ended.
   */
  read(offset: number, length: number): RequestId;
  write(offset: number, bytes: Uint8Array): RequestId;
  /** Zeros, cheaper than writing them. */
  writeZeroes(offset: number, length: number): RequestId;
  /** The guest does not need these bytes any more; what they read as from now on is undefined. */
  discard(offset: number, length: number): RequestId;
  flush(): RequestId;
  /** The device was reset: it does not want to hear of what is under way. Writes still reach the disk. */
  forget(): void;
  /** CD-ROM: keeps the user's button from opening the tray. */
  lock(locked: boolean): void;
  /** CD-ROM, floppy: the guest opens (takes the medium out) or closes the tray. */
  eject(open: boolean): void;
}

/** What a part of an image is: `map` and `convert` ask. */
export interface Extent {
  readonly length: number;
  /** Reads as zeros. */
  readonly zero: boolean;
  /** Stored in this image, not in its backing file. */
  readonly allocated: boolean;
}

/**
 * An image: any offset and length in bytes within its size, unless it says otherwise. Requests that overlap are the
 * caller's to order. Errors are `BlockFailure`s; a promise that rejects with anything else is our own bug.
 */
export interface BlockNode {
  /** `raw`, `qcow2`, `file`, `indexeddb` …: QEMU's name of the driver, where it has one. */
  readonly driver: string;
  readonly sizeBytes: number;
  readonly readonly: boolean;
  read(offset: number, into: Uint8Array): Promise<void>;
  write(offset: number, from: Uint8Array): Promise<void>;
  writeZeroes(offset: number, length: number): Promise<void>;
  discard(offset: number, length: number): Promise<void>;
  /** All that was written before is safe from the death of the process when this resolves. */
  flush(): Promise<void>;
  /** What begins at `offset`: at least one byte, at most up to the end. */
  extentAt(offset: number): Promise<Extent>;
  /** Grows or shrinks the image; what is added reads as zeros. */
  resize(sizeBytes: number): Promise<void>;
  /** Flushes and gives back what it holds. Not usable afterwards. */
  close(): Promise<void>;
}

/** A request that the host could not do. */
export class BlockFailure extends Error {
  readonly code: BlockError;
  constructor(code: BlockError, message: string) {
    super(message);
    this.name = 'BlockFailure';
    this.code = code;
  }
}
