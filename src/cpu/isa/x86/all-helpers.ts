/** Every native function translated code may call, numbered: the system's, the x87's, then MMX's. */
import type { HelperInfo } from '../front-end.ts';
import { FPU_HELPERS, type FpuHelper } from './fpu-helpers.ts';
import { SYSTEM_HELPERS, type SystemHelper } from './helpers.ts';
import { MMX_HELPERS, type MmxHelper } from './mmx-helpers.ts';

export type HelperName = SystemHelper | FpuHelper | MmxHelper;
export const HELPERS: readonly HelperInfo[] = [...SYSTEM_HELPERS, ...FPU_HELPERS, ...MMX_HELPERS];

const numbers = new Map(HELPERS.map((h, i) => [h.name, i]));
/** The helper's number in the IR. */
export function helperNumber(name: HelperName): number {
  return numbers.get(name) as number;
}
