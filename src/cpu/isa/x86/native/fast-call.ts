/** SYSENTER and SYSEXIT: flat segments at fixed distances from SYSENTER_CS (SDM volume 2). AssemblyScript. */
import {
  ATTR_ACCESSED,
  ATTR_BIG,
  ATTR_CODE,
  ATTR_DPL_SHIFT,
  ATTR_G,
  ATTR_P,
  ATTR_READABLE,
  ATTR_S,
  ATTR_WRITABLE,
  CR0_PE,
  CS,
  ECX,
  EDX,
  ESP,
  F_CPL,
  F_CR0,
  F_EFLAGS,
  F_INHIBIT,
  F_SYSENTER_CS,
  F_SYSENTER_EIP,
  F_SYSENTER_ESP,
  IF,
  RF,
  SS,
  V_GP,
  VM,
} from '../layout';
import { cpl, raise, setEip, setSegment } from './cpu';
import { update_mode } from './mode';

const FLAT: u32 = ATTR_G | ATTR_BIG | ATTR_P | ATTR_S | ATTR_ACCESSED;
const FLAT_CODE: u32 = FLAT | ATTR_CODE | ATTR_READABLE;
const FLAT_DATA: u32 = FLAT | ATTR_WRITABLE;

function setFlat(code: u32, stack: u32, level: u32): void {
  setSegment(CS, code, 0, 0xffffffff, FLAT_CODE | (level << ATTR_DPL_SHIFT));
  setSegment(SS, stack, 0, 0xffffffff, FLAT_DATA | (level << ATTR_DPL_SHIFT));
  store<u32>(F_CPL, level);
}

function isUnavailable(): bool {
  return (load<u32>(F_SYSENTER_CS) & 0xfffc) == 0 || (load<u32>(F_CR0) & CR0_PE) == 0;
}

export function sysenter(): void {
  if (isUnavailable()) return raise(V_GP, 0);
  const selector = load<u32>(F_SYSENTER_CS) & 0xfffc;
  store<u32>(F_EFLAGS, load<u32>(F_EFLAGS) & ~(VM | IF | RF));
  store<u32>(F_INHIBIT, 0);
  setFlat(selector, selector + 8, 0);
  store<u32>(ESP, load<u32>(F_SYSENTER_ESP));
  update_mode();
  setEip(load<u32>(F_SYSENTER_EIP));
}

export function sysexit(): void {
  if (isUnavailable() || cpl() != 0) return raise(V_GP, 0);
  const selector = load<u32>(F_SYSENTER_CS) & 0xfffc;
  setFlat((selector + 16) | 3, (selector + 24) | 3, 3);
  store<u32>(ESP, load<u32>(ECX));
  update_mode();
  setEip(load<u32>(EDX));
}
