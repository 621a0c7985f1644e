/** The x86 processor's native part: what helpers.ts and the engine contract (isa/front-end.ts) name. AssemblyScript. */
export { aaa, aad, aam, aas, daa, das, div16, div32, div8, idiv16, idiv32, idiv8, rcl, rcr } from './arithmetic';
export { sysenter, sysexit } from './fast-call';
export { cc_carry, cc_cond, cc_flags, cc_with_zf, get_eflags, popf, pushf_image, set_eflags } from './flags';
export * from './fpu';
export { ferr_ignored } from './fpu/ferr';
export { fldenv, fnsave, fnstenv, frstor, fxrstor, fxsave } from './fpu-image';
export { breakpoint_trap, code_breakpoint, deliver_exception, deliver_interrupt, int_n, into, single_step } from './interrupt';
export * from './mmx';
export { cli, end_shadow, raise_nmi, sti, take_nmi, update_mode } from './mode';
export { rdmsr, wrmsr } from './msr';
export { probe, set_a20, walk } from './paging';
export { reset } from './reset';
export { far_ret, iret } from './return';
export {
  align_check,
  arpl,
  io_check,
  jump_check,
  lar,
  lldt,
  load_seg,
  lsl,
  ltr,
  seg_check,
  verr,
  verw,
} from './segment';
export { enter } from './stack';
export { cmps, lods, movs, scas, stos } from './string';
export { clts, cpuid,
  rdtsc, invlpg, lmsw, mov_from_cr, mov_from_dr, mov_to_cr, mov_to_dr } from './system';
export { far_call, far_jmp } from './transfer';
