/** The engine's counters as text, for `info jit` and tools. The first lines are QEMU's. */
import {
  C_N_FILL,
  C_N_LOOKUP,
  C_N_SLOW,
  EXIT_BUDGET,
  EXIT_DEAD,
  EXIT_FAULT,
  EXIT_HOT,
  EXIT_INTR,
  EXIT_LEAVE,
  EXIT_LINK,
  EXIT_LOOKUP,
  EXIT_STALE,
} from '../cpu/ir/layout.ts';
import type { X86Processor } from './x86/processor.ts';

const EXITS: readonly (readonly [number, string])[] = [
  [EXIT_BUDGET, 'end of slice'],
  [EXIT_HOT, 'hot block'],
  [EXIT_LINK, 'new link'],
  [EXIT_LOOKUP, 'new block'],
  [EXIT_FAULT, 'fault or I/O'],
  [EXIT_LEAVE, 'system instruction'],
  [EXIT_DEAD, 'invalidated block'],
  [EXIT_INTR, 'interrupt'],
  [EXIT_STALE, 'remapped page'],
];

export function describeEngine({ engine, executed, compiledInstructions }: X86Processor): string {
  const { blocks, jit, vcpu, memory } = engine;
  const { translated, insns, killed, flushes } = blocks.counts;
  const rows: [string, string][] = [
    ['TB count', `${translated}`],
    ['TB avg target size', `${translated === 0 ? 0 : (insns / translated).toFixed(1)} instructions`],
    ['TB invalidate count', `${killed}`],
    ['TB flush count', `${flushes}`],
    ['bytecode', `${blocks.arenaBytes} bytes`],
  ];
  if (jit !== undefined) {
    const { regions, modules, dropped, bytes } = jit.counts;
    const part = executed === 0 ? 0 : (100 * compiledInstructions) / executed;
    rows.push(
      ['regions compiled', `${regions} in ${modules} modules, ${bytes} bytes`],
      ['regions dropped', `${dropped}`],
      ['compiled code ran', `${part.toFixed(1)}% of ${executed} instructions`],
    );
  }
  const counter = (word: number): string => `${memory.get(word) >>> 0}`;
  rows.push(
    ['slow accesses', counter(C_N_SLOW)],
    ['TLB fills', counter(C_N_FILL)],
    ['slow lookups', counter(C_N_LOOKUP)],
    ['exits', EXITS.map(([reason, name]) => `${name} ${vcpu.exits[reason]}`).join(', ')],
  );
  return `Translation buffer state:\n${rows.map(([name, value]) => `${name.padEnd(19)} ${value}\n`).join('')}`;
}
