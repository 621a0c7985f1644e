/** What two machines at the same instruction count differ in. */

import { readField, STATE_FIELDS } from '../../src/cpu/isa/x86/state.ts';
import { LAZY_FIELDS, type X86Processor } from '../../src/vm/x86/processor.ts';
import type { LockstepMachine } from './machine.ts';

export interface Difference {
  /** `eax`, `RAM at 0x1234`, `device i8254`. */
  readonly what: string;
  readonly left: string;
  readonly right: string;
}

const CHUNK = 1 << 16;
/** Places in RAM listed at most. */
const PLACES = 16;
const SHOWN_BYTES = 8;

const hex = (value: number | bigint): string => `0x${value.toString(16)}`;
const hexBytes = (bytes: Uint8Array): string => Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join(' ');

const eflags = ({ engine }: X86Processor): number =>
  (engine.native as unknown as { get_eflags(): number }).get_eflags();

/** Registers and all other state of the processor, by value: lazy flags as EFLAGS. */
function compareRegisters(left: X86Processor, right: X86Processor): Difference[] {
  const found: Difference[] = [];
  const views = [left, right].map(({ engine }) => new DataView(engine.memory.memory.buffer)) as [DataView, DataView];
  for (const field of STATE_FIELDS) {
    if (LAZY_FIELDS.has(field.name)) continue;
    const [a, b] = [readField(views[0], field), readField(views[1], field)];
    if (a !== b) found.push({ what: field.name, left: hex(a), right: hex(b) });
  }
  const [a, b] = [eflags(left) >>> 0, eflags(right) >>> 0];
  if (a !== b) found.push({ what: 'eflags', left: hex(a), right: hex(b) });
  return found;
}

/** Calls `found` with the start of each chunk that differs. */
export function differingChunks(left: Uint8Array, right: Uint8Array, found: (from: number, to: number) => void): void {
  const [a, b] = [left, right].map((m) => Buffer.from(m.buffer as ArrayBuffer, m.byteOffset, m.length)) as [
    Buffer,
    Buffer,
  ];
  for (let from = 0; from < a.length; from += CHUNK) {
    const to = Math.min(a.length, from + CHUNK);
    if (a.compare(b, from, to, from, to) !== 0) found(from, to);
  }
}

function compareRam(left: Uint8Array, right: Uint8Array): Difference[] {
  const found: Difference[] = [];
  differingChunks(left, right, (from, to) => {
    for (let at = from; at < to && found.length < PLACES; at++) {
      if (left[at] === right[at]) continue;
      const end = Math.min(to, at + SHOWN_BYTES);
      found.push({
        what: `RAM at ${hex(at)}`,
        left: hexBytes(left.subarray(at, end)),
        right: hexBytes(right.subarray(at, end)),
      });
      at = end - 1;
    }
  });
  return found;
}

/** Count, registers and RAM of two processors. */
export function compareProcessors(left: X86Processor, right: X86Processor): Difference[] {
  const counts =
    left.executed === right.executed
      ? []
      : [{ what: 'instructions', left: String(left.executed), right: String(right.executed) }];
  const ram = compareRam(left.engine.memory.backing, right.engine.memory.backing);
  return [...counts, ...compareRegisters(left, right), ...ram];
}

/** All that can be seen of two machines. */
export function compareMachines(left: LockstepMachine, right: LockstepMachine): Difference[] {
  const found: Difference[] = [];
  if (left.ended !== right.ended) {
    found.push({ what: 'its end', left: left.ended ?? 'it runs', right: right.ended ?? 'it runs' });
  }
  found.push(...compareProcessors(left.processor, right.processor));
  const others = new Map(right.devices());
  for (const [id, state] of left.devices()) {
    const other = others.get(id);
    if (other === undefined || Buffer.compare(state, other) !== 0) {
      found.push({ what: `device ${id}`, left: hexBytes(state), right: other === undefined ? '-' : hexBytes(other) });
    }
  }
  return found;
}
