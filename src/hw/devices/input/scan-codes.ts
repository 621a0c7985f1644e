/**
 * Keys by QEMU's names (QKeyCode of ui.json) and their scan codes. Each key is listed once, with its set-1 make code;
 * set 2 follows from the table with which the i8042 translates set 2 into set 1 (IBM PS/2 Hardware Interface Technical
 * Reference, 1991, "Keyboard Controller", scan code translation).
 */

/** Keys with a code of one byte. Numbers are the codes from 01h on, in order; '-' leaves a code out. */
const PLAIN = `esc 1 2 3 4 5 6 7 8 9 0 minus equal backspace tab q w e r t y u i o p bracket_left bracket_right ret ctrl
 a s d f g h j k l semicolon apostrophe grave_accent shift backslash z x c v b n m comma dot slash shift_r kp_multiply
 alt spc caps_lock f1 f2 f3 f4 f5 f6 f7 f8 f9 f10 num_lock scroll_lock kp_7 kp_8 kp_9 kp_subtract kp_4 kp_5 kp_6 kp_add
 kp_1 kp_2 kp_3 kp_0 kp_decimal sysrq - less f11 f12 kp_equals`.split(/\s+/);

/** Keys whose code follows E0h. */
const EXTENDED: Readonly<Record<string, number>> = {
  kp_enter: 0x1c,
  ctrl_r: 0x1d,
  kp_divide: 0x35,
  alt_r: 0x38,
  home: 0x47,
  up: 0x48,
  pgup: 0x49,
  left: 0x4b,
  right: 0x4d,
  end: 0x4f,
  down: 0x50,
  pgdn: 0x51,
  insert: 0x52,
  delete: 0x53,
  meta_l: 0x5b,
  meta_r: 0x5c,
  menu: 0x5d,
  power: 0x5e,
  sleep: 0x5f,
  wake: 0x63,
};

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

interface KeyCode {
  readonly extended: boolean;
  readonly set1: number;
}

const KEYS = new Map<string, KeyCode>([
  ...PLAIN.map((name, i) => [name, { extended: false, set1: i + 1 }] as const).filter(([name]) => name !== '-'),
  ...Object.entries(EXTENDED).map(([name, set1]) => [name, { extended: true, set1 }] as const),
]);

/** Names of all keys that a keyboard here has. */
export const keyNames: readonly string[] = [...KEYS.keys(), 'print', 'pause'];

const isKnownSet = (set: number): set is 1 | 2 => set === 1 || set === 2;

/** The bytes that a keyboard sends for a key; undefined for a name that it does not have. */
export function scanCodes(key: string, down: boolean, set: number): readonly number[] | undefined {
  if (!isKnownSet(set)) return undefined;
  if (key === 'pause') return down ? PAUSE[set] : [];
  if (key === 'print') return (down ? PRINT_MAKE : PRINT_BREAK)[set];
  const code = KEYS.get(key);
  if (code === undefined) return undefined;
  const prefix = code.extended ? [0xe0] : [];
  if (set === 1) return [...prefix, down ? code.set1 : code.set1 | 0x80];
  const set2 = SET1_TO_SET2.get(code.set1) ?? code.set1;
  return down ? [...prefix, set2] : [...prefix, 0xf0, set2];
}

// Pause has a make code only; Print Screen sends a shift with it.
const PAUSE = {
  1: [0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5],
  2: [0xe1, 0x14, 0x77, 0xe1, 0xf0, 0x14, 0xf0, 0x77],
} as const;
const PRINT_MAKE = { 1: [0xe0, 0x2a, 0xe0, 0x37], 2: [0xe0, 0x12, 0xe0, 0x7c] } as const;
const PRINT_BREAK = { 1: [0xe0, 0xb7, 0xe0, 0xaa], 2: [0xe0, 0xf0, 0x7c, 0xe0, 0xf0, 0x12] } as const;
