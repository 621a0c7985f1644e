/**
 * guest.s in native QEMU and in our engine: both log every exception, interrupt and control transfer it provokes
 * (vector, error code, registers, stack frame, CR2), some 5,700 of them, and then shut down by a triple fault.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { createEngine, type EngineMode } from '../../src/cpu/exec/engine.ts';
import { wasmNative } from '../../src/cpu/exec/native.ts';
import { C_PC } from '../../src/cpu/ir/layout.ts';
import { X86Cpu, type X86Native } from '../../src/cpu/isa/x86/cpu.ts';
import { CPU_MODELS, type CpuModel, installModel } from '../../src/cpu/isa/x86/cpuid.ts';
import { createX86FrontEnd } from '../../src/cpu/isa/x86/front-end.ts';
import { BASES, CS, EBX, F_CR0, SEG_ATTR, SEG_LIMIT, SEG_SIZE, SEGS } from '../../src/cpu/isa/x86/layout.ts';
import { wasmBytes } from '../../src/cpu/isa/x86/native.gen.ts';

const MEMORY = 16 << 20;
const LOG_PORT = 0xe9;
const here = dirname(fileURLToPath(import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'lockstep-system-'));
const kernel = join(directory, 'guest.elf');

function build(): string | undefined {
  const object = join(directory, 'guest.o');
  if (spawnSync('as', ['--32', join(here, 'guest.s'), '-o', object]).status !== 0) return 'no binutils for i386';
  const linked = spawnSync('ld', ['-m', 'elf_i386', '-N', '-Ttext', '0x100000', object, '-o', kernel]);
  if (linked.status !== 0) return 'no linker for i386';
  return spawnSync('qemu-system-i386', ['-version']).status === 0 ? undefined : 'no qemu-system-i386';
}

function logOfQemu(): string[] {
  const log = join(directory, 'qemu.log');
  const args = `-M pc -accel tcg -cpu pentium2 -kernel ${kernel} -display none -debugcon file:${log} -no-reboot -serial none -monitor none`;
  const run = spawnSync('qemu-system-i386', args.split(' '), { timeout: 30_000 });
  if (run.status !== 0) throw new Error(`qemu-system-i386: status ${run.status}: ${run.stderr}`);
  return readFileSync(log, 'latin1').split('\n');
}

/** Loads the segments of an ELF file and returns its entry. */
function load(elf: Buffer, ram: Uint8Array): number {
  const headers = elf.readUInt32LE(28);
  for (let i = 0; i < elf.readUInt16LE(44); i++) {
    const header = headers + 32 * i;
    if (elf.readUInt32LE(header) !== 1) continue;
    const [offset, address, size] = [4, 12, 16].map((at) => elf.readUInt32LE(header + at)) as [number, number, number];
    ram.set(elf.subarray(offset, offset + size), address);
  }
  return elf.readUInt32LE(24);
}

function logOfOurs(mode: EngineMode): string[] {
  const engine = createEngine({
    frontEnd: createX86FrontEnd(),
    native: wasmNative(wasmBytes()),
    backingBytes: MEMORY,
    mode,
    jit: { heat: 5 },
    mmioRead: () => 0xffffffff,
    mmioWrite: () => {},
  });
  engine.memory.mapRam(0, MEMORY, 0, false);
  const view = new DataView(engine.memory.memory.buffer);
  installModel(view, CPU_MODELS.find((m) => m.name === 'pentium2') as CpuModel);
  const native = engine.native as X86Native;
  native.reset();
  const log: number[] = [];
  const cpu = new X86Cpu(engine.memory.i32, native, engine.exec as never, {
    ioRead: () => 0xffffffff,
    ioWrite: (port, _size, value) => {
      if (port === LOG_PORT) log.push(value & 0xff);
    },
    acknowledgeInterrupt: () => 0,
    clockLine: () => ({ baseNs: 0, baseCount: 0, rate: 1024 }),
  });
  engine.vcpu.cpu = cpu;
  // The state of the multiboot specification: flat segments, protected mode.
  const entry = load(readFileSync(kernel), engine.memory.backing);
  for (let segment = 0; segment < 6; segment++) {
    view.setUint32(SEGS + SEG_SIZE * segment + SEG_LIMIT, 0xffffffff, true);
    view.setUint32(SEGS + SEG_SIZE * segment + SEG_ATTR, segment === CS ? 0xc09b00 : 0xc09300, true);
    view.setUint32(BASES + 8 * segment, 0, true);
  }
  view.setUint32(F_CR0, 0x11, true);
  view.setUint32(EBX, 0x9500, true);
  view.setBigUint64(C_PC, BigInt(entry), true);
  native.update_mode();
  expect(engine.vcpu.run(100_000_000)).toBe('shutdown');
  return Buffer.from(log).toString('latin1').split('\n');
}

const missing = build();

describe.skipIf(missing !== undefined)(
  `system instructions against QEMU${missing ? ` (skipped: ${missing})` : ''}`,
  () => {
    const theirs = missing === undefined ? logOfQemu() : [];
    it.each(['interp', 'jit'] as const)(
      'the same log, event for event: %s',
      (mode) => {
        const ours = logOfOurs(mode);
        theirs.forEach((line, i) => {
          expect([i, ours[i]]).toEqual([i, line]);
        });
        expect(ours.length).toBe(theirs.length);
      },
      60_000,
    );
  },
);
