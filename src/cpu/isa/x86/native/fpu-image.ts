/**
 * The x87 state in memory: FSTENV, FSAVE, FXSAVE and their counterparts (SDM volume 1, 8.1.10 and 10.5). Real and
 * virtual-8086 mode have images of their own, with linear addresses. AssemblyScript.
 */
import { FPU_CONTROL, FPU_CS, FPU_DP, FPU_DS, FPU_IP, FPU_OPCODE } from '../fpu-layout';
import { V_GP } from '../layout';
import { faulted, isProtected, raise } from './cpu';
import { ld, ld64, st, st64 } from './exec';
import {
  fldcw,
  fninit,
  fnstsw,
  set_st,
  set_status,
  set_tag_byte,
  set_tag_word,
  st_high,
  st_low,
  tag_byte,
  tag_word,
} from './fpu/control';

/** Does nothing once a fault is raised. */
function put(va: u32, value: u32, size: i32): void {
  if (!faulted()) st(va, value, size);
}

/** All of an image that is to be read can be read: then no fault comes after the first change. */
function readable(va: u32, bytes: u32): bool {
  ld(va, 1);
  const lastPage = (va + bytes - 1) & ~0xfff;
  if (!faulted() && (va & ~0xfff) != lastPage) ld(lastPage, 1);
  return !faulted();
}

/** Linear address of a pointer in real and virtual-8086 mode. */
function linear(offset: usize, selector: usize): u32 {
  return load<u32>(offset) + (load<u32>(selector) << 4);
}

// @ts-ignore: decorator
@inline
function environmentBytes(size: i32): u32 {
  return 7 * size;
}

function putEnvironment(va: u32, size: i32): void {
  put(va, load<u32>(FPU_CONTROL), size);
  put(va + size, fnstsw(), size);
  put(va + 2 * size, tag_word(), size);
  const opcode = load<u32>(FPU_OPCODE) & 0x7ff;
  if (isProtected()) {
    put(va + 3 * size, load<u32>(FPU_IP), size);
    put(va + 4 * size, (load<u32>(FPU_CS) & 0xffff) | (opcode << 16), size);
    put(va + 5 * size, load<u32>(FPU_DP), size);
    put(va + 6 * size, load<u32>(FPU_DS) & 0xffff, size);
    return;
  }
  const ip = linear(FPU_IP, FPU_CS);
  const dp = linear(FPU_DP, FPU_DS);
  put(va + 3 * size, ip & 0xffff, size);
  put(va + 4 * size, ((ip >> 4) & 0xffff000 & (size == 2 ? 0xf000 : 0xffffffff)) | opcode, size);
  put(va + 5 * size, dp & 0xffff, size);
  put(va + 6 * size, (dp >> 4) & 0xffff000, size);
}

function getEnvironment(va: u32, size: i32): void {
  fldcw(ld(va, 2));
  set_status(ld(va + size, 2));
  set_tag_word(ld(va + 2 * size, 2));
  const ip = ld(va + 3 * size, size);
  const high = ld(va + 4 * size, size);
  const dp = ld(va + 5 * size, size);
  const ds = ld(va + 6 * size, size);
  if (isProtected()) {
    store<u32>(FPU_IP, ip);
    store<u32>(FPU_CS, high & 0xffff);
    if (size == 4) store<u32>(FPU_OPCODE, (high >> 16) & 0x7ff);
    store<u32>(FPU_DP, dp);
    store<u32>(FPU_DS, ds & 0xffff);
    return;
  }
  store<u32>(FPU_IP, (ip & 0xffff) | ((high & 0xffff000) << 4));
  store<u32>(FPU_CS, 0);
  store<u32>(FPU_OPCODE, high & 0x7ff);
  store<u32>(FPU_DP, (dp & 0xffff) | ((ds & 0xffff000) << 4));
  store<u32>(FPU_DS, 0);
}

/** FNSTENV masks all exceptions once the environment is stored. */
export function fnstenv(va: u32, size: i32): void {
  putEnvironment(va, size);
  if (!faulted()) fldcw(load<u32>(FPU_CONTROL) | 0x3f);
}

export function fldenv(va: u32, size: i32): void {
  if (readable(va, environmentBytes(size))) getEnvironment(va, size);
}

export function fnsave(va: u32, size: i32): void {
  putEnvironment(va, size);
  let at = va + environmentBytes(size);
  for (let i: u32 = 0; i < 8; i++) {
    if (!faulted()) st64(at, st_low(i));
    put(at + 8, st_high(i), 2);
    at += 10;
  }
  if (!faulted()) fninit();
}

export function frstor(va: u32, size: i32): void {
  const header = environmentBytes(size);
  if (!readable(va, header + 80)) return;
  getEnvironment(va, size);
  for (let i: u32 = 0; i < 8; i++) {
    const at = va + header + 10 * i;
    set_st(i, ld64(at), ld(at + 8, 2));
  }
}

/** Without SSE: MXCSR and the XMM registers' places are left alone. */
export function fxsave(va: u32): void {
  if ((va & 15) != 0) return raise(V_GP, 0);
  put(va, load<u32>(FPU_CONTROL), 2);
  put(va + 2, fnstsw(), 2);
  put(va + 4, tag_byte(), 2);
  put(va + 6, load<u32>(FPU_OPCODE), 2);
  put(va + 8, load<u32>(FPU_IP), 4);
  put(va + 12, load<u32>(FPU_CS), 4);
  put(va + 16, load<u32>(FPU_DP), 4);
  put(va + 20, load<u32>(FPU_DS), 4);
  for (let i: u32 = 0; i < 8; i++) {
    const at = va + 32 + (i << 4);
    if (!faulted()) st64(at, st_low(i));
    if (!faulted()) st64(at + 8, <u64>st_high(i));
  }
}

export function fxrstor(va: u32): void {
  if ((va & 15) != 0) return raise(V_GP, 0);
  if (!readable(va, 512)) return;
  fldcw(ld(va, 2));
  set_status(ld(va + 2, 2));
  set_tag_byte(ld(va + 4, 1));
  store<u32>(FPU_OPCODE, ld(va + 6, 2) & 0x7ff);
  store<u32>(FPU_IP, ld(va + 8, 4));
  store<u32>(FPU_CS, ld(va + 12, 2));
  store<u32>(FPU_DP, ld(va + 16, 4));
  store<u32>(FPU_DS, ld(va + 20, 2));
  for (let i: u32 = 0; i < 8; i++) {
    const at = va + 32 + (i << 4);
    set_st(i, ld64(at), ld(at + 8, 2));
  }
}
