/**
 * The x87 floating-point unit. Each export is one instruction, or half of one where memory lies between; the state is
 * at the addresses of fpu-layout.ts. None looks for a pending exception first: that is `pending`.
 *
 * A load is: read memory, then the helper. A store is: the helper (`fst_*`, `fist*`, `fbst`), write memory unless
 * `fst_blocked`, then `fst_commit(pops)`, so that a page fault leaves the FPU as it was. Other popping forms are the
 * helper and `pop`; FPATAN, FYL2X and FYL2XP1 pop by themselves.
 *
 * Where processors and QEMU 7.2 differ:
 * - Arithmetic, loads, stores, compares: as processors. They report denormal operands (DE), the direction of rounding
 *   (C1) and stack faults (IE with SF), and leave the destination alone on unmasked exceptions; QEMU does none of it.
 * - F2XM1, FYL2X, FYL2XP1, FPATAN: rounded correctly, with QEMU's idea of the operands' range (beyond it: invalid) and
 *   of PE (not for exact results). QEMU's own are off by a unit in one of some thousand cases.
 * - FSIN, FCOS, FSINCOS, FPTAN: as QEMU by way of double precision, correctly rounded; infinities are invalid, NaNs,
 *   DE and PE as on processors, operands too small for a double are their own sine.
 */
export * from './arctangent';
export * from './arith-ops';
export * from './compare';
export * from './control';
export * from './decimal';
export * from './load-store';
export * from './logarithms';
export * from './remainder';
export * from './trigonometry';
export * from './unary';
