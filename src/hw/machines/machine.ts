/**
 * Boards as data, and what a machine built from one offers. A board lists its parts by QEMU's device names; `build.ts`
 * turns the list into a machine.
 */
import type { Display } from '../../display/api.ts';
import type { VirtualClock } from '../core/clock.ts';
import type { Device } from '../core/device.ts';
import type { AddressSpace } from '../core/memory.ts';
import type { PortSpace } from '../core/ports.ts';
import type { AcpiBoard } from './acpi/pc-acpi.ts';
import type { BootState } from './loaders/direct-boot.ts';

export interface Part {
  /** Unique in its machine; names the part in saved states. */
  readonly id: string;
  readonly type: string;
  readonly props?: Readonly<Record<string, unknown>>;
  /** Properties that are other parts, or an end of one: property name to `id` or `id.end`, further up in the list. */
  readonly links?: Readonly<Record<string, string>>;
  /** Interrupt outputs that lead to an end of a part further up, `id.end`, if the machine has that part. */
  readonly outputs?: Readonly<Record<string, string>>;
  /** Slot and function of a PCI device. */
  readonly pci?: { readonly slot: number; readonly fn: number };
}

export interface PortWrite {
  readonly port: number;
  readonly value: number;
  readonly size: 1 | 2 | 4;
}

/** What takes the place of firmware when a kernel is started directly. */
export interface DirectBootSetup {
  /** Chip set registers that a kernel expects to be set up. */
  readonly ports: readonly PortWrite[];
}

/** Kinds of display adapter as `-vga` names them. */
export type VgaKind = 'std' | 'cirrus';

export interface Board {
  /** As `-M` takes it. */
  readonly name: string;
  readonly desc: string;
  readonly alias?: string;
  readonly isDefault?: boolean;
  readonly target: 'i386';
  readonly defaultCpu: string;
  readonly maxCpus: number;
  readonly firmware: string;
  /** ROMs are read-only behind a PCI host bridge, whose registers can shadow them; on an ISA board they are RAM. */
  readonly bus: 'isa' | 'pci';
  /** The bus as `-device …,bus=` names it, and the part that routes its interrupts. Absent: there is none. */
  readonly pci?: { readonly name: string; readonly router: string };
  /** Where RAM below 4 GiB ends at most, and where it is cut if there is more. */
  readonly lowRam: { readonly limit: number; readonly cut: number };
  readonly maxRamBytes: number;
  readonly parts: readonly Part[];
  /** What `-usb` adds. */
  readonly usb?: Part;
  readonly maxSerials: number;
  /** How many drives a bus of the board's own disk controller takes; default: 2. */
  readonly ideUnits?: number;
  /** The adapter that each value of `-vga` stands for. */
  readonly vga: Readonly<Partial<Record<VgaKind, Part>>>;
  readonly directBoot: DirectBootSetup;
  readonly acpi?: AcpiBoard;
}

export const defineBoard = (board: Board): Board => board;

/** How the guest ends or restarts its machine. The requests take effect after the present instruction. */
export interface RunControl {
  requestReset(): void;
  requestShutdown(): void;
  /** S3: all stands still until `Machine.wake`. */
  requestSuspend(): void;
  /** The guest's kernel says that it panicked. */
  reportPanic(): void;
  /** A watchdog ran out: what follows is the user's choice. */
  watchdogExpired(): void;
  /** Ends the process with this exit status (isa-debug-exit). */
  requestExit(status: number): void;
}

/** A level that the CPU follows. */
export interface CpuLine {
  readonly level: boolean;
  /** Called on each change, and after each load of a state. At most one listener. */
  onChange: ((level: boolean) => void) | undefined;
}

export interface NumericErrors {
  /** FERR# is active. */
  raise(): void;
  /** Called when the guest has seen it: IGNNE# is active as long as FERR# is. At most one listener. */
  onIgnored: (() => void) | undefined;
}

export interface Machine {
  readonly board: Board;
  readonly clock: VirtualClock;
  readonly memory: AddressSpace;
  readonly io: PortSpace;
  /**
   * Watches the inputs of the interrupt controllers (device `ioapic` or `pic`) or the outputs of a device, by their
   * numbers; false: there is no such device. For tests.
   */
  watchLines(ends: 'in' | 'out', device: string, changed: (n: number, level: boolean) => void): boolean;
  /** In the order in which they were created; reset, save and load keep it. */
  readonly devices: readonly Device[];
  device(id: string): Device | undefined;
  /** The CPU's INTR pin, and the acknowledge cycle that yields the vector. */
  readonly cpuIrq: CpuLine & { acknowledge(): number };
  /** Address line 20: open or masked. */
  readonly a20: CpuLine;
  /** The CPU's FERR# pin, and IGNNE#, which may answer. */
  readonly numericErrors: NumericErrors;
  /** What the first display adapter shows; undefined: there is none. */
  readonly display: Display | undefined;
  /** Where the CPU starts after a reset when a kernel is booted directly; undefined: at the reset vector. */
  readonly cpuStart: BootState | undefined;
  /** Resets all devices and restores what loaders put into memory. RAM keeps the rest of its contents. */
  reset(): void;
  /** What the chip set's power management sees; nothing on a board without it. */
  pressPowerButton(): void;
  /** Notes for the firmware that the machine suspends: RAM is kept. */
  suspend(): void;
  /** Resets, and tells the guest that it woke up. */
  wake(): void;
  /** The state of all devices, by name. CPU and RAM are not part of it. */
  save(): readonly SavedDevice[];
  /** Throws a VmError if the list does not fit this machine. Restore the clock before. */
  load(saved: readonly SavedDevice[]): void;
  /** All memory that belongs to the machine, as pieces of the backing store in whole pages: RAM, ROMs, video memory. */
  readonly memoryBlocks: readonly MemoryBlock[];
  /** Runs `fill`, which puts a saved state into the devices, and drives all outputs from it. Restore the clock before. */
  refill(fill: () => void): void;
  hash(): string;
}

export interface MemoryBlock {
  readonly name: string;
  readonly offset: number;
  readonly bytes: number;
}

export type SavedDevice = readonly [id: string, state: Uint8Array];
