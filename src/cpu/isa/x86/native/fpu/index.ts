/**
 * The x87 floating-point unit. Each export is one instruction (or half of one, where memory lies between); the state is
 * at the addresses of fpu-layout.ts. None checks for a pending exception: see `pending`.
 */
export * from './arith-ops';
export * from './compare';
export * from './control';
export * from './load-store';
export * from './unary';
export * from './decimal';
export * from './remainder';
export * from './logarithms';
export * from './arctangent';
export * from './trigonometry';
