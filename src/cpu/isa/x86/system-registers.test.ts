import { spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { C_FAULT_ADDR, C_PC } from '../../ir/layout.ts';
import { basicLeaves, CPU_MODELS } from './cpuid.ts';
import { FPU_CONTROL, FPU_IP, FPU_OPCODE, FPU_REGS, FPU_STATUS, FPU_TOP } from './fpu-layout.ts';
import { SYSTEM_HELPERS } from './helpers.ts';
import { EAX, EBX, ECX, EDX, F_CR0, F_CR3, F_EFLAGS, IF, IOPL, NT, TF } from './layout.ts';
import { readField, STATE_FIELDS, writeField } from './state.ts';
import { compileNative, Machine, protectedMachine } from './system-machine.fixture.ts';

const module = compileNative();

function cpuid(m: Machine, leaf: number): number[] {
  m.set(EAX, leaf);
  m.set(ECX, 0);
  m.call('cpuid');
  return [EAX, EBX, ECX, EDX].map((r) => m.get(r));
}

const LEAVES = [0, 1, 2, 3, 4, 5, 0x40000000, 0x40000001, 0x80000000, 0x80000001, 0x80000002, 0x80000004, 0x80000005];
/** A multiboot kernel that writes EAX, EBX, ECX, EDX of each leaf to port E9H, little-endian, and exits. */
const CPUID_PROGRAM = `.code32
  .long 0x1BADB002, 0, -0x1BADB002
  .globl _start
_start: mov $0x200000, %esp; mov $list, %esi
1: lodsl; cmp $-1, %eax; je 9f
  xor %ecx, %ecx; cpuid
  push %edx; push %ecx; push %ebx; push %eax
  mov $16, %ecx
2: mov (%esp), %al; outb %al, $0xe9; inc %esp; loop 2b
  jmp 1b
9: xor %eax, %eax; outb %al, $0xf4; hlt
list: .long ${LEAVES.join(', ')}, -1`;

function cpuidInQemu(model: string): number[][] | undefined {
  const directory = mkdtempSync(join(tmpdir(), 'lockstep-cpuid-'));
  const [source, object, kernel] = ['cpuid.s', 'cpuid.o', 'cpuid.elf'].map((f) => join(directory, f)) as [
    string,
    string,
    string,
  ];
  writeFileSync(source, `${CPUID_PROGRAM}\n`);
  if (spawnSync('as', ['--32', source, '-o', object]).status !== 0) return undefined;
  if (spawnSync('ld', ['-m', 'elf_i386', '-Ttext', '0x100000', object, '-o', kernel]).status !== 0) return undefined;
  const args = `-M pc -accel tcg -cpu ${model} -kernel ${kernel} -display none -debugcon stdio -serial none -monitor none -device isa-debug-exit,iobase=0xf4`;
  const run = spawnSync('qemu-system-i386', args.split(' '), { timeout: 20_000 });
  if (run.status !== 1) return undefined;
  const words = new DataView(run.stdout.buffer, run.stdout.byteOffset, run.stdout.length);
  return LEAVES.map((_, i) => [0, 4, 8, 12].map((o) => words.getUint32(16 * i + o, true)));
}

describe('CPUID', () => {
  it.each(CPU_MODELS.map((model) => [model.name, model] as const))(
    "of %s is QEMU's but for what is missing here",
    (name, model) => {
      const theirs = cpuidInQemu(name);
      if (!theirs) return; // no QEMU or binutils here
      const m = new Machine(module, name);
      LEAVES.forEach((leaf, i) => {
        // Leaf 1, and wherever a leaf beyond the end answers with it: the features that are not there are masked.
        const raw = model.basic[1] as readonly number[];
        const masked = (basicLeaves(model)[1] as readonly number[]).map((x) => x >>> 0);
        const reference = (theirs[i] as number[]).every((x, k) => x === (raw[k] as number) >>> 0) ? masked : theirs[i];
        expect([leaf, cpuid(m, leaf)]).toEqual([leaf, reference]);
      });
    },
  );
  it('never shows a feature that is missing', () => {
    for (const { name } of CPU_MODELS) {
      const [, , c = 0, d = 0] = cpuid(new Machine(module, name), 1);
      expect([name, d & 0x06095200, c & 1]).toEqual([name, 0, 0]);
    }
  });
});

describe('reset', () => {
  it('gives the power-on state, with the signature in EDX', () => {
    const m = protectedMachine(module, 3);
    m.call('reset');
    expect([m.get(C_PC), m.eip, m.selector(1), m.get(EDX), m.get(F_CR0), m.eflags]).toEqual([
      0xfffffff0, 0xfff0, 0xf000, 0x652, 0x60000010, 2,
    ]);
    expect(m.mode).toBe(0x31c00);
  });
  it('leaves the same state whatever was before', () => {
    const fresh = new Machine(module);
    const used = new Machine(module);
    for (const field of STATE_FIELDS) writeField(used.view, field, field.bytes === 8 ? 0x1234567890n : 0x12345678);
    used.call('reset');
    for (const field of STATE_FIELDS) {
      expect([field.name, readField(used.view, field)]).toEqual([field.name, readField(fresh.view, field)]);
    }
  });
});

describe('the helper table', () => {
  it('names exports that exist', () => {
    const names = WebAssembly.Module.exports(module).map((e) => e.name);
    expect(SYSTEM_HELPERS.map((h) => h.name).filter((name) => !names.includes(name))).toEqual([]);
  });
});

describe('RDMSR and WRMSR', () => {
  const access = (m: Machine, name: 'rdmsr' | 'wrmsr', number: number) => {
    m.set(ECX, number);
    m.call(name);
    return m.fault();
  };
  it('know the registers of the model, #GP(0) for others', () => {
    const m = new Machine(module);
    m.set(EAX, 0x10);
    expect(access(m, 'wrmsr', 0x174)).toBeUndefined();
    m.set(EAX, 0);
    expect([access(m, 'rdmsr', 0x174), m.get(EAX), m.get(EDX)]).toEqual([undefined, 0x10, 0]);
    const gp = { vector: 13, error: 0 };
    expect([access(m, 'rdmsr', 0x1a0), access(m, 'wrmsr', 0xc0000080)]).toEqual([gp, gp]);
    expect(access(new Machine(module, 'pentium'), 'wrmsr', 0x174)).toEqual(gp);
  });
});

describe('POPF', () => {
  it.each([
    [0, 0, TF | IF | IOPL | NT],
    [3, 0, TF | NT],
    [3, 0x3000, TF | IF | NT],
  ] as const)('at level %i with IOPL %i changes %i', (level, iopl, changed) => {
    const m = protectedMachine(module, level);
    m.set(F_EFLAGS, 2 | iopl);
    m.call('popf', 0x7fff ^ iopl, 4);
    expect((m.get(F_EFLAGS) ^ (2 | iopl)) & 0x7fff).toBe(changed);
  });
  it('of a word leaves the upper half', () => {
    const m = protectedMachine(module, 0);
    m.set(F_EFLAGS, 0x200002);
    m.call('popf', 0, 2);
    expect(m.get(F_EFLAGS)).toBe(0x200002);
  });
});

describe('x87 images', () => {
  const AT = 0x100000;
  function loaded(): Machine {
    const m = protectedMachine(module);
    m.call('fldcw', 0x27f);
    m.call('set_tag_byte', 0b11000001);
    m.set(FPU_TOP, 6);
    m.set(FPU_STATUS, 0x4100);
    m.set(FPU_IP, 0x12345678);
    m.set(FPU_OPCODE, 0x7a5);
    for (let i = 0; i < 8; i++) {
      m.view.setBigUint64(FPU_REGS + 16 * i, 0x8000000000000000n + BigInt(i), true);
      m.view.setUint16(FPU_REGS + 16 * i + 8, 0x4000 + i, true);
    }
    return m;
  }
  it('FNSAVE writes 108 bytes in stack order and initialises; FRSTOR restores', () => {
    const m = loaded();
    m.call('fnsave', AT, 4);
    expect([m.read(AT, 2), m.read(AT + 4, 2), m.read(AT + 8, 2), m.read(AT + 12)]).toEqual([
      0x27f, 0x7100, 0x0ffc, 0x12345678,
    ]);
    expect([m.read(AT + 16), m.read(AT + 28), m.read(AT + 36, 2), m.read(AT + 48)]).toEqual([0x7a50000, 6, 0x4006, 0]);
    expect([m.get(FPU_CONTROL), m.get(FPU_TOP), m.int('tag_word')]).toEqual([0x37f, 0, 0xffff]);
    const image = m.ram(AT, 108).slice();
    m.call('frstor', AT, 4);
    m.call('fnsave', AT + 0x1000, 4);
    expect(m.ram(AT + 0x1000, 108)).toEqual(image);
  });
  it('FNSTENV masks exceptions after storing; FLDENV takes the environment back', () => {
    const m = loaded();
    m.call('fldcw', 0x340);
    m.call('fnstenv', AT, 2);
    expect([m.read(AT, 2), m.read(AT + 2, 2), m.read(AT + 6, 2)]).toEqual([0x340, 0x7100, 0x5678]);
    expect(m.get(FPU_CONTROL)).toBe(0x37f);
    m.call('fldenv', AT, 2);
    expect([m.get(FPU_CONTROL), m.get(FPU_TOP)]).toEqual([0x340, 6]);
  });
  it('FXSAVE uses 16 bytes a register and a tag byte; it must be aligned', () => {
    const m = loaded();
    m.call('fxsave', AT);
    expect([m.read(AT + 4, 1), m.read(AT + 6, 2), m.read(AT + 8), m.read(AT + 32), m.read(AT + 40)]).toEqual([
      0b11000001, 0x7a5, 0x12345678, 6, 0x4006,
    ]);
    m.call('fninit');
    m.call('fxrstor', AT);
    expect([m.get(FPU_CONTROL), m.int('fnstsw'), m.int('tag_byte')]).toEqual([0x27f, 0x7100, 0b11000001]);
    m.call('fxsave', AT + 8);
    expect(m.fault()).toEqual({ vector: 13, error: 0 });
  });
  it('FRSTOR from an image that runs into an absent page changes nothing', () => {
    const m = loaded();
    m.write(0x20000, 0x21003);
    for (let p = 0; p < 1024; p++) m.write(0x21000 + 4 * p, (p << 12) | (p === 0x101 ? 0 : 3));
    m.set(F_CR3, 0x20000);
    m.set(F_CR0, 0x80000011);
    m.call('frstor', AT + 0xfd0, 4);
    expect([m.get(C_FAULT_ADDR), m.fault()]).toEqual([AT + 0x1000, { vector: 14, error: 0 }]);
    expect([m.get(FPU_CONTROL), m.get(FPU_TOP)]).toEqual([0x27f, 6]);
  });
});
