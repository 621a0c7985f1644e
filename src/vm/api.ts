/**
 * What a page (over Comlink) or a command line may ask of a virtual machine, and what it hears back. Plain data and
 * callbacks only: every value here survives structured cloning.
 */
import type { DriveView, MediumChange } from '../control/block-control.ts';

import type { PointerEvent } from '../input/pointer.ts';

export type { DriveView } from '../control/block-control.ts';

/** A machine as QEMU's command line describes it; contents of files are given beside their names. */
export interface VmOptions {
  /** QEMU's arguments, without the program name: ['-M', 'pc', '-m', '128', '-kernel', 'vmlinuz', …]. */
  readonly args: readonly string[];
  /** Files that the arguments name (kernel, initrd, firmware, small disk images). */
  readonly files: Readonly<Record<string, Uint8Array>>;
  /** Disk images that the arguments name, by where they are. */
  readonly images?: Readonly<Record<string, ImageSource>>;
}

/**
 * Where a disk image is. The arguments may also name one directly: `indexeddb:name`, `opfs:folder/file`, and
 * `http:` and `https:` addresses.
 */
export type ImageSource =
  /** Written in memory, and gone with the machine. */
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  /** A file that the person picked, and one of a web server: never changed; writes are gone with the machine. */
  | { readonly kind: 'file'; readonly file: Blob }
  | { readonly kind: 'url'; readonly url: string }
  /** A file of the origin's private file system. */
  | { readonly kind: 'opfs'; readonly path: string; readonly createBytes?: number }
  /** A disk in the browser's database; made with so many bytes if it is not there. */
  | { readonly kind: 'indexeddb'; readonly name: string; readonly createBytes?: number }
  /**
   * An image that is never changed, and the disk that keeps what is written over it: in the database, where the page's
   * thread can read it, too, or in the private file system, which is faster.
   */
  | {
      readonly kind: 'overlay';
      readonly base: ImageSource;
      readonly name: string;
      readonly place?: 'opfs' | 'indexeddb';
    };

/** QMP's RunState, as far as it occurs here. */
export type RunState =
  | 'prelaunch'
  | 'running'
  | 'paused'
  | 'debug'
  | 'suspended'
  | 'shutdown'
  | 'watchdog'
  | 'internal-error'
  | 'io-error'
  | 'guest-panicked';

export interface VmStatus {
  readonly state: RunState;
  /** Guest instructions retired since power-on. */
  readonly instructions: number;
  /** Guest time since power-on, ns. */
  readonly guestNs: number;
  /** Million guest instructions a second of host time, over the last status interval; 0 while halted. */
  readonly mips: number;
  /** Shares of host time over the last interval, summing to 1: interpreter, JIT code, translation and compilation, devices, idle. */
  readonly share: {
    readonly interpreter: number;
    readonly jit: number;
    readonly translation: number;
    readonly devices: number;
    readonly idle: number;
  };
  /** Guest RAM, bytes; engine memory beyond it, bytes (bytecode arena, tables, wasm code estimate). */
  readonly ramBytes: number;
  readonly engineBytes: number;
}

export interface DisplayMode {
  readonly width: number;
  readonly height: number;
  readonly isText: boolean;
}

/** Shared memory from which a worker draws the screen while the machine runs: see display/renderer.ts. */
export interface SharedScreen {
  readonly memory: Uint8Array;
  readonly words: Int32Array;
}

export type VmEvent =
  /** Output of a serial port (0-based), batched. */
  | { readonly kind: 'serial'; readonly port: number; readonly bytes: Uint8Array }
  /** Output of a device to a character device (-chardev, -debugcon), batched. */
  | { readonly kind: 'chardev'; readonly id: string; readonly bytes: Uint8Array }
  | { readonly kind: 'state'; readonly state: RunState; readonly reason?: string }
  /** Periodic, about four times a second while running. */
  | { readonly kind: 'status'; readonly status: VmStatus }
  /** The guest ended the machine: isa-debug-exit's status, power-off (0), or reset under -no-reboot (0). */
  | {
      readonly kind: 'exit';
      readonly code: number;
      readonly reason: 'guest-shutdown' | 'guest-reset' | 'debug-exit' | 'guest-panic' | 'host-quit';
    }
  /** A line of the qtest protocol that is no answer: an interrupt that is watched. */
  | { readonly kind: 'qtest'; readonly line: string }
  /** Sound for a file: 16-bit stereo, left and right in turn. */
  | { readonly kind: 'audio'; readonly rate: number; readonly samples: Int16Array }
  /** Sound for the page, from here on: an `AudioRing`. */
  | { readonly kind: 'audio-ring'; readonly rate: number; readonly ring: SharedArrayBuffer }
  /** The lights of the guest's keyboard. */
  | { readonly kind: 'leds'; readonly scrollLock: boolean; readonly numLock: boolean; readonly capsLock: boolean }
  /** The guest's pointer takes places on the screen (a tablet), or motion (a mouse). */
  | { readonly kind: 'pointer'; readonly absolute: boolean }
  /** The screen has another size, or changed between text and graphics. */
  | { readonly kind: 'display'; readonly mode: DisplayMode }
  /** A file that a monitor command made: to be written, or downloaded. */
  | { readonly kind: 'file'; readonly name: string; readonly bytes: Uint8Array }
  /** Something the person should read (a guest triple fault, a device missing a file). */
  | { readonly kind: 'message'; readonly level: 'info' | 'warning' | 'error'; readonly text: string };

/** How `changeMedium` opens the new image. */
export interface NewMedium extends MediumChange {
  /** Where the image of that name is, if it is not among those given at the start. */
  readonly source?: ImageSource;
}

export type ExportFormat = 'raw' | 'qcow2';
/** Takes the pieces of a file in their order; the next one comes when its promise has resolved. */
export type PieceSink = (piece: Uint8Array) => unknown;

export interface Vm {
  /** Build the machine and, unless -S is given, start it. Throws VmError (name, class, hint kept over Comlink as plain data). */
  start(options: VmOptions, onEvent: (e: VmEvent) => void): Promise<void>;
  pause(): Promise<void>;
  resume(): Promise<void>;
  reset(): Promise<void>;
  /** Stop for good and give back memory. */
  quit(): Promise<void>;
  status(): Promise<VmStatus>;
  /** Bytes typed or pasted into serial port `port`; taken at the pace the guest reads. */
  serialInput(port: number, bytes: Uint8Array): Promise<void>;
  /** A key by QEMU's name goes down or up. The guest's keyboard repeats; a browser's own repeats must not come here. */
  key(name: string, down: boolean): Promise<void>;
  pointer(event: PointerEvent): Promise<void>;
  /** Types keys at the guest's pace, as src/input/typing.ts makes them of a text; `undefined` forgets what is not typed yet. */
  type(codes: Uint8Array | undefined): Promise<void>;
  /** What the display adapter shows; undefined: there is none. */
  screen(): Promise<SharedScreen | undefined>;
  /** The text on the screen; undefined without an adapter or in a graphics mode. */
  screenText(): Promise<string | undefined>;
  /** The drives, by the names of `-drive id=`, and what is in them. */
  drives(): Promise<readonly DriveView[]>;
  /** Puts another image into a drive with removable media. */
  changeMedium(device: string, file: string, medium?: NewMedium): Promise<void>;
  ejectMedium(device: string, force?: boolean): Promise<void>;
  /** Hands on a drive's contents as a file; the machine stands still meanwhile. */
  exportDrive(device: string, format: ExportFormat, sink: PieceSink): Promise<void>;
  /** Run a monitor command as typed; its output. */
  monitor(line: string): Promise<string>;
  /** SHA-256 of the whole machine state (CPU, RAM, devices), hex, with the instruction count it was taken at. */
  stateHash(): Promise<{ readonly instructions: number; readonly hash: string }>;
}
