/** What the control interfaces (monitor, QMP and debugger to come) need of a virtual machine. vm/ implements it. */

import type { PointerEvent } from '../input/pointer.ts';
import type { BlockControl } from './block-control.ts';
import type { DebugControl } from './debug-control.ts';

/** QMP's RunState, as far as it occurs here. */
export const RUN_STATES = [
  'prelaunch',
  'running',
  'paused',
  'debug',
  'suspended',
  'shutdown',
  'watchdog',
  'internal-error',
  'io-error',
  'guest-panicked',
] as const;
export type RunState = (typeof RUN_STATES)[number];

/** One processor as a debugger sees it. Addresses and registers are unsigned, 64-bit ready. */
export interface CpuView {
  readonly index: number;
  /** Hexadecimal digits of a virtual address. */
  readonly addressDigits: 8 | 16;
  /** QEMU's text of all registers, lines ended. */
  dumpRegisters(): string;
  /** The value of a register by the monitor's name for it, unsigned; undefined if there is no such register. */
  register(name: string): bigint | undefined;
  /** False if a byte can't be read: no page is mapped there, or no RAM or ROM lies there. Changes nothing. */
  readVirtual(address: bigint, into: Uint8Array): boolean;
  /** Sets a register by the monitor's name for it; false if there is none, or it can't be set. */
  writeRegister(name: string, value: bigint): boolean;
  /** False, and nothing written, if RAM does not lie behind all of it. Rights of pages are not looked at. */
  writeVirtual(address: bigint, bytes: Uint8Array): boolean;
  /** The instruction at an address, in the processor's present mode; undefined if it can't be read. */
  disassemble(address: bigint, physical: boolean): { readonly text: string; readonly bytes: Uint8Array } | undefined;
}

export interface BalloonView {
  /** Bytes of memory that the guest has. */
  readonly actualBytes: number;
  /** Asks the guest to get by with so many; it answers in its own time. */
  request(bytes: number): void;
}

export interface InputControl {
  /** A key of QEMU's naming; `holdMs`: the next one follows after so much guest time. */
  key(name: string, down: boolean, holdMs?: number): void;
  pointer(event: PointerEvent): void;
  /** In the order of `info mice`. */
  readonly mice: readonly {
    readonly index: number;
    readonly name: string;
    readonly absolute: boolean;
    readonly current: boolean;
  }[];
  /** False: no pointer has this number. */
  chooseMouse(index: number): boolean;
}

export const PICTURE_FORMATS = ['ppm', 'png'] as const;
export type PictureFormat = (typeof PICTURE_FORMATS)[number];

export interface ScreenView {
  /** Undefined in a graphics mode. */
  text(): string | undefined;
  picture(format: PictureFormat): Promise<Uint8Array>;
}

export interface VmControl {
  readonly debug: DebugControl;
  readonly version: string;
  readonly name: string | undefined;
  readonly uuid: string;
  readonly runState: RunState;
  readonly cpus: readonly CpuView[];
  stop(): void | Promise<void>;
  cont(): void | Promise<void>;
  systemReset(): void | Promise<void>;
  systemPowerdown(): void | Promise<void>;
  systemWakeup(): void | Promise<void>;
  injectNmi(): void | Promise<void>;
  quit(): void | Promise<void>;
  /** False if RAM or ROM does not cover the whole range. */
  readPhysical(address: bigint, into: Uint8Array): boolean;
  readonly input: InputControl;
  readonly blocks: BlockControl;
  /** The guest's memory balloon; undefined: there is none. */
  readonly balloon: BalloonView | undefined;
  /** What the first display adapter shows; undefined: there is none. */
  readonly screen: ScreenView | undefined;
  /** Hands a file to the person: written beside the program, or downloaded from the page. */
  saveFile(name: string, bytes: Uint8Array): void;
  /** Text of `info <topic>` that devices and the engine know themselves. Undefined: not here. */
  describe(topic: 'pic' | 'jit' | 'usb'): string | undefined;
}
