/**
 * The intermediate representation's op table: each op stated once. Evaluator, interpreter, JIT, printer, parser and
 * verifier derive from it. An op is eight i32 words: [op, d, a, b, imm, imm2, x, insn]; operands d, a, b, x are slot
 * numbers (< TEMP0), block-local temporaries (>= TEMP0), or -1 where the shape allows it.
 */
export const WORDS = 8;

export type Ty = 'i32' | 'i64';
/**
 * bin    d = a op (b, or imm64 when b is -1)            imm64 = imm2:imm (i64 ops), imm (i32 ops)
 * cmp    as bin, d is i32 (0 or 1)
 * un     d = op a
 * movi   d = imm64
 * bits   extract: d = bits of a at imm2 (position | length << 8)
 * dep    d = a with the bits at imm2 (position | length << 8) replaced by those of b (or imm when b is -1)
 * sel    d = a (i32) != 0 ? b : x
 * mul2   d = low, x = high half of a * (b or imm)
 * load   d = memory[a + (b << imm2) + imm]              a, b may be -1 (absent)
 * store  memory[a + (b << imm2) + imm] = d              d may be -1: the constant x
 * getf   d = CPU field at byte address imm
 * putf   CPU field at byte address imm = a              a may be -1: the constant x
 * setcc  slots d, d+1, d+2 (all i32) = imm, a, b        b may be -1: the constant x
 * call   d = helper number imm (a, b, x, imm2)          operands as many as the helper takes; d -1 without result
 * raise  raise exception code imm, error code imm2 if a (i32) != 0; a -1: always (then it ends the block)
 * Block ends (pc operands are signed distances from the block's pc):
 * goto   continue at d                                  imm: JUMP, or CALL with x the return distance
 * br     if a cmp(imm2) (b, or imm when b is -1) continue at d, else at x     imm2: op number of the comparison
 * jind   continue at the address in a                   imm: JUMP, CALL (x = return distance) or RET
 * gotom  continue at d by lookup, as the mode may have changed; imm 1: leave with EXIT_INTR first if an interrupt is due
 * jpc    continue at C_PC by lookup; imm 1: as above
 * leave  back to the run loop, C_PC at d, with code imm and argument x (both given to the front end's `leave`)
 */
export type Shape =
  | 'bin'
  | 'cmp'
  | 'un'
  | 'movi'
  | 'bits'
  | 'dep'
  | 'sel'
  | 'mul2'
  | 'load'
  | 'store'
  | 'getf'
  | 'putf'
  | 'setcc'
  | 'call'
  | 'raise'
  | 'goto'
  | 'br'
  | 'jind'
  | 'gotom'
  | 'jpc'
  | 'leave';

export interface OpInfo {
  readonly shape: Shape;
  /** Type of d (or of the stored value); for cmp the type compared. */
  readonly ty: Ty;
  /** Type of a (and b), where it is not `ty`. */
  readonly from?: Ty;
  /** Bytes accessed by a load or store. */
  readonly size?: 1 | 2 | 4 | 8;
  readonly signed?: boolean;
  readonly commutes?: boolean;
  readonly doc: string;
}

const bin = (ty: Ty, doc: string, commutes = false): OpInfo => ({ shape: 'bin', ty, doc, commutes });
const cmp = (ty: Ty, doc: string, commutes = false): OpInfo => ({ shape: 'cmp', ty, doc, commutes });
const un = (ty: Ty, doc: string, from: Ty = ty): OpInfo => ({ shape: 'un', ty, from, doc });
const load = (ty: Ty, size: 1 | 2 | 4 | 8, signed: boolean, doc: string): OpInfo => ({
  shape: 'load',
  ty,
  size,
  signed,
  doc,
});
const store = (ty: Ty, size: 1 | 2 | 4 | 8, doc: string): OpInfo => ({ shape: 'store', ty, size, doc });
const end = (shape: Shape, doc: string): OpInfo => ({ shape, ty: 'i32', doc });

/** In this order ops are numbered. i32 and i64 forms of one operation stand 32 apart (see `wide`). */
const table = {
  add: bin('i32', 'sum modulo 2^32', true),
  sub: bin('i32', 'difference modulo 2^32'),
  mul: bin('i32', 'low half of the product', true),
  and: bin('i32', 'bitwise and', true),
  or: bin('i32', 'bitwise or', true),
  xor: bin('i32', 'bitwise exclusive or', true),
  shl: bin('i32', 'shift left by b modulo 32'),
  shr: bin('i32', 'shift right, zeros in, by b modulo 32'),
  sar: bin('i32', 'shift right, sign in, by b modulo 32'),
  rotl: bin('i32', 'rotate left by b modulo 32'),
  rotr: bin('i32', 'rotate right by b modulo 32'),
  eq: cmp('i32', 'equal', true),
  ne: cmp('i32', 'not equal', true),
  lts: cmp('i32', 'less, signed'),
  ges: cmp('i32', 'greater or equal, signed'),
  les: cmp('i32', 'less or equal, signed'),
  gts: cmp('i32', 'greater, signed'),
  ltu: cmp('i32', 'less, unsigned'),
  geu: cmp('i32', 'greater or equal, unsigned'),
  leu: cmp('i32', 'less or equal, unsigned'),
  gtu: cmp('i32', 'greater, unsigned'),
  mov: un('i32', 'copy'),
  bswap: un('i32', 'bytes in reverse order'),
  clz: un('i32', 'leading zero bits; 32 for 0'),
  ctz: un('i32', 'trailing zero bits; 32 for 0'),
  popcnt: un('i32', 'bits set'),
  movi: { shape: 'movi', ty: 'i32', doc: 'constant' },
  bitsu: { shape: 'bits', ty: 'i32', doc: 'bit field, zero-extended' },
  bitss: { shape: 'bits', ty: 'i32', signed: true, doc: 'bit field, sign-extended' },
  dep: { shape: 'dep', ty: 'i32', doc: 'deposit a bit field' },
  sel: { shape: 'sel', ty: 'i32', doc: 'choose by a condition' },
  wrap: un('i32', 'low half of an i64', 'i64'),
  add64: bin('i64', 'sum modulo 2^64', true),
  sub64: bin('i64', 'difference modulo 2^64'),
  mul64: bin('i64', 'low half of the product', true),
  and64: bin('i64', 'bitwise and', true),
  or64: bin('i64', 'bitwise or', true),
  xor64: bin('i64', 'bitwise exclusive or', true),
  shl64: bin('i64', 'shift left by b modulo 64'),
  shr64: bin('i64', 'shift right, zeros in, by b modulo 64'),
  sar64: bin('i64', 'shift right, sign in, by b modulo 64'),
  rotl64: bin('i64', 'rotate left by b modulo 64'),
  rotr64: bin('i64', 'rotate right by b modulo 64'),
  eq64: cmp('i64', 'equal', true),
  ne64: cmp('i64', 'not equal', true),
  lts64: cmp('i64', 'less, signed'),
  ges64: cmp('i64', 'greater or equal, signed'),
  les64: cmp('i64', 'less or equal, signed'),
  gts64: cmp('i64', 'greater, signed'),
  ltu64: cmp('i64', 'less, unsigned'),
  geu64: cmp('i64', 'greater or equal, unsigned'),
  leu64: cmp('i64', 'less or equal, unsigned'),
  gtu64: cmp('i64', 'greater, unsigned'),
  mov64: un('i64', 'copy'),
  bswap64: un('i64', 'bytes in reverse order'),
  clz64: un('i64', 'leading zero bits; 64 for 0'),
  ctz64: un('i64', 'trailing zero bits; 64 for 0'),
  popcnt64: un('i64', 'bits set'),
  movi64: { shape: 'movi', ty: 'i64', doc: 'constant' },
  bitsu64: { shape: 'bits', ty: 'i64', doc: 'bit field, zero-extended' },
  bitss64: { shape: 'bits', ty: 'i64', signed: true, doc: 'bit field, sign-extended' },
  dep64: { shape: 'dep', ty: 'i64', doc: 'deposit a bit field' },
  sel64: { shape: 'sel', ty: 'i64', doc: 'choose by a condition (i32)' },
  extu: un('i64', 'zero-extend an i32', 'i32'),
  exts: un('i64', 'sign-extend an i32', 'i32'),
  mulu2: { shape: 'mul2', ty: 'i32', doc: 'full product, unsigned' },
  muls2: { shape: 'mul2', ty: 'i32', signed: true, doc: 'full product, signed' },
  ld8u: load('i32', 1, false, 'load a byte, zero-extended'),
  ld8s: load('i32', 1, true, 'load a byte, sign-extended'),
  ld16u: load('i32', 2, false, 'load 16 bits, zero-extended'),
  ld16s: load('i32', 2, true, 'load 16 bits, sign-extended'),
  ld32: load('i32', 4, false, 'load 32 bits'),
  ld64: load('i64', 8, false, 'load 64 bits'),
  st8: store('i32', 1, 'store the low byte'),
  st16: store('i32', 2, 'store the low 16 bits'),
  st32: store('i32', 4, 'store 32 bits'),
  st64: store('i64', 8, 'store 64 bits'),
  getf: { shape: 'getf', ty: 'i32', doc: 'read a CPU field' },
  putf: { shape: 'putf', ty: 'i32', doc: 'write a CPU field' },
  getf64: { shape: 'getf', ty: 'i64', doc: 'read a CPU field' },
  putf64: { shape: 'putf', ty: 'i64', doc: 'write a CPU field' },
  setcc: { shape: 'setcc', ty: 'i32', doc: 'remember what condition codes are to be computed from' },
  call: { shape: 'call', ty: 'i32', doc: 'call a helper of the front end' },
  raise: { shape: 'raise', ty: 'i32', doc: 'raise an exception of the processor' },
  goto: end('goto', 'continue elsewhere'),
  br: end('br', 'continue at one of two places, comparing i32'),
  br64: { shape: 'br', ty: 'i64', doc: 'continue at one of two places, comparing i64' },
  jind: end('jind', 'continue at a computed address'),
  gotom: end('gotom', 'continue elsewhere, the mode may have changed'),
  jpc: end('jpc', 'continue at the program counter in C_PC'),
  leave: end('leave', 'leave translated code'),
} as const satisfies Readonly<Record<string, OpInfo>>;

export type OpName = keyof typeof table;
export const OP_NAMES = Object.keys(table) as readonly OpName[];
/** Op number by name. */
export const Op = Object.freeze(Object.fromEntries(OP_NAMES.map((n, i) => [n, i]))) as {
  readonly [K in OpName]: number;
};
/** What is known of op number i. */
export const OPS: readonly OpInfo[] = OP_NAMES.map((n) => table[n]);
/** The i64 form of an i32 op below `wrap`: op + WIDE. */
export const WIDE = Op.add64 - Op.add;

/** How a jump came about: predicted returns and indirect-target tables need it. */
export const JUMP = 0;
export const CALL = 1;
export const RET = 2;

const shapeIs = (...shapes: Shape[]): Uint8Array => Uint8Array.from(OPS, (o) => (shapes.includes(o.shape) ? 1 : 0));
const END = shapeIs('goto', 'br', 'jind', 'gotom', 'jpc', 'leave');

/** Does this op always end a block? (`raise` without a condition does too.) */
export const isEnd = (op: number): boolean => END[op] === 1;
