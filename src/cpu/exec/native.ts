/** Instantiates the native modules of engine and target, which call one another. */
import type { FrontEnd, TargetNative } from '../isa/front-end.ts';
import { ModuleBuilder } from '../wasm/module.ts';
import { I32, I64 } from '../wasm/opcodes.ts';
import { wasmBytes as native32 } from './native32.gen.ts';
import { wasmBytes as native64 } from './native64.gen.ts';

/** Exports of exec/native (program counters are numbers on 32-bit targets, BigInts on 64-bit ones). */
export interface ExecNative {
  code_page(va: number | bigint): number;
  lookup(): number;
  block_hash(pc: number, mode: number, page: number): number;
  protect_page(host: number): void;
  tlb_flush(): void;
  ld(va: number | bigint, size: number): number;
}

/** What native code calls back for. */
export interface HostCalls {
  mmioRead(pa: number, size: number): number;
  mmioWrite(pa: number, size: number, value: number): void;
  codeWritten(host: number, size: number): void;
}

export type Functions = Readonly<Record<string, CallableFunction>>;

/** Makes the target's native part, given what the engine exports to it (engine contract). */
export type NativeModule = (memory: WebAssembly.Memory, exec: Functions) => Functions;

/** A native part compiled from AssemblyScript. */
export const wasmNative =
  (bytes: Uint8Array<ArrayBuffer>): NativeModule =>
  (memory, exec) =>
    new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory }, exec: exec as never })
      .exports as Functions;

/** Index in the shared table of the target's `walk`; regions follow. */
const WALK = 1;
export const FIRST_REGION = 2;

/** A module whose `walk` calls the table's entry: it breaks the circle between the two native modules. */
function walkThroughTable(memory: WebAssembly.Memory, table: WebAssembly.Table, va: number): CallableFunction {
  const m = new ModuleBuilder();
  const type = m.type([va, I32, I32], [I64]);
  const f = m.func([va, I32, I32], [I64], 'walk');
  m.body(f).code.get(0).get(1).get(2).i32(WALK).callIndirect(type);
  const instance = new WebAssembly.Instance(new WebAssembly.Module(m.build()), { env: { memory, table } });
  return (instance.exports as Functions).walk as CallableFunction;
}

export interface Natives {
  readonly exec: ExecNative;
  readonly target: TargetNative;
  /** Imports for generated modules: slow accesses, lookup, and every helper as `helper.<name>`. */
  readonly env: Record<string, unknown>;
}

export function instantiateNatives(
  memory: WebAssembly.Memory,
  table: WebAssembly.Table,
  frontEnd: FrontEnd,
  createTarget: NativeModule,
  host: HostCalls,
): Natives {
  const wide = frontEnd.va === 'i64';
  const walk = walkThroughTable(memory, table, wide ? I64 : I32);
  const exec = new WebAssembly.Instance(new WebAssembly.Module(wide ? native64() : native32()), {
    env: { memory },
    isa: { walk: walk as never, walk64: walk as never },
    host: host as never,
  }).exports as Functions;
  const target = createTarget(memory, exec);
  table.set(WALK, target.walk as never);
  const helpers = frontEnd.helpers.map((h) => {
    const f = target[h.name];
    if (f === undefined) throw new Error(`BUG: native module of ${frontEnd.name} has no export '${h.name}'`);
    return [`helper.${h.name}`, f] as const;
  });
  const env = {
    memory,
    table,
    ld: exec.ld,
    ld64: exec.ld64,
    st: exec.st,
    st64: exec.st64,
    lookup: exec.lookup,
    code_page: exec.code_page,
    ...Object.fromEntries(helpers),
  };
  return { exec: exec as unknown as ExecNative, target: target as unknown as TargetNative, env };
}
