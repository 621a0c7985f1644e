/** What the execution engine asks of a target. A target is a folder that provides one `FrontEnd`; the engine never names it. */
import type { IrBlock } from '../ir/block.ts';
import { C_DELIVERED_AT, C_DELIVERIES } from '../ir/layout.ts';
import type { Ty } from '../ir/ops.ts';

/** A function translated code may call: exported by the target's native module under `name`. */
export interface HelperInfo {
  readonly name: string;
  readonly params: readonly Ty[];
  readonly result: Ty | null;
  /** Result depends on the arguments alone; may be dropped when unused. */
  readonly pure: boolean;
  /** May set C_FAULT: looked at after the call. */
  readonly faults: boolean;
  /** It reads the guest's clock: C_BUDGET must be exact (this instruction counted). */
  readonly readsClock?: boolean;
  /** Slots it reads and writes in memory (translated code keeps slots in locals). */
  readonly reads: readonly number[];
  readonly writes: readonly number[];
}

export interface SlotInfo {
  readonly name: string;
  readonly ty: Ty;
}

/** Reads one byte of guest code at a virtual address; -1 if it can't be fetched (the engine raises the fault). */
export type FetchByte = (pcLo: number, pcHi: number) => number;

export interface FrontEnd {
  readonly name: string;
  /** Width of guest virtual addresses: type of address operands and program counters. */
  readonly va: Ty;
  readonly slots: readonly SlotInfo[];
  readonly helpers: readonly HelperInfo[];
  /**
   * Translate at most `maxInsns` instructions from the address in `block` (already reset: pc, mode, context) into it.
   * Ends at the first control transfer, before the end of the page of the first byte (an instruction that straddles
   * the page end forms a block of its own), or when the block is full. Always leaves an ended block of at least one
   * instruction, or of none if the very first byte can't be fetched. Never throws on any bytes. Sets block.bytes.
   */
  translate(block: IrBlock, fetch: FetchByte, maxInsns: number): void;
  /** One line of assembly at an address and its length, for `-d in_asm` and the debugger. */
  disassemble(
    pcLo: number,
    pcHi: number,
    mode: number,
    fetch: FetchByte,
  ): { readonly text: string; readonly length: number };
  /** Slots that point into the stack: accesses through them find their page mostly unchanged (x86: ESP, EBP). */
  readonly stackSlots: readonly number[];
  /** Names of the condition-code slots' first slot for pass `flags`, or -1: slots first..first+2 written by setcc. */
  readonly ccSlot: number;
}

/** What a processor needs of the machine around it when translated code leaves to it. All at the exact instruction count. */
export interface CpuEnvironment {
  /** Port or other I/O space of the processor: x86 IN and OUT. `size` 1, 2 or 4. */
  ioRead(port: number, size: number): number;
  ioWrite(port: number, size: number, value: number): void;
  /** x86: FERR# is active. May be called again while it is. */
  numericError?(): void;
  /** Accept the pending interrupt: its vector (x86: from the 8259A). */
  acknowledgeInterrupt(): number;
  /**
   * Guest time as a straight line until it is changed between slices: baseNs + (count - baseCount) * rate / 1024 ns when
   * `count` instructions have retired. For time-stamp counters.
   */
  clockLine(): { readonly baseNs: number; readonly baseCount: number; readonly rate: number };
}

/** How the run loop goes on after the target's processor handled a `leave`. */
export type AfterLeave = 'continue' | 'halt' | 'shutdown';

/** A word of the shared memory that a snapshot holds and a hash covers. */
export interface StateField {
  readonly name: string;
  readonly address: number;
  readonly bytes: 4 | 8;
  /** Values that the processor can have; absent: all. Translated code and native parts rely on it. */
  readonly oneOf?: readonly number[];
}

/** The run loop's own part of a processor's state: each target's list of fields includes it. */
export const ENGINE_STATE: readonly StateField[] = [
  { name: 'deliveries', address: C_DELIVERIES, bytes: 4 },
  { name: 'delivered_at', address: C_DELIVERED_AT, bytes: 8 },
];

/** Native exports every target has (engine contract); the rest are its helpers. */
export interface TargetNative {
  /** Power-on or the reset line. Clears ENGINE_STATE too. */
  reset(): void;
  deliver_exception(): void;
  deliver_interrupt(vector: number): void;
}

/** The parts of a target that run in JavaScript at exits: rare system instructions and interrupts. */
export interface TargetCpu {
  clockLine(): ReturnType<CpuEnvironment['clockLine']>;
  leave(code: number, arg: number): AfterLeave;
  /** Called when C_INTR_REQUEST and C_INTR_ENABLED are both set, between instructions, unless `isShutdown`. Wakes from halt too. */
  interrupt(): void;
  /**
   * An instruction has completed that was stepped alone (it touched I/O, code, or a page that is watched). True if a
   * trap was delivered for it: it then goes on at C_PC.
   */
  stepped?(): boolean;
  /** `deliver_exception` was called: an output of the processor may have become active. */
  exceptionDelivered?(): void;
  /** It waits for an interrupt. */
  readonly isHalted: boolean;
  /** The processor is in shutdown (x86: after a triple fault). */
  readonly isShutdown: boolean;
  /** Program counter as the guest's manuals speak of it (x86: EIP), for logs. */
  readonly pcText: string;
}
