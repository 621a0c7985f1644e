/**
 * What a keyboard sends for a key. Sets 1 and 3 are in the table of keys; set 2 follows from the table with which the
 * i8042 translates set 2 into set 1 (IBM PS/2 Hardware Interface Technical Reference, 1991, "Keyboard Controller", scan
 * code translation).
 */
import { keyByName } from '../../../input/keys.ts';

/** The i8042's translation of set 2 codes 00h to 84h; higher codes stay as they are. */
const SET2_TO_SET1 = Uint8Array.from(
  `ff 43 41 3f 3d 3b 3c 58 64 44 42 40 3e 0f 29 59 65 38 2a 70 1d 10 02 5a 66 71 2c 1f 1e 11 03 5b
   67 2e 2d 20 12 05 04 5c 68 39 2f 21 14 13 06 5d 69 31 30 23 22 15 07 5e 6a 72 32 24 16 08 09 5f
   6b 33 25 17 18 0b 0a 60 6c 34 35 26 27 19 0c 61 6d 73 28 74 1a 0d 62 6e 3a 36 1c 1b 75 2b 63 76
   55 56 77 78 79 7a 0e 7b 7c 4f 7d 4b 47 7e 7f 6f 52 53 50 4c 4d 48 01 45 57 4e 51 4a 37 49 46 54
   80 81 82 41 54`
    .split(/\s+/)
    .map((code) => Number.parseInt(code, 16)),
);

/** Set 1 of a set 2 code, as the i8042 translates it. */
export const translateScanCode = (set2: number): number => SET2_TO_SET1[set2] ?? set2;

const SET1_TO_SET2 = new Map([...SET2_TO_SET1.entries()].reverse().map(([set2, set1]) => [set1, set2] as const));
// Two codes of set 2 translate to the same one: keyboards send these.
SET1_TO_SET2.set(0x41, 0x83); // F7
SET1_TO_SET2.set(0x54, 0x84); // SysRq

/** Held keys that change what others send. */
export const MODIFIER = { ALT: 0x01, ALT_R: 0x02, CTRL: 0x04, CTRL_R: 0x08, SHIFT: 0x10, SHIFT_R: 0x20 } as const;
const MODIFIERS: Readonly<Record<string, number>> = {
  alt: MODIFIER.ALT,
  alt_r: MODIFIER.ALT_R,
  ctrl: MODIFIER.CTRL,
  ctrl_r: MODIFIER.CTRL_R,
  shift: MODIFIER.SHIFT,
  shift_r: MODIFIER.SHIFT_R,
};
const ANY_CTRL = MODIFIER.CTRL | MODIFIER.CTRL_R;
const ANY_SHIFT = MODIFIER.SHIFT | MODIFIER.SHIFT_R;

/** The bit of a modifier key; 0 for all others. */
export const modifierOf = (key: string): number => MODIFIERS[key] ?? 0;

type ScanCodeSet = 1 | 2 | 3;

const BREAK = 0x80;
const BREAK_PREFIX = 0xf0;
const SYSRQ = 0x54; // set 1

function codes(set1: number, down: boolean, set: 1 | 2): number[] {
  const prefix = set1 > 0xff ? [0xe0] : [];
  const code = set1 & 0x7f;
  if (set === 1) return [...prefix, down ? code : code | BREAK];
  const set2 = SET1_TO_SET2.get(code) ?? code;
  return down ? [...prefix, set2] : [...prefix, BREAK_PREFIX, set2];
}

/** The bytes that a keyboard sends for a key while modifiers are held; none for a key that it does not have. */
export function scanCodes(name: string, down: boolean, set: ScanCodeSet, held = 0): readonly number[] {
  const key = keyByName(name);
  if (key === undefined) return [];
  if (set === 3) {
    if (key.set3 === undefined) return [];
    return down ? [key.set3] : [BREAK_PREFIX, key.set3];
  }
  switch (name) {
    case 'pause':
      return pauseCodes(key.set1, down, set, held);
    case 'print':
    case 'sysrq':
      return printCodes(key.set1, down, set, held);
    case 'lang1':
    case 'lang2':
      // Keyboards of Korea send these once, with their break bit. They lie outside the translation.
      return down ? codes(key.set1, false, 1) : [];
    default:
      return codes(key.set1, down, set);
  }
}

/** Pause sends all at once when it goes down; with Ctrl it is Break. */
function pauseCodes(set1: number, down: boolean, set: 1 | 2, held: number): readonly number[] {
  if (!down) return [];
  if (held & ANY_CTRL) return [...codes(set1, true, set), ...codes(set1, false, set)];
  return set === 1 ? [0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5] : [0xe1, 0x14, 0x77, 0xe1, 0xf0, 0x14, 0xf0, 0x77];
}

/** Print Screen sends a shift with it, unless one is held; with Alt, which it releases for the time, it is SysRq. */
function printCodes(set1: number, down: boolean, set: 1 | 2, held: number): readonly number[] {
  const alt = held & MODIFIER.ALT ? 0x38 : held & MODIFIER.ALT_R ? 0xe038 : undefined;
  if (alt !== undefined) {
    const altAgain = [...codes(alt, false, set), ...codes(alt, true, set)];
    return down ? [...altAgain, ...codes(SYSRQ, true, set)] : [...codes(SYSRQ, false, set), ...altAgain];
  }
  const own = codes(set1, down, set);
  if (held & (ANY_CTRL | ANY_SHIFT)) return own;
  const shift = codes(0xe02a, down, set);
  return down ? [...shift, ...own] : [...own, ...shift];
}
