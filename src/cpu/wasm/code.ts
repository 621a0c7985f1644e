/** Emits the instructions of one wasm function. Labels are depths at which a construct was opened; `br` turns them into indices. */
import { VOID, W } from './opcodes.ts';

/** A branch target: the value `block`, `loop` and `if` return. */
export type Label = number;
/** Expected outcome of a branch (metadata.code.branch_hint): 0 not taken, 1 taken. */
export type Hint = 0 | 1;

export class Code {
  bytes = new Uint8Array(256);
  n = 0;
  depth = 0;
  /** Pairs of (offset in the body's instructions, hint). */
  readonly hints: number[] = [];

  byte(x: number): this {
    if (this.n >= this.bytes.length) this.#grow(1);
    this.bytes[this.n++] = x;
    return this;
  }
  #grow(need: number): void {
    let size = this.bytes.length * 4;
    while (size < this.n + need) size *= 2;
    const grown = new Uint8Array(size);
    grown.set(this.bytes);
    this.bytes = grown;
  }
  append(a: Uint8Array): this {
    if (this.n + a.length > this.bytes.length) this.#grow(a.length);
    this.bytes.set(a, this.n);
    this.n += a.length;
    return this;
  }
  /** Unsigned LEB128 (§5.2.2). */
  u(v: number): this {
    v >>>= 0;
    while (v > 127) {
      this.byte((v & 127) | 128);
      v >>>= 7;
    }
    return this.byte(v);
  }
  /** Signed LEB128 of an i32. */
  s(v: number): this {
    v |= 0;
    for (;;) {
      const b = v & 127;
      v >>= 7;
      if ((v === 0 && !(b & 64)) || (v === -1 && b & 64)) return this.byte(b);
      this.byte(b | 128);
    }
  }
  op(...codes: number[]): this {
    for (const c of codes) this.byte(c);
    return this;
  }
  i32(v: number): this {
    this.byte(W.i32Const);
    return this.s(v);
  }
  /** An i64 constant from its halves. */
  i64(lo: number, hi: number): this {
    this.byte(W.i64Const);
    lo |= 0;
    hi |= 0;
    for (;;) {
      const b = lo & 127;
      lo = (lo >>> 7) | (hi << 25);
      hi >>= 7;
      if ((lo === 0 && hi === 0 && !(b & 64)) || (lo === -1 && hi === -1 && b & 64)) return this.byte(b);
      this.byte(b | 128);
    }
  }
  get(local: number): this {
    this.byte(W.localGet);
    return this.u(local);
  }
  set(local: number): this {
    this.byte(W.localSet);
    return this.u(local);
  }
  tee(local: number): this {
    this.byte(W.localTee);
    return this.u(local);
  }
  /** A load or store: address (and value) on the stack, a constant offset. Alignment is given as a hint only: 0. */
  mem(op: number, offset: number, align = 0): this {
    return this.byte(op).u(align).u(offset);
  }
  /** Push the i32 at a constant address. */
  load32(address: number): this {
    return this.i32(0).mem(W.i32Load, address, 2);
  }
  /** Store to a constant address the value that `value` pushes. */
  store32(address: number, value: () => void): this {
    this.i32(0);
    value();
    return this.mem(W.i32Store, address, 2);
  }
  block(type = VOID): Label {
    this.byte(W.block).byte(type);
    return ++this.depth;
  }
  loop(type = VOID): Label {
    this.byte(W.loop).byte(type);
    return ++this.depth;
  }
  if(type = VOID, hint?: Hint): Label {
    if (hint !== undefined) this.hints.push(this.n, hint);
    this.byte(W.if).byte(type);
    return ++this.depth;
  }
  else(): this {
    return this.byte(W.else);
  }
  end(): this {
    this.depth--;
    return this.byte(W.end);
  }
  br(to: Label): this {
    return this.byte(W.br).u(this.depth - to);
  }
  brIf(to: Label, hint?: Hint): this {
    if (hint !== undefined) this.hints.push(this.n, hint);
    return this.byte(W.brIf).u(this.depth - to);
  }
  brTable(to: readonly Label[], otherwise: Label): this {
    this.byte(W.brTable).u(to.length);
    for (const l of to) this.u(this.depth - l);
    return this.u(this.depth - otherwise);
  }
  call(func: number): this {
    return this.byte(W.call).u(func);
  }
  returnCall(func: number): this {
    return this.byte(W.returnCall).u(func);
  }
  callIndirect(type: number): this {
    return this.byte(W.callIndirect).u(type).u(0);
  }
  returnCallIndirect(type: number): this {
    return this.byte(W.returnCallIndirect).u(type).u(0);
  }
  return(): this {
    return this.byte(W.return);
  }
}
