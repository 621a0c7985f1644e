/** A processor of ours with RAM and nothing else: flat protected mode as a multiboot loader leaves it. */
import { createEngine, type Engine, type EngineMode } from '../../src/cpu/exec/engine.ts';
import { wasmNative } from '../../src/cpu/exec/native.ts';
import { C_PC } from '../../src/cpu/ir/layout.ts';
import { X86Cpu, type X86Native } from '../../src/cpu/isa/x86/cpu.ts';
import { basicLeaves, CPU_MODELS, type CpuModel, installModel } from '../../src/cpu/isa/x86/cpuid.ts';
import { createX86FrontEnd } from '../../src/cpu/isa/x86/front-end.ts';
import { BASES, CS, F_CR0, SEG_ATTR, SEG_LIMIT, SEG_SELECTOR, SEG_SIZE, SEGS } from '../../src/cpu/isa/x86/layout.ts';
import { wasmBytes } from '../../src/cpu/isa/x86/native.gen.ts';
import type { Image } from './image.ts';
import { EXIT_PORT, IMAGE, RAM_BYTES } from './layout.ts';

export interface Machine {
  readonly engine: Engine;
  readonly native: X86Native;
  readonly view: DataView;
}

export interface MachineOptions {
  readonly mode: EngineMode;
  readonly ramBytes: number;
  readonly heat?: number;
  ioWrite?(port: number, size: number, value: number): void;
  mmioWrite?(): void;
}

export const PENTIUM2 = CPU_MODELS.find((m) => m.name === 'pentium2') as CpuModel;

/** Nothing at any port, nor at any address beyond RAM. */
export function createMachine(o: MachineOptions): Machine {
  const engine = createEngine({
    frontEnd: createX86FrontEnd(basicLeaves(PENTIUM2)[1]?.[3]),
    native: wasmNative(wasmBytes()),
    backingBytes: o.ramBytes,
    mode: o.mode,
    jit: { heat: o.heat ?? 2 },
    mmioRead: () => 0xffffffff,
    mmioWrite: () => o.mmioWrite?.(),
  });
  engine.memory.mapRam(0, o.ramBytes, 0, false);
  const view = new DataView(engine.memory.memory.buffer);
  installModel(view, PENTIUM2);
  const native = engine.native as X86Native;
  native.reset();
  engine.vcpu.cpu = new X86Cpu(engine.memory.i32, native, engine.exec as never, {
    // As QEMU reads ports without a device.
    ioRead: (port, size) => (port % size === 0 ? 0xffffffff : 0),
    ioWrite: (port, size, value) => o.ioWrite?.(port, size, value),
    acknowledgeInterrupt: () => 0,
    clockLine: () => ({ baseNs: 0, baseCount: 0, rate: 1024 }),
  });
  return { engine, native, view };
}

/** The state a multiboot loader leaves. */
export function enterFlatMode({ view, native }: Machine, entry: number): void {
  for (let segment = 0; segment < 6; segment++) {
    const at = SEGS + SEG_SIZE * segment;
    view.setUint32(at + SEG_LIMIT, 0xffffffff, true);
    view.setUint32(at + SEG_ATTR, segment === CS ? 0xc09b00 : 0xc09300, true);
    view.setUint32(BASES + 8 * segment, 0, true);
  }
  view.setUint32(F_CR0, 0x11, true);
  view.setBigUint64(C_PC, BigInt(entry), true);
  native.update_mode();
}

/** Real mode at 0000:ip, right after reset. */
export function enterRealMode({ view, native }: Machine, ip: number): void {
  view.setUint32(SEGS + SEG_SIZE * CS + SEG_SELECTOR, 0, true);
  view.setUint32(BASES + 8 * CS, 0, true);
  view.setBigUint64(C_PC, BigInt(ip), true);
  native.update_mode();
}

/** Instructions after which a test that has not ended never will. */
const MANY = 2_000_000_000;

/** Runs an image to its end. */
export function resultsOfOurs(image: Image, mode: EngineMode): Uint8Array {
  let exited = false;
  const machine = createMachine({
    mode,
    ramBytes: RAM_BYTES,
    ioWrite: (port) => {
      if (port !== EXIT_PORT) return;
      exited = true;
      machine.engine.vcpu.stop();
    },
  });
  const { engine } = machine;
  engine.memory.backing.set(image.bytes, IMAGE);
  enterFlatMode(machine, image.entry);
  const end = engine.vcpu.run(MANY);
  if (!exited)
    throw new Error(`the test machine ended with '${end}' ${engine.vcpu.shutdownReason} after ${engine.vcpu.executed}`);
  return engine.memory.backing.slice(image.results, image.results + image.resultBytes);
}
