/** A block of IR under construction: a flat, reused Int32Array, no object an op. */
import { OPERANDS, TEMP0 } from './layout.ts';
import { isEnd, Op, WIDE, WORDS } from './ops.ts';

/** Guest instructions a block may hold; with 15 bytes each its pc offsets fit 10 bits and its indices 6 (see exec/interp). */
export const MAX_INSNS = 48;
/** Temporaries that one instruction may need at most: a block ends when fewer are left. */
export const TEMPS_PER_INSN = 48;

export class IrBlock {
  ir = new Int32Array(WORDS * 1024);
  /** Ops, guest instructions, guest bytes so far. */
  n = 0;
  insns = 0;
  bytes = 0;
  /** Guest address of the block: linear on x86. */
  pcLo = 0;
  pcHi = 0;
  mode = 0;
  context = 0;
  /** Distance of instruction i from the block's pc. */
  readonly insnOffset = new Int32Array(MAX_INSNS + 1);
  #temp = TEMP0;

  /** Begin anew at a guest address. */
  reset(pcLo: number, pcHi: number, mode: number, context: number): void {
    this.n = this.insns = this.bytes = 0;
    this.pcLo = pcLo;
    this.pcHi = pcHi;
    this.mode = mode;
    this.context = context;
    this.#temp = TEMP0;
  }
  /** A block of its own with the same content. */
  copy(): IrBlock {
    const copy = new IrBlock();
    copy.reset(this.pcLo, this.pcHi, this.mode, this.context);
    copy.ir = this.ir.slice(0, this.n * WORDS);
    copy.n = this.n;
    copy.insns = this.insns;
    copy.bytes = this.bytes;
    copy.insnOffset.set(this.insnOffset);
    copy.#temp = this.#temp;
    return copy;
  }
  /** Begin guest instruction number `insns`, at `offset` bytes from the block's pc. */
  beginInsn(offset: number): void {
    this.insnOffset[this.insns++] = offset;
  }
  /** Take back the instruction begun last and all it emitted (it did not fit: it starts the next block). */
  dropInsn(): void {
    const k = --this.insns;
    while (this.n > 0 && this.ir[(this.n - 1) * WORDS + 7] === k) this.n--;
  }
  /** Room for one more instruction? */
  get roomy(): boolean {
    return this.insns < MAX_INSNS && this.#temp + TEMPS_PER_INSN <= OPERANDS;
  }
  /** A fresh block-local temporary. */
  temp(): number {
    if (this.#temp >= OPERANDS) throw new Error('BUG: an instruction needs too many temporaries');
    return this.#temp++;
  }
  get temps(): number {
    return this.#temp;
  }
  /** Has the block been ended (goto, br, jind, gotom, jpc, leave, or raise without condition)? */
  get ended(): boolean {
    if (this.n === 0) return false;
    const p = (this.n - 1) * WORDS;
    const op = this.ir[p] as number;
    return isEnd(op) || (op === Op.raise && (this.ir[p + 2] as number) < 0);
  }
  emit(op: number, d: number, a: number, b: number, imm: number, imm2: number, x: number): void {
    const p = this.n * WORDS;
    if (p + WORDS > this.ir.length) {
      const grown = new Int32Array(this.ir.length * 2);
      grown.set(this.ir);
      this.ir = grown;
    }
    const r = this.ir;
    r[p] = op;
    r[p + 1] = d;
    r[p + 2] = a;
    r[p + 3] = b;
    r[p + 4] = imm;
    r[p + 5] = imm2;
    r[p + 6] = x;
    r[p + 7] = this.insns - 1;
    this.n++;
  }

  // Typed conveniences. Each returns the operand that holds the result (a fresh temporary unless `d` is given).
  /** d = a op b (both operands), for bin and cmp shapes of either type. */
  bin(op: number, a: number, b: number, d = this.temp()): number {
    this.emit(op, d, a, b, 0, 0, 0);
    return d;
  }
  /** d = a op constant. For i64 ops the constant is sign-extended. */
  bini(op: number, a: number, imm: number, d = this.temp()): number {
    this.emit(op, d, a, -1, imm, imm >> 31, 0);
    return d;
  }
  un(op: number, a: number, d = this.temp()): number {
    this.emit(op, d, a, -1, 0, 0, 0);
    return d;
  }
  movi(imm: number, d = this.temp()): number {
    this.emit(Op.movi, d, -1, -1, imm, 0, 0);
    return d;
  }
  movi64(lo: number, hi: number, d = this.temp()): number {
    this.emit(Op.movi64, d, -1, -1, lo, hi, 0);
    return d;
  }
  /** Unsigned (or signed) field of `length` bits at `pos`; `wide` for i64. */
  bits(a: number, pos: number, length: number, signed = false, wide = false, d = this.temp()): number {
    this.emit((signed ? Op.bitss : Op.bitsu) + (wide ? WIDE : 0), d, a, -1, 0, pos | (length << 8), 0);
    return d;
  }
  /** `a` with the field replaced by the low bits of `b`. */
  dep(a: number, pos: number, length: number, b: number, d = this.temp(), wide = false): number {
    this.emit(wide ? Op.dep64 : Op.dep, d, a, b, 0, pos | (length << 8), 0);
    return d;
  }
  sel(cond: number, yes: number, no: number, d = this.temp(), wide = false): number {
    this.emit(wide ? Op.sel64 : Op.sel, d, cond, yes, 0, 0, no);
    return d;
  }
  load(op: number, base: number, index: number, scale: number, disp: number, d = this.temp()): number {
    this.emit(op, d, base, index, disp, scale, 0);
    return d;
  }
  store(op: number, base: number, index: number, scale: number, disp: number, value: number): void {
    this.emit(op, value, base, index, disp, scale, 0);
  }
  /** Store a constant. */
  storei(op: number, base: number, index: number, scale: number, disp: number, value: number): void {
    this.emit(op, -1, base, index, disp, scale, value);
  }
  getf(field: number, d = this.temp()): number {
    this.emit(Op.getf, d, -1, -1, field, 0, 0);
    return d;
  }
  putf(field: number, a: number): void {
    this.emit(Op.putf, -1, a, -1, field, 0, 0);
  }
  getf64(field: number, d = this.temp()): number {
    this.emit(Op.getf64, d, -1, -1, field, 0, 0);
    return d;
  }
  putf64(field: number, a: number): void {
    this.emit(Op.putf64, -1, a, -1, field, 0, 0);
  }
  putfi(field: number, value: number): void {
    this.emit(Op.putf, -1, -1, -1, field, 0, value);
  }
  /** slots first, first+1, first+2 = kind, a, b. */
  setcc(first: number, kind: number, a: number, b: number): void {
    this.emit(Op.setcc, first, a, b, kind, 0, 0);
  }
  setcci(first: number, kind: number, a: number, constant: number): void {
    this.emit(Op.setcc, first, a, -1, kind, 0, constant);
  }
  /** d = helper(a, b, x, y); pass -1 for operands the helper does not take, d = -1 for a helper without result. */
  call(helper: number, d: number, a = -1, b = -1, x = -1, y = -1): number {
    this.emit(Op.call, d, a, b, helper, y, x);
    return d;
  }
  raiseIf(cond: number, code: number, errorCode: number): void {
    this.emit(Op.raise, -1, cond, -1, code, errorCode, 0);
  }
  raise(code: number, errorCode: number): void {
    this.emit(Op.raise, -1, -1, -1, code, errorCode, 0);
  }
  goto(delta: number, kind = 0, returnDelta = 0): void {
    this.emit(Op.goto, delta, -1, -1, kind, 0, returnDelta);
  }
  /** Compare i32 `a` with `b` (or the constant when b is -1) by comparison op `cmp`. */
  br(cmp: number, a: number, b: number, imm: number, taken: number, fall: number): void {
    this.emit(cmp >= Op.eq64 && cmp <= Op.gtu64 ? Op.br64 : Op.br, taken, a, b, imm, cmp, fall);
  }
  jind(a: number, kind: number, returnDelta = 0): void {
    this.emit(Op.jind, -1, a, -1, kind, 0, returnDelta);
  }
  gotom(delta: number, checkInterrupts: boolean): void {
    this.emit(Op.gotom, delta, -1, -1, checkInterrupts ? 1 : 0, 0, 0);
  }
  jpc(checkInterrupts: boolean): void {
    this.emit(Op.jpc, -1, -1, -1, checkInterrupts ? 1 : 0, 0, 0);
  }
  leave(code: number, arg: number, delta: number): void {
    this.emit(Op.leave, delta, -1, -1, code, 0, arg);
  }
}
