/**
 * Random bytes as code, and random instructions without any care: interpreter and JIT end in the same state after the
 * same number of instructions, in one go or in slices, and nothing ever throws or hangs.
 */
import { expect, test } from 'vitest';
import type { EngineMode } from '../../src/cpu/exec/engine.ts';
import { C_PC } from '../../src/cpu/ir/layout.ts';
import { EAX, F_GDT_BASE, F_GDT_LIMIT, F_IDT_BASE, F_IDT_LIMIT } from '../../src/cpu/isa/x86/layout.ts';
import { readField, STATE_FIELDS } from '../../src/cpu/isa/x86/state.ts';
import { encode, FORMS } from './encode.ts';
import { createMachine, enterFlatMode, enterRealMode, type Machine } from './machine.ts';
import { MODES } from './modes.ts';
import { EFFORT, Random, SEED } from './random.ts';

const STRINGS = 10_000 * EFFORT;
const RAM = 0x10000;
const BUDGET = 60;
const IDT = 0x1000;
const HANDLER = 0x1800;
const STACK = 0x9000;
/** Lazy flags: they differ between engines that hold the same EFLAGS. */
const LAZY: ReadonlySet<string> = new Set(['cc_op', 'cc_dst', 'cc_src', 'df', 'eflags']);
const FIELDS = STATE_FIELDS.filter(({ name }) => !LAZY.has(name));

interface Start {
  readonly realMode: boolean;
  readonly at: number;
  readonly registers: readonly number[];
  readonly ram: Uint8Array;
}

/** RAM of random words, a table of gates for every exception in protected mode, a handler that skips a byte. */
function startOf(random: Random): Start {
  const ram = new Uint8Array(RAM);
  const view = new DataView(ram.buffer);
  const realMode = random.oneIn(3);
  for (let at = 0x8000; at < 0xa000; at += 4) view.setUint32(at, random.value(), true);
  for (let vector = 0; vector < 256; vector++) {
    if (realMode) view.setUint32(4 * vector, HANDLER, true);
    view.setUint32(IDT + 8 * vector, (0x08 << 16) | HANDLER, true);
    view.setUint32(IDT + 8 * vector + 4, 0x8e00, true);
  }
  // INC of the return address; IRET. Where there is an error code the frame is off: that is as good as any other code.
  ram.set([0xff, 0x04, 0x24, 0xcf], HANDLER);
  view.setUint32(0x908, 0x0000ffff, true);
  view.setUint32(0x90c, 0x00cf9b00, true);
  // Code that begins anywhere, also before the end of a page.
  const at = random.oneIn(4) ? 0x6ff0 + random.below(16) : 0x6000 + random.below(0xf00);
  ram.set(random.oneIn(2) ? randomBytes(random) : randomInstructions(random), at);
  const registers = Array.from({ length: 8 }, (_, r) =>
    r === 4 ? STACK : random.oneIn(2) ? 0x8000 + random.below(0x1000) : random.value(),
  );
  return { realMode, at, registers, ram };
}
const randomBytes = (random: Random): number[] =>
  Array.from({ length: 1 + random.below(100) }, () => random.below(256));
function randomInstructions(random: Random): number[] {
  const bytes: number[] = [];
  const mode = random.pick(MODES);
  while (bytes.length < 60) {
    const variant = random.oneIn(3) ? random.below(4) : 0;
    const options = {
      mode,
      random,
      variant,
      operandAddress: 0x8000 + random.below(0x1000),
      fixedRegister: () => 0,
      immediates: () => ({}),
    };
    bytes.push(...encode(random.pick(FORMS), options).bytes);
  }
  // A loop back to the start, so that the code becomes hot.
  bytes.push(0x4e, 0x75, (-bytes.length - 3) & 0xff);
  return bytes;
}

function prepare(machine: Machine, start: Start): void {
  const { engine, native, view } = machine;
  engine.memory.backing.set(start.ram);
  engine.ramWritten(0, RAM);
  native.reset();
  native.set_a20(1);
  if (!start.realMode) {
    enterFlatMode(machine, start.at);
    view.setUint32(F_IDT_BASE, IDT, true);
    view.setUint32(F_IDT_LIMIT, 0x7ff, true);
    view.setUint32(F_GDT_BASE, 0x900, true);
    view.setUint32(F_GDT_LIMIT, 0x3f, true);
  } else {
    enterRealMode(machine, start.at);
  }
  start.registers.forEach((value, r) => {
    view.setUint32(EAX + 8 * r, value >>> 0, true);
  });
  engine.vcpu.executed = 0;
}

/** State, in words, and memory. */
interface End {
  readonly state: string;
  readonly ram: Uint8Array;
}
function runString(machine: Machine, start: Start, slices: Random | undefined): End {
  prepare(machine, start);
  const { engine, native, view } = machine;
  const { vcpu } = engine;
  let end = 'budget';
  while (end === 'budget' && vcpu.executed < BUDGET) {
    const left = BUDGET - vcpu.executed;
    end = vcpu.run(slices ? Math.min(left, 1 + slices.below(slices.oneIn(4) ? 3 : 100)) : left);
  }
  const fields = FIELDS.map((field) => `${field.name}=${readField(view, field).toString(16)}`);
  const eflags = (native.get_eflags() >>> 0).toString(16);
  const pc = view.getUint32(C_PC, true).toString(16);
  const state = `${end} after ${vcpu.executed} at ${pc} eflags=${eflags} ${fields.join(' ')}`;
  return { state, ram: engine.memory.backing.slice(0, RAM) };
}

const machineOf = (mode: EngineMode): Machine => createMachine({ mode, ramBytes: RAM, heat: 2 });

function describeDifference(start: Start, want: End, got: End): string {
  const words = want.state.split(' ');
  const others = got.state.split(' ');
  const found = words.flatMap((word, i) => (word === others[i] ? [] : [`${others[i]}, not ${word}`]));
  const at = want.ram.findIndex((byte, i) => byte !== got.ram[i]);
  if (at >= 0) found.push(`byte ${at.toString(16)} is ${got.ram[at]}, not ${want.ram[at]}`);
  const code = Buffer.from(start.ram.subarray(start.at, start.at + 110)).toString('hex');
  return `${found.join('; ')}\n  ${start.realMode ? 'real' : 'protected'} mode, code at ${start.at.toString(16)}: ${code}`;
}

test(`${STRINGS} random strings of code end alike in interpreter and JIT, whole and in slices`, () => {
  const random = new Random(SEED);
  const interpreter = machineOf('interp');
  const jit = machineOf('jit');
  const problems: string[] = [];
  for (let i = 0; i < STRINGS && problems.length < 5; i++) {
    const start = startOf(random);
    const want = runString(interpreter, start, undefined);
    const compare = (name: string, got: End): void => {
      if (want.state === got.state && Buffer.compare(want.ram, got.ram) === 0) return;
      problems.push(`string ${i} of seed ${SEED}, ${name}: ${describeDifference(start, want, got)}`);
    };
    if (i % 2 === 0) compare('JIT', runString(jit, start, undefined));
    else compare('JIT in slices', runString(jit, start, random));
    if (i % 8 === 0) compare('interpreter in slices', runString(interpreter, start, random));
  }
  expect(problems.join('\n')).toBe('');
  expect(jit.engine.jit?.counts.modules).toBeGreaterThan(100);
}, 600_000);
