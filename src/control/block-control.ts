/** What the control interfaces need of a machine's drives. vm/ implements it. */

/** The image in a drive. */
export interface MediumView {
  readonly file: string;
  readonly nodeName: string;
  /** QEMU's name of the format. */
  readonly driver: string;
  readonly sizeBytes: number;
  readonly readonly: boolean;
  readonly writeback: boolean;
  /** The image that it stands on, and how many there are. */
  readonly backing: { readonly file: string; readonly depth: number } | undefined;
}

/** Counts since the machine was made. */
export interface BlockCounts {
  readonly readBytes: number;
  readonly writtenBytes: number;
  readonly discardedBytes: number;
  readonly reads: number;
  readonly writes: number;
  readonly flushes: number;
  readonly discards: number;
  readonly failedReads: number;
  readonly failedWrites: number;
  readonly failedFlushes: number;
  readonly readNs: number;
  readonly writeNs: number;
  readonly flushNs: number;
}

export interface DriveView {
  readonly device: string;
  /** Path of the device that has the drive; undefined: none has. */
  readonly attachedTo: string | undefined;
  readonly removable: boolean;
  readonly locked: boolean;
  readonly trayOpen: boolean;
  /** Requests failed and wait for the machine to go on. */
  readonly failed: boolean;
  readonly medium: MediumView | undefined;
  readonly counts: BlockCounts;
}

export const READ_ONLY_MODES = ['retain', 'read-only', 'read-write'] as const;
export type ReadOnlyMode = (typeof READ_ONLY_MODES)[number];

export interface MediumChange {
  readonly format?: string | undefined;
  readonly mode?: ReadOnlyMode | undefined;
  readonly force?: boolean | undefined;
}

/** Devices are named by their drives. Failures are VmErrors. */
export interface BlockControl {
  list(): readonly DriveView[];
  eject(device: string, force: boolean): Promise<void>;
  change(device: string, file: string, change: MediumChange): Promise<void>;
  resize(device: string, sizeBytes: number): Promise<void>;
  /** What was written over an image goes into it; `all`: of every drive that has such. */
  commit(device: string): Promise<void>;
}
