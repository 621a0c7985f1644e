/** `-d mmu`: control registers and address line 20 in QEMU's words; fills and flushes of the soft TLB. */
import type { Functions, NativeModule } from '../../cpu/exec/native.ts';
import { F_CR0, F_CR3, F_CR4 } from '../../cpu/isa/x86/layout.ts';
import { ModuleBuilder } from '../../cpu/wasm/module.ts';
import { I32, I64 } from '../../cpu/wasm/opcodes.ts';
import type { Logger } from '../logging.ts';
import type { X86State } from './register-dump.ts';

const hex = (value: number, digits = 8): string => (value >>> 0).toString(16).padStart(digits, '0');
const ACCESSES = ['load', 'store', 'fetch'];
const NO_PAGE = -1n;

type Walk = (va: number, access: number, mmu: number) => bigint;

/** The engine calls `walk` through a function table, which takes nothing but wasm functions. */
function asWasm(memory: WebAssembly.Memory, walk: Walk): CallableFunction {
  const m = new ModuleBuilder();
  const imported = m.import('walk', [I32, I32, I32], [I64]);
  const f = m.func([I32, I32, I32], [I64], 'walk');
  m.body(f).code.get(0).get(1).get(2).call(imported);
  const table = new WebAssembly.Table({ element: 'anyfunc', initial: 1 });
  const instance = new WebAssembly.Instance(new WebAssembly.Module(m.build()), { env: { memory, table, walk } });
  return instance.exports.walk as CallableFunction;
}

/** Stands between the native parts of engine and processor. */
export function traceMmu(native: NativeModule, { read32 }: X86State, logger: Logger): NativeModule {
  if (!logger.isOn('mmu')) return native;
  const log = (text: string): void => logger.write('mmu', `${text}\n`);
  const registers = (): readonly (readonly [string, number])[] => [
    ['CR0 update: CR0=0x', read32(F_CR0)],
    ['CR3 update: CR3=', read32(F_CR3)],
    ['CR4 update: CR4=', read32(F_CR4)],
  ];
  return (memory, exec) => {
    const { tlb_flush, tlb_flush_local, tlb_flush_page } = exec as Readonly<
      Record<string, (...args: number[]) => unknown>
    >;
    const functions = native(memory, {
      ...exec,
      tlb_flush() {
        log('tlb_flush: all');
        tlb_flush?.();
      },
      tlb_flush_local() {
        log('tlb_flush: all but global');
        tlb_flush_local?.();
      },
      tlb_flush_page(va: number) {
        log(`tlb_flush_page: vaddr=${hex(va)}`);
        tlb_flush_page?.(va);
      },
    });
    const { mov_to_cr, set_a20, walk } = functions as Functions & { readonly walk: Walk };
    return {
      ...functions,
      walk: asWasm(memory, (va, access, mmu) => {
        const found = walk(va, access, mmu);
        const page = found === NO_PAGE ? 'fault' : `paddr=${(found & ~0xfffn).toString(16).padStart(8, '0')}`;
        log(`tlb_fill: vaddr=${hex(va)} ${page} ${ACCESSES[access]} mmu_idx=${mmu}`);
        return found;
      }),
      mov_to_cr(number: number, value: number) {
        const before = registers();
        mov_to_cr?.(number, value);
        registers().forEach(([text, now], i) => {
          if (now !== before[i]?.[1] || (number === 3 && i === 1)) log(`${text}${hex(now)}`);
        });
      },
      set_a20(open: number) {
        log(`A20 update: a20=${open}`);
        set_a20?.(open);
      },
    };
  };
}
