/** Where the beam is: a function of the CRT controller's registers and of guest time. */
import { CR, SR, SR_CLOCKING, type VgaState } from './vga-state.ts';

const DISPLAY_OFF = 0x01; // of input status register 1
const VERTICAL_RETRACE = 0x08;

/** MSR bits 2 and 3; the external clocks of values 2 and 3 are not connected. */
const DOT_CLOCKS_HZ = [25_175_000, 28_322_000, 25_175_000, 25_175_000] as const;

/** Input status register 1: bit 0, no display (either retrace, or blank); bit 3, vertical retrace. */
export function beamStatus(s: VgaState, ns: number): number {
  const { cr, sr } = s;
  const reg = (index: number): number => cr[index] ?? 0;
  const clocking = sr[SR.CLOCKING] ?? 0;
  const dots = clocking & SR_CLOCKING.EIGHT_DOTS ? 8 : 9;
  const hz = (DOT_CLOCKS_HZ[(s.msr >> 2) & 3] ?? DOT_CLOCKS_HZ[0]) / (clocking & SR_CLOCKING.HALF_CLOCK ? 2 : 1);
  const overflow = reg(CR.OVERFLOW);
  const tenBits = (low: number, bit8: number, bit9: number): number =>
    low | (overflow & bit8 ? 0x100 : 0) | (overflow & bit9 ? 0x200 : 0);

  const lineChars = reg(CR.H_TOTAL) + 5;
  const frameLines = tenBits(reg(CR.V_TOTAL), 0x01, 0x20) + 2;
  const displayLines = tenBits(reg(CR.V_DISPLAY_END), 0x02, 0x40) + 1;
  const retraceStart = tenBits(reg(CR.V_RETRACE_START), 0x04, 0x80);
  // The end is the low four bits of the line that ends it.
  const retraceLines = (reg(CR.V_RETRACE_END) - retraceStart) & 0xf || 16;

  const charNs = (dots * 1e9) / hz;
  const frameNs = lineChars * frameLines * charNs;
  const inFrame = (ns % frameNs) / charNs;
  const line = Math.floor(inFrame / lineChars);
  const column = inFrame - line * lineChars;
  const isRetrace = line >= retraceStart && line < retraceStart + retraceLines;
  const isDisplay = line < displayLines && column < reg(CR.H_DISPLAY_END) + 1;
  return (isDisplay ? 0 : DISPLAY_OFF) | (isRetrace ? VERTICAL_RETRACE : 0);
}
