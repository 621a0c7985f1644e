/** Sign instructions. */
import { isEmpty, put, raise, se, sig, SIGN, st, underflowStack } from './state';

export function fchs(): void {
  const reg = st(0);
  if (isEmpty(reg)) underflowStack(reg);
  else {
    put(reg, sig(reg), se(reg) ^ SIGN);
    raise(0);
  }
}

export function fabs(): void {
  const reg = st(0);
  if (isEmpty(reg)) underflowStack(reg);
  else {
    put(reg, sig(reg), se(reg) & ~SIGN);
    raise(0);
  }
}
