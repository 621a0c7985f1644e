/**
 * Lazy arithmetic flags: slot CC_OP says how the six flags follow from CC_DST and CC_SRC. Valid as TypeScript and as
 * AssemblyScript. CC_OP = kind + size index (0, 1, 2 for 8, 16, 32 bits; CC_EFLAGS has none). CC_DST is the result,
 * zero-extended to 32 bits; CC_SRC as told for each kind, zero-extended too.
 *
 * Flags that the manual leaves undefined are as QEMU's TCG leaves them.
 */

/** CC_SRC holds the six flags in their EFLAGS positions; CC_DST is not looked at. */
export const CC_EFLAGS = 0;
/** dst = a + src. */
export const CC_ADD = 4;
/** dst = a + src + 1. Without a carry in it is CC_ADD: CC_ADD + carry * (CC_ADC - CC_ADD). */
export const CC_ADC = 8;
/** dst = a - src (also CMP, NEG with a = 0). */
export const CC_SUB = 12;
/** dst = a - src - 1. Without a borrow in it is CC_SUB. */
export const CC_SBB = 16;
/** CF, OF and AF clear. */
export const CC_LOGIC = 20;
/** dst = a + 1; src = CF before (0 or 1). */
export const CC_INC = 24;
/** dst = a - 1; src = CF before (0 or 1). */
export const CC_DEC = 28;
/** dst = a << n; src = a << (n - 1), only the bits of the size matter. AF clear; OF = msb(dst ^ src). */
export const CC_SHL = 32;
/** dst = a >> n; src = a >> (n - 1) (both forms: SHR, SAR). AF clear; OF = msb(dst ^ src). */
export const CC_SHR = 36;
/** dst = low half of the product; src != 0: CF and OF set. AF clear. */
export const CC_MUL = 40;
/** A rotate: SF, ZF and PF are still those of dst, an earlier result; src has CF, AF and OF in their EFLAGS positions. */
export const CC_ROT = 44;

// Conditions as Jcc, SETcc and CMOVcc encode them; the low bit negates.
export const COND_O = 0;
export const COND_B = 2;
export const COND_Z = 4;
export const COND_BE = 6;
export const COND_S = 8;
export const COND_P = 10;
export const COND_L = 12;
export const COND_LE = 14;
