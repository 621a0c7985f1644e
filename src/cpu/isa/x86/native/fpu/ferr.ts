/** Numeric errors with CR0.NE clear: FERR#, and IGNNE# as a PC answers (SDM volume 1, 8.7.2 and appendix D). AssemblyScript. */
import { FERR_IGNORED, FERR_RAISED, FPU_ES, FPU_FERR, FPU_STATUS, FPU_TRAPPED } from '../../fpu-layout';
import { CR0_NE, F_CR0 } from '../../layout';

/** Call after any change of CR0.NE or FPU_FERR. */
export function updateTrapped(): void {
  const stops = (load<u32>(F_CR0) & CR0_NE) != 0 || load<u32>(FPU_FERR) == 0;
  store<u32>(FPU_TRAPPED, stops ? FPU_ES : 0);
}

function setFerr(value: u32): void {
  store<u32>(FPU_FERR, value);
  updateTrapped();
}

/** A waiting instruction has met a pending exception: true if FERR# reports it, and no #MF is to be delivered. */
export function reportByFerr(): bool {
  if ((load<u32>(F_CR0) & CR0_NE) != 0) return false;
  setFerr(FERR_RAISED);
  return true;
}

/** Port F0H was written. The chip set drives IGNNE# only while FERR# is active (82371SB, order 290550-002: IGNNE#). */
export function ferr_ignored(): void {
  const reported = load<u32>(FPU_FERR) != 0 && (load<u32>(FPU_STATUS) & FPU_ES) != 0;
  setFerr(reported ? FERR_IGNORED : 0);
}

/** No exception is pending any more: FERR# goes, and with it IGNNE#. */
export function ferrGone(): void {
  if (load<u32>(FPU_FERR) == FERR_IGNORED) setFerr(0);
}
