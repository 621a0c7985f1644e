/** The register stack, and how exceptions reach the status word. */
import {
  FPU_BUSY,
  FPU_C1,
  FPU_CONTROL,
  FPU_ES,
  FPU_EXCEPTIONS,
  FPU_IE,
  FPU_REG_META,
  FPU_REGS,
  FPU_SF,
  FPU_STATUS,
  FPU_STOPPED,
  FPU_TOP,
} from '../../fpu-layout';

export const SIGN: u32 = 0x8000;
export const EXP_MAX: u32 = 0x7fff;
export const BIAS: i32 = 0x3fff;
export const INT_BIT: u64 = 0x8000_0000_0000_0000;
export const QUIET_BIT: u64 = 0x4000_0000_0000_0000;
/** "Real indefinite", the NaN that masked invalid operations produce. */
export const INDEFINITE_SIG: u64 = 0xc000_0000_0000_0000;
export const INDEFINITE_SE: u32 = 0xffff;

/** Address of ST(i). */
// @ts-ignore: decorator
@inline
export function st(i: u32): usize {
  return FPU_REGS + (((load<u32>(FPU_TOP) + i) & 7) << 4);
}

// @ts-ignore: decorator
@inline
export function sig(reg: usize): u64 {
  return load<u64>(reg);
}

/** Sign and exponent. */
// @ts-ignore: decorator
@inline
export function se(reg: usize): u32 {
  return load<u16>(reg, FPU_REG_META);
}

/** Sign and exponent in bits 0-15, nonzero above bit 31 if the register is empty. */
// @ts-ignore: decorator
@inline
export function meta(reg: usize): u64 {
  return load<u64>(reg, FPU_REG_META);
}

// @ts-ignore: decorator
@inline
export function isEmpty(reg: usize): bool {
  return meta(reg) >> 32 != 0;
}

/** Writes a register and marks it full. */
// @ts-ignore: decorator
@inline
export function put(reg: usize, significand: u64, signExp: u32): void {
  store<u64>(reg, significand);
  store<u64>(reg, <u64>signExp, FPU_REG_META);
}

// @ts-ignore: decorator
@inline
export function markEmpty(reg: usize): void {
  store<u32>(reg, 1, FPU_REG_META + 4);
}

/**
 * Replaces C1 and adds what was raised; ES and B follow when one of it is not masked. Every operation ends with it (or
 * with `raiseAndStop`).
 */
// @ts-ignore: decorator
@inline
export function raise(flags: u32): void {
  let status = (load<u32>(FPU_STATUS) & ~(<u32>FPU_C1)) | flags;
  if (flags & ~load<u32>(FPU_CONTROL) & FPU_EXCEPTIONS) status |= FPU_ES | FPU_BUSY;
  store<u64>(FPU_STATUS, <u64>status); // FPU_STOPPED, the next word, becomes 0
}

// @ts-ignore: decorator
@inline
export function isUnmasked(flags: u32): bool {
  return (flags & ~load<u32>(FPU_CONTROL) & FPU_EXCEPTIONS) != 0;
}

/**
 * Raises an exception found before computing (invalid, zero divide, denormal operand). True: it is not masked, so the
 * operation ends here, with the destination and the stack as they were (SDM volume 1, 8.4).
 */
export function raiseAndStop(flags: u32): bool {
  raise(flags);
  if (!isUnmasked(flags)) return false;
  store<u32>(FPU_STOPPED, 1);
  return true;
}

/** Invalid operation: the indefinite NaN, unless the exception is not masked. */
export function invalid(dst: usize): void {
  if (!raiseAndStop(FPU_IE)) put(dst, INDEFINITE_SIG, INDEFINITE_SE);
}

/** An operand's register was empty. */
export function underflowStack(dst: usize): void {
  if (!raiseAndStop(FPU_IE | FPU_SF)) put(dst, INDEFINITE_SIG, INDEFINITE_SE);
}

/** Pushes a value; onto a full register it is the indefinite NaN that arrives. `flags` as for `raise`. */
// @ts-ignore: decorator
@inline
export function push(significand: u64, signExp: u32, flags: u32): void {
  const top = (load<u32>(FPU_TOP) - 1) & 7;
  const reg: usize = FPU_REGS + (top << 4);
  if (isEmpty(reg)) {
    store<u32>(FPU_TOP, top);
    put(reg, significand, signExp);
    raise(flags);
  } else overflowStack();
}

function overflowStack(): void {
  if (!raiseAndStop(FPU_IE | FPU_SF | FPU_C1)) pushIndefinite();
}

/** Pushes the indefinite NaN, over whatever is there. */
export function pushIndefinite(): void {
  const top = (load<u32>(FPU_TOP) - 1) & 7;
  store<u32>(FPU_TOP, top);
  put(FPU_REGS + (top << 4), INDEFINITE_SIG, INDEFINITE_SE);
}

/** The pop that ends an instruction; none if an unmasked exception stopped it. */
export function pop(): void {
  if (!load<u32>(FPU_STOPPED)) drop();
}

// @ts-ignore: decorator
@inline
export function drop(): void {
  const top = load<u32>(FPU_TOP);
  markEmpty(FPU_REGS + (top << 4));
  store<u32>(FPU_TOP, (top + 1) & 7);
}
