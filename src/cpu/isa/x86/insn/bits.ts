/** Single bits and bit scans. */
import { Op } from '../../../ir/ops.ts';
import { CC_LOGIC } from '../cc.ts';
import { type Instruction, x86 } from '../instruction.ts';
import { CF } from '../layout.ts';
import { CONSTANT, type Place } from '../place.ts';
import type { Translator } from '../translator.ts';

const TEST = 0;
const SET = 1;
const RESET = 2; // else complement

/**
 * BT, BTS, BTR, BTC. A register as bit number reaches memory beyond the operand: bit 0 of the word at the address is
 * its zero, signed. CF is the bit; the other flags stay (the manual leaves them undefined, ZF not).
 */
function bitTest(t: Translator, what: number, dst: Place, index: Place): void {
  const { bits, size } = dst;
  const before = t.eflags();
  let n: number;
  if (index.kind === CONSTANT) n = -1;
  else {
    const signed = index.readSigned();
    n = t.bini(Op.and, signed, bits - 1);
    if (dst.isMemory) {
      const words = t.bini(Op.sar, signed, size === 4 ? 5 : 4);
      t.displacement = t.bini(Op.shl, words, size === 4 ? 2 : 1);
    }
  }
  const constant = index.value & (bits - 1);
  const value = what === TEST ? dst.read() : dst.readForUpdate();
  const bit = n < 0 ? t.bits(value, constant, 1, false) : t.bini(Op.and, t.bin(Op.shr, value, n), 1);
  if (what !== TEST) {
    const mask = n < 0 ? -1 : t.bin(Op.shl, t.movi(1), n);
    const slot = dst.slot >= 0 ? dst.slot : t.temp();
    if (what === SET) t.binOr(Op.or, value, mask, 1 << constant, slot);
    else if (what === RESET) t.binOr(Op.and, value, n < 0 ? -1 : t.bini(Op.xor, mask, -1), ~(1 << constant), slot);
    else t.binOr(Op.xor, value, mask, 1 << constant, slot);
    dst.write(slot);
  }
  t.setEflags(t.bin(Op.or, t.bini(Op.and, before, ~CF), bit));
}

const tests = (['bt', 'bts', 'btr', 'btc'] as const).map((name, what) => {
  const forms = {
    [`0F ${(0xa3 + what * 8).toString(16).toUpperCase()} /r`]: 'Ev,Gv',
    [`0F BA /${4 + what}`]: 'Ev,Ib',
  };
  const execute = (t: Translator, dst: Place, index: Place): void => bitTest(t, what, dst, index);
  return what === TEST ? x86({ name, forms, execute }) : x86({ name, forms, execute, lockable: true });
});

/** BSF and BSR: of zero, the destination stays and ZF is set. */
function scan(t: Translator, forward: boolean, dst: Place, src: Place): void {
  const value = src.copy();
  const place = forward ? t.un(Op.ctz, value) : t.bini(Op.xor, t.un(Op.clz, value), 31);
  if (dst.slot >= 0) t.sel(value, place, dst.slot, dst.slot);
  else dst.write(t.sel(value, place, dst.read()));
  t.flags(CC_LOGIC, dst.size, value, -1, 0);
}

const bsf = x86({ name: 'bsf', forms: { '0F BC /r': 'Gv,Ev' }, execute: (t, dst, src) => scan(t, true, dst, src) });
const bsr = x86({ name: 'bsr', forms: { '0F BD /r': 'Gv,Ev' }, execute: (t, dst, src) => scan(t, false, dst, src) });

export const bitInstructions: readonly Instruction[] = [...tests, bsf, bsr];
