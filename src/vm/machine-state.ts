/** A machine that stands still, written to a migration stream and filled from one. */
import { STATE_FIELDS } from '../cpu/isa/x86/state.ts';
import type { VirtualClock } from '../hw/core/clock.ts';
import type { Device } from '../hw/core/device.ts';
import { type ByteReader, ByteWriter } from '../hw/core/state-bytes.ts';
import type { Machine } from '../hw/machines/machine.ts';
import type { FieldDescription, RamBlock } from '../state/format.ts';
import { readState, type StateTaker } from '../state/read-stream.ts';
import { writeState } from '../state/write-stream.ts';
import { type GuestTime, MAX_RATE, MIN_RATE } from './guest-time.ts';
import type { X86Processor } from './x86/processor.ts';

export interface StateHolders {
  readonly machine: Machine;
  readonly processor: X86Processor;
  readonly clock: VirtualClock;
  readonly time: GuestTime;
}

const TIMER_ID = 'timer';
const CPU_ID = 'cpu';
const STATE_VERSION = 1;

const TIMER_FIELDS = ['executed', 'now', 'base_ns', 'base_count', 'rate'] as const;

/** The machine as one stream. Nothing may run meanwhile. */
export function saveMachine(holders: StateHolders): Uint8Array {
  const { machine } = holders;
  const pieces: Uint8Array[] = [];
  let length = 0;
  writeState(
    {
      machine: machine.board.name,
      ram: ramOf(holders),
      owners: [timerSection(holders), cpuSection(holders), ...machine.devices],
    },
    (piece) => {
      pieces.push(piece);
      length += piece.length;
    },
  );
  const stream = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    stream.set(piece, at);
    at += piece.length;
  }
  return stream;
}

/**
 * Fills the machine from a stream that `name` stands for in messages. Throws a VmError, and leaves the machine as it was,
 * if the stream is damaged or of another machine.
 */
export function loadMachine(holders: StateHolders, stream: Uint8Array, name: string): void {
  const { machine, processor } = holders;
  const state = readState(
    stream,
    {
      machine: machine.board.name,
      ram: ramOf(holders),
      owners: [timerTaker(holders), cpuTaker(holders), ...machine.devices.map(deviceTaker)],
    },
    name,
  );
  machine.refill(() => state.apply());
  processor.engine.vcpu.setInterruptRequest(machine.cpuIrq.level);
}

function ramOf({ machine, processor }: StateHolders): RamBlock[] {
  const { backing } = processor.engine.memory;
  return machine.memoryBlocks.map(({ name, offset, bytes }) => ({
    name,
    bytes: backing.subarray(offset, offset + bytes),
  }));
}

const deviceTaker = (device: Device): StateTaker => ({
  id: device.id,
  stateVersion: device.stateVersion,
  decode: (reader) => device.decode(reader),
});

const timerValues = ({ processor, clock, time }: StateHolders): number[] => [
  processor.executed,
  clock.now(),
  time.line.baseNs,
  time.line.baseCount,
  time.line.rate,
];

function timerSection(holders: StateHolders) {
  return {
    id: TIMER_ID,
    stateName: TIMER_ID,
    stateVersion: STATE_VERSION,
    save(): Uint8Array {
      const out = new ByteWriter();
      for (const value of timerValues(holders)) out.i64(value);
      return out.finish();
    },
    describe: (): FieldDescription[] => TIMER_FIELDS.map((name) => ({ name, type: 'int64', size: 8 })),
  };
}

function timerTaker({ processor, clock, time }: StateHolders): StateTaker {
  return {
    id: TIMER_ID,
    stateVersion: STATE_VERSION,
    decode(reader) {
      const value = (name: (typeof TIMER_FIELDS)[number], min: number, max = Number.MAX_SAFE_INTEGER): number =>
        reader.within(`.${name}`, () => {
          const read = reader.i64();
          return read >= min && read <= max ? read : reader.fail(`${read} is out of range`);
        });
      const executed = value('executed', 0);
      const now = value('now', 0);
      const baseNs = value('base_ns', 0);
      const baseCount = value('base_count', 0, executed);
      const rate = value('rate', MIN_RATE, MAX_RATE);
      return () => {
        processor.engine.vcpu.executed = executed;
        time.restore({ baseNs, baseCount, rate });
        clock.restore(now);
      };
    },
  };
}

function cpuSection({ processor }: StateHolders) {
  return {
    id: CPU_ID,
    stateName: CPU_ID,
    stateVersion: STATE_VERSION,
    save(): Uint8Array {
      const out = new ByteWriter();
      for (const { field, value } of processor.savedState()) {
        if (field.bytes === 8) out.u64(BigInt(value));
        else out.u32(Number(value));
      }
      return out.finish();
    },
    describe: (): FieldDescription[] =>
      STATE_FIELDS.map(({ name, bytes }) => ({ name, type: bytes === 8 ? 'uint64' : 'uint32', size: bytes })),
  };
}

function cpuTaker({ processor }: StateHolders): StateTaker {
  return {
    id: CPU_ID,
    stateVersion: STATE_VERSION,
    decode(reader: ByteReader) {
      const values = STATE_FIELDS.map(({ name, bytes, oneOf }) =>
        reader.within(`.${name}`, () => {
          if (bytes === 8) return reader.u64();
          const value = reader.u32();
          return oneOf === undefined || oneOf.includes(value) ? value : reader.fail(`${value} is not possible`);
        }),
      );
      return () => processor.restoreState(values);
    },
  };
}
