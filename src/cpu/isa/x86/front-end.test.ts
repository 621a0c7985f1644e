/** The translator: what must hold for any bytes in any mode, and the IR of chosen instructions. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IrBlock, MAX_INSNS, TEMPS_PER_INSN } from '../../ir/block.ts';
import { TEMP0 } from '../../ir/layout.ts';
import { printBlock } from '../../ir/print.ts';
import { verifyBlock } from '../../ir/verify.ts';
import { createX86FrontEnd } from './front-end.ts';
import { INSTRUCTIONS } from './insn/index.ts';
import { opcodeTable, x86 } from './instruction.ts';
import {
  M_CODE_BREAKPOINTS,
  M_CPL,
  M_CS_BASE,
  M_CS32,
  M_DS_BASE0,
  M_ES_BASE0,
  M_FLAT,
  M_FS_FLAT,
  M_GS_FLAT,
  M_INHIBIT,
  M_IOPL_OK,
  M_PE,
  M_SS_BASE0,
  M_SS32,
  M_TF,
} from './mode.ts';

const frontEnd = createX86FrontEnd();
const FLAT = M_CS32 | M_SS32 | M_PE | M_DS_BASE0 | M_ES_BASE0 | M_SS_BASE0 | M_FLAT | M_FS_FLAT | M_GS_FLAT | M_IOPL_OK;
const REAL = M_CS_BASE | M_IOPL_OK;
const PC = 0x10000;

/** Translates bytes at `pc`; nothing can be fetched after them. */
function translate(bytes: ArrayLike<number>, mode = FLAT, pc = PC, maxInsns = MAX_INSNS): IrBlock {
  const block = new IrBlock();
  block.reset(pc, 0, mode, mode & M_CS_BASE ? 0x8000 : 0);
  frontEnd.translate(block, (at) => bytes[at - pc] ?? -1, maxInsns);
  return block;
}
/** The ops of a block, without its head and the lines that begin instructions. */
const ops = (code: string, mode = FLAT): string[] => {
  const bytes = code.split(' ').map((b) => Number.parseInt(b, 16));
  return printBlock(frontEnd, translate(bytes, mode))
    .split('\n')
    .filter((l) => l.startsWith('  '))
    .map((l) => l.trim());
};

const anyMode = fc.oneof(fc.constantFrom(FLAT, FLAT | M_CPL, REAL), fc.integer({ min: 0, max: 0xfffff }));
/** Random bytes, often with prefixes and the two-byte map. */
const anyCode = fc
  .array(
    fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(0x0f, 0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x2e, 0x64, 0xd9)),
    { minLength: 1, maxLength: 64 },
  )
  .map((a) => Uint8Array.from(a));

describe('any bytes in any mode', () => {
  it('make a valid, ended block of whole instructions within one page', () => {
    fc.assert(
      fc.property(anyCode, anyMode, fc.integer({ min: 0, max: 40 }), (code, mode, before) => {
        const pc = PC + 0x1000 - before;
        const block = translate(code, mode, pc, 1 + ((code[0] as number) % MAX_INSNS));
        if (block.insns === 0) return block.bytes === 0;
        expect(verifyBlock(frontEnd, block)).toEqual([]);
        expect(block.ended).toBe(true);
        const last = pc + (block.insnOffset[block.insns - 1] as number);
        // Only an instruction alone in its block may straddle the page's end.
        if (block.insns > 1) expect((pc + block.bytes - 1) >>> 12).toBe(pc >>> 12);
        expect(last >>> 12).toBe(pc >>> 12);
        expect(block.bytes).toBeGreaterThan(0);
        return true;
      }),
      { numRuns: 3000 },
    );
  });

  it('are read at most 15 at a time, one instruction after the other', () => {
    fc.assert(
      fc.property(anyCode, anyMode, (code, mode) => {
        const block = new IrBlock();
        block.reset(PC, 0, mode, mode & M_CS_BASE ? 0x8000 : 0);
        let furthest = -1;
        frontEnd.translate(block, (at) => code[(furthest = Math.max(furthest, at - PC))] ?? -1, 1);
        return furthest < 15;
      }),
      { numRuns: 2000 },
    );
  });

  it('need no more temporaries an instruction than blocks keep free for it', () => {
    fc.assert(
      fc.property(anyCode, anyMode, (code, mode) => {
        return translate(code, mode & ~(M_TF | M_INHIBIT), PC, 1).temps - TEMP0 <= TEMPS_PER_INSN;
      }),
      { numRuns: 3000 },
    );
  });
});

describe('what can not be decoded', () => {
  const raised = (code: string, mode = FLAT): string | undefined => ops(code, mode).at(-1);

  it('raises #UD: opcodes without meaning, LOCK where it must not be', () => {
    expect(raised('0f 0b')).toBe('raise 6, 0');
    expect(raised('0f ff')).toBe('raise 6, 0');
    expect(raised('8d c0')).toBe('raise 6, 0'); // LEA of a register
    expect(raised('8e c8')).toBe('raise 6, 0'); // MOV to CS
    expect(raised('f0 01 c8')).toBe('raise 6, 0'); // LOCK ADD to a register
    expect(raised('f0 03 08')).toBe('raise 6, 0'); // LOCK ADD from memory
    expect(raised('f0 8b 08')).toBe('raise 6, 0');
    expect(raised('f0 01 08')).not.toBe('raise 6, 0');
    expect(raised('f0 0f c7 08')).not.toBe('raise 6, 0');
    expect(raised('63 c0', REAL)).toBe('raise 6, 0'); // ARPL
  });

  it('raises #UD after prefixes that make SSE instructions of MMX ones', () => {
    expect(raised('66 0f fc c1')).toBe('raise 6, 0');
    expect(raised('f3 0f 6f c1')).toBe('raise 6, 0');
    expect(raised('f2 0f 71 d1 05')).toBe('raise 6, 0');
    expect(raised('66 0f fc c1', REAL)).toBe('raise 6, 0');
    expect(raised('0f fc c1', REAL)).not.toBe('raise 6, 0');
    expect(raised('66 0f 77')).not.toBe('raise 6, 0'); // EMMS
  });

  it('raises #UD for instructions that the processor model lacks', () => {
    const i486 = createX86FrontEnd(0);
    for (const [bytes, name] of [
      [[0x0f, 0x44, 0xc1], 'cmove %ecx,%eax'],
      [[0x0f, 0xc7, 0x08], 'cmpxchg8b (%eax)'],
      [[0x0f, 0xae, 0x00], 'fxsave (%eax)'],
      [[0xdb, 0xf1], 'fcomi %st(1),%st'],
      [[0x0f, 0xfc, 0xc1], 'paddb %mm1,%mm0'],
      [[0x0f, 0x77], 'emms'],
    ] as const) {
      const fetch = (at: number): number => bytes[at - PC] ?? -1;
      expect(frontEnd.disassemble(PC, 0, FLAT, fetch).text).toBe(name);
      const block = new IrBlock();
      block.reset(PC, 0, FLAT, 0);
      i486.translate(block, fetch, 1);
      expect(printBlock(i486, block)).toContain('raise 6, 0');
    }
  });

  it('raises #GP(0): more than 15 bytes, privileged instructions outside ring 0', () => {
    expect(raised(`${'66 '.repeat(14)}90`)).not.toBe('raise 13, 0');
    expect(raised(`${'66 '.repeat(15)}90`)).toBe('raise 13, 0');
    expect(raised('f4', FLAT | M_CPL)).toBe('raise 13, 0');
    expect(raised('0f 22 c0', FLAT | M_CPL)).toBe('raise 13, 0');
  });

  it('is left to the engine when its bytes can not be fetched', () => {
    const block = translate([0x90, 0xb8, 1, 2]);
    expect([block.insns, block.bytes]).toEqual([1, 1]);
    expect(translate([0xb8, 1, 2]).insns).toBe(0);
  });
});

describe('IR', () => {
  it('of arithmetic on registers writes the register in one op', () => {
    expect(ops('01 c8')).toEqual(['eax = add eax, ecx', 'setcc cc_op, 6, eax, ecx', 'goto 0x00010002']);
    expect(ops('83 c0 ff')).toEqual(['eax = add eax, -1', 'setcc cc_op, 6, eax, -1', 'goto 0x00010003']);
    expect(ops('01 c0').slice(0, 3)).toEqual(['t0 = mov eax', 'eax = add eax, t0', 'setcc cc_op, 6, eax, t0']);
    expect(ops('31 c0').slice(0, 2)).toEqual(['eax = movi 0', 'setcc cc_op, 22, eax, 0']);
  });

  it('of arithmetic on memory stores before it writes flags', () => {
    expect(ops('01 48 04').slice(0, 4)).toEqual([
      't0 = ld32 [eax + 0x4]',
      't1 = add t0, ecx',
      'st32 [eax + 0x4], t1',
      'setcc cc_op, 6, t1, ecx',
    ]);
  });

  it('of parts of registers deposits them', () => {
    expect(ops('00 cc').slice(0, 6)).toEqual([
      't0 = bitsu ecx, 0, 8',
      't1 = bitsu eax, 8, 8',
      't2 = add t1, t0',
      't3 = bitsu t2, 0, 8',
      'eax = dep eax, 8, 8, t3',
      'setcc cc_op, 4, t3, t0',
    ]);
    expect(ops('66 89 c8')[0]).toBe('eax = dep eax, 0, 16, ecx');
    expect(ops('b4 05')[0]).toBe('eax = dep eax, 8, 8, 5');
  });

  it('of compare and branch compares the operands themselves', () => {
    expect(ops('39 c8 72 02')).toEqual([
      't0 = sub eax, ecx',
      'setcc cc_op, 14, t0, ecx',
      'br ltu eax, ecx -> 0x00010006 else 0x00010004',
    ]);
    expect(ops('80 38 80 7c 02').slice(4)).toEqual([
      't3 = bitss t0, 0, 8',
      'br lts t3, -128 -> 0x00010007 else 0x00010005',
    ]);
    expect(ops('85 c0 74 02')).toEqual([
      't0 = and eax, eax',
      'setcc cc_op, 22, t0, 0',
      'br eq t0, 0 -> 0x00010006 else 0x00010004',
    ]);
  });

  it('of a condition whose operands are gone computes them again, or asks the helper', () => {
    expect(ops('29 c8 72 02').slice(2)).toEqual(['t0 = add eax, ecx', 'br ltu t0, ecx -> 0x00010006 else 0x00010004']);
    expect(ops('7c 02')).toEqual([
      't0 = movi 12',
      't1 = call cc_cond(cc_op, cc_dst, cc_src, t0)',
      'br ne t1, 0 -> 0x00010004 else 0x00010002',
    ]);
    // The register compared has changed since.
    expect(ops('39 c8 b8 01 00 00 00 76 02').slice(3)).toEqual([
      't1 = add t0, ecx',
      'br leu t1, ecx -> 0x0001000b else 0x00010009',
    ]);
  });

  it('of the stack moves ESP after memory', () => {
    expect(ops('50').slice(0, 2)).toEqual(['st32 [esp - 0x4], eax', 'esp = add esp, -4']);
    expect(ops('58').slice(0, 3)).toEqual(['t0 = ld32 [esp]', 'esp = add esp, 4', 'eax = mov t0']);
    expect(ops('5c').slice(0, 3)).toEqual(['t0 = ld32 [esp]', 'esp = add esp, 4', 'esp = mov t0']);
    // POP to memory at ESP: the address is that after the pop.
    expect(ops('8f 04 24').slice(0, 4)).toEqual([
      't0 = ld32 [esp]',
      't1 = add esp, 4',
      'st32 [t1], t0',
      'esp = add esp, 4',
    ]);
  });

  it('of calls and returns tells the engine what they are', () => {
    expect(ops('e8 05 00 00 00')).toEqual([
      'st32 [esp - 0x4], 0x10005',
      'esp = add esp, -4',
      'goto 0x0001000a call 0x00010005',
    ]);
    expect(ops('c3')).toEqual(['t0 = ld32 [esp]', 'esp = add esp, 4', 'jind t0 ret']);
    expect(ops('ff d0').at(-1)).toBe('jind eax call 0x00010002');
    expect(ops('ff d4')[0]).toBe('t0 = mov esp');
  });

  it('of segments with a base adds it, and checks where they are not flat', () => {
    expect(ops('65 a1 14 00 00 00')[0]).toBe('eax = ld32 [gs_base + 0x14]');
    expect(ops('64 8b 48 04')[0]).toBe('ecx = ld32 [fs_base + eax << 0 + 0x4]');
    expect(ops('8b 07', REAL)).toEqual([
      't0 = getf @0x1014',
      't1 = ltu t0, 0x8001',
      'raise 13, 0 if t1',
      't2 = bitsu ebx, 0, 16',
      't3 = movi 3',
      't4 = movi 2',
      'call seg_check(t3, t2, t4)',
      't5 = ld16u [ds_base + t2 << 0]',
      'eax = dep eax, 0, 16, t5',
      'goto 0x00010002',
    ]);
  });

  it('of repeated strings jumps to itself from the start of a block', () => {
    expect(ops('90 f3 a5')).toEqual(['goto 0x00010001']);
    expect(ops('f3 a5')).toEqual([
      't0 = movi 28',
      't1 = movi 3',
      't2 = call movs(t0, t1)',
      'br ne t2, 0 -> 0x00010000 else 0x00010002',
    ]);
  });

  it('with the trap flag or in an interrupt shadow ends after one instruction, by helpers', () => {
    expect(ops('40 40', FLAT | M_TF).slice(-4)).toEqual([
      't1 = movi 0x10001',
      'putf @0x128, t1',
      'call single_step()',
      'jpc check',
    ]);
    expect(ops('75 02', FLAT | M_INHIBIT).slice(-3)).toEqual(['putf @0x128, t5', 'call end_shadow()', 'jpc check']);
    expect(ops('90 90', FLAT | M_CODE_BREAKPOINTS)).toEqual([
      't0 = movi 0x10000',
      'call code_breakpoint(t0)',
      'goto 0x00010001',
    ]);
  });

  it('of MMX instructions in a row prepares the x87 state once, after what can fault', () => {
    const row = ops('0f fc 00 0f ef c9').filter((l) => !/^t\d+ = (getf|movi)/.test(l));
    expect(row).toEqual([
      't2 = and t1, t0',
      'raise 16, 0 if t2',
      't3 = ld64 [eax]',
      'call mmx_begin()',
      't5 = call paddb(t4, t3)',
      'putf64 @0x1400, t5',
      'putf @0x1408, 0xffff',
      't8 = xor64 t7, t6',
      'putf64 @0x1410, t8',
      'putf @0x1418, 0xffff',
      'goto 0x00010006',
    ]);
    // With FDECSTP, FNINIT or EMMS in between it is to be done again.
    for (const between of ['d9 f6', 'db e3', '0f 77']) {
      const again = ops(`0f fc c1 ${between} 0f fc c1`).filter((l) => l === 'call mmx_begin()');
      expect(again).toHaveLength(2);
    }
  });

  it('of instructions that change the mode goes on by lookup', () => {
    expect(ops('8e d8').slice(-2)).toEqual(['call load_seg(t0, t1)', 'gotom 0x00010002 check']);
    expect(ops('fb')).toEqual(['call sti()', 'gotom 0x00010001 check']);
    expect(ops('cf').slice(-2)).toEqual(['call iret(t0, t1)', 'jpc check']);
  });
});

describe('the opcode table', () => {
  it('refuses two instructions for one encoding', () => {
    const twice = x86({ name: 'twice', forms: { '90': '' }, execute: () => {} });
    expect(() => opcodeTable([...INSTRUCTIONS, twice])).toThrow(/opcode 90 of 'twice' is taken/);
  });
  it('refuses operands it does not know', () => {
    const odd = x86({ name: 'odd', forms: { '0F FF /r': 'Qx' }, execute: () => {} });
    expect(() => opcodeTable([odd])).toThrow(/no operand kind 'Qx'/);
  });
});
