/** What `-d in_asm,op,op_opt,out_asm,int,exec,cpu` prints of the i386 processor, in QEMU's form. */
import { instructionLines } from '../../control/hmp/memory-dump.ts';
import type { Engine } from '../../cpu/exec/engine.ts';
import { HEAD } from '../../cpu/exec/interp/context.ts';
import type { Functions } from '../../cpu/exec/native.ts';
import type { IrBlock } from '../../cpu/ir/block.ts';
import { C_BUDGET, C_FAULT_ADDR, C_FAULT_CODE, C_FAULT_ERR, C_PC, C_TAG } from '../../cpu/ir/layout.ts';
import { optimise } from '../../cpu/ir/passes/optimise.ts';
import { printBlock } from '../../cpu/ir/print.ts';
import type { FetchByte, FrontEnd } from '../../cpu/isa/front-end.ts';
import {
  CR0_NE,
  CR0_PE,
  CS,
  CS_BASE,
  EAX,
  ESP,
  F_CPL,
  F_CR0,
  F_CR2,
  SEG_SELECTOR,
  SEG_SIZE,
  SEGS,
  SS,
  V_MF,
  V_NMI,
  V_PF,
  V_STORE_STOPPED,
} from '../../cpu/isa/x86/layout.ts';
import { disassembleModule } from '../../cpu/wasm/disassemble.ts';
import type { Logger } from '../logging.ts';
import { dumpFpuRegisters, dumpIntegerRegisters, instructionPointer, type X86State } from './register-dump.ts';

const MODE_BITS = 0xfffff;
const RULE = '-'.repeat(16);

const hex = (value: number, digits: number): string => (value >>> 0).toString(16).padStart(digits, '0');

/** `-d in_asm,op,op_opt`: each block as it is translated. The passes run later, when it is compiled. */
export function traceTranslation({ blocks }: Engine, frontEnd: FrontEnd, logger: Logger): void {
  if (!['in_asm', 'op', 'op_opt'].some((item) => logger.isOn(item))) return;
  blocks.onTranslate = (block) => {
    if (logger.isOn('in_asm')) logger.write('in_asm', `${RULE}\nIN: \n${assembly(frontEnd, block, blocks.fetch)}\n`);
    if (logger.isOn('op')) logger.write('op', `OP:\n${printBlock(frontEnd, block)}\n`);
    if (!logger.isOn('op_opt')) return;
    const optimised = block.copy();
    optimise(optimised, frontEnd);
    logger.write('op_opt', `OP after optimization:\n${printBlock(frontEnd, optimised)}\n`);
  };
}

function assembly(frontEnd: FrontEnd, block: IrBlock, fetch: FetchByte): string {
  let text = '';
  for (let insn = 0; insn < block.insns; insn++) {
    const offset = block.insnOffset[insn] ?? 0;
    const end = insn + 1 < block.insns ? (block.insnOffset[insn + 1] ?? 0) : block.bytes;
    const at = (block.pcLo + offset) >>> 0;
    const bytes = Uint8Array.from({ length: Math.max(0, end - offset) }, (_, i) => fetch((at + i) >>> 0, block.pcHi));
    text += instructionLines(BigInt(at), bytes, frontEnd.disassemble(at, block.pcHi, block.mode, fetch).text);
  }
  return text;
}

/** `-d out_asm`: each compiled module, and which blocks it holds. */
export function traceCompilation({ jit }: Engine, logger: Logger): void {
  if (jit === undefined || !logger.isOn('out_asm')) return;
  jit.onCompile = (module, blocks) => {
    const addresses = blocks.map(({ pcLo }) => `0x${hex(pcLo, 8)}`).join(' ');
    logger.write('out_asm', `OUT: [size=${module.length}] ${addresses}\n${disassembleModule(module)}\n`);
  };
}

/** `-d int`: interrupts and exceptions of protected mode, with the registers before them. */
export function traceInterrupts(functions: Functions, state: X86State, logger: Logger): Functions {
  if (!logger.isOn('int')) return functions;
  const { read32 } = state;
  const selector = (segment: number): string => hex(read32(SEGS + SEG_SIZE * segment + SEG_SELECTOR) & 0xffff, 4);
  let count = 0;
  const log = (vector: number, errorCode: number, isInt: boolean): void => {
    const cr0 = read32(F_CR0);
    // Two are none of the processor's exceptions: V_STORE_STOPPED, and numeric errors that FERR# reports.
    if ((cr0 & CR0_PE) === 0 || vector === V_STORE_STOPPED || (vector === V_MF && !(cr0 & CR0_NE))) return;
    const eip = instructionPointer(state);
    // The delivery will write CR2; QEMU's is written by then.
    const cr2 = vector === V_PF && !isInt ? C_FAULT_ADDR : F_CR2;
    const shown = { ...state, read32: (address: number) => read32(address === F_CR2 ? cr2 : address) };
    const about = vector === V_PF ? `CR2=${hex(read32(cr2), 8)}` : `env->regs[R_EAX]=${hex(read32(EAX), 8)}`;
    logger.write(
      'int',
      `${String(count++).padStart(6)}: v=${hex(vector, 2)} e=${hex(errorCode, 4)} i=${isInt ? 1 : 0} cpl=${read32(F_CPL)} ` +
        `IP=${selector(CS)}:${hex(eip, 8)} pc=${hex(read32(C_PC), 8)} SP=${selector(SS)}:${hex(read32(ESP), 8)} ${about}\n` +
        dumpIntegerRegisters(shown),
    );
  };
  const { deliver_exception, deliver_interrupt, int_n } = functions as Readonly<
    Record<string, (...args: number[]) => unknown>
  >;
  return {
    ...functions,
    deliver_exception() {
      logger.write('int', `check_exception old: 0xffffffff new 0x${read32(C_FAULT_CODE).toString(16)}\n`);
      log(read32(C_FAULT_CODE), read32(C_FAULT_ERR), false);
      deliver_exception?.();
    },
    deliver_interrupt(vector: number) {
      if (vector !== V_NMI) logger.write('int', `Servicing hardware INT=0x${hex(vector, 2)}\n`);
      log(vector, 0, false);
      deliver_interrupt?.(vector);
    },
    int_n(vector: number, ...rest: number[]) {
      log(vector, 0, true);
      int_n?.(vector, ...rest);
    },
  };
}

/** `-d exec` and `-d cpu` want every block: then each is a slice of its own. */
export const tracesExecution = (logger: Logger): boolean => logger.isOn('exec') || logger.isOn('cpu');

/** `-d exec,cpu`: before each block, where the processor is (CS base, linear address, mode), and its registers. */
export function traceExecution({ vcpu, memory }: Engine, state: X86State, logger: Logger): void {
  if (!tracesExecution(logger)) return;
  const { read32 } = state;
  const { enter } = vcpu;
  let last = '';
  vcpu.enter = (code) => {
    const insns = memory.u16[(code + HEAD.insns) >> 1] ?? 0;
    const place = `${hex(read32(CS_BASE), 8)}/${hex(read32(C_PC), 8)}/${hex(read32(C_TAG) & MODE_BITS, 8)}`;
    const entry = `${vcpu.executed} ${place}`;
    // Not twice when the block comes back at once (to be compiled, say), nor when it is cut to what the slice has left.
    if (entry !== last && insns <= memory.get(C_BUDGET)) {
      last = entry;
      if (logger.isOn('exec')) logger.write('exec', `Trace 0: 0x${hex(code, 8)} [${place}]\n`);
      logger.write('cpu', dumpIntegerRegisters(state) + (logger.isOn('fpu') ? dumpFpuRegisters(state) : ''));
    }
    vcpu.cut(insns);
    enter(code);
  };
}
