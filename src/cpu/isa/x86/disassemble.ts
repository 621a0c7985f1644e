/** One instruction as text, in AT&T syntax as objdump writes it. */
import type { FetchByte } from '../front-end.ts';
import { DECODED, type Decoder } from './decoder.ts';

export function disassemble(
  d: Decoder,
  pc: number,
  mode: number,
  fetch: FetchByte,
): { readonly text: string; readonly length: number } {
  const status = d.decode(pc >>> 0, mode, fetch, true);
  if (status !== DECODED || d.form === null) return { text: '(bad)', length: 1 };
  return { text: d.form.insn.name, length: d.length };
}
