/** Text as the keys that type it on a US keyboard. */
import { keyByName } from './keys.ts';

const BREAK = 0x80;

/** Characters of each key, without and with Shift. */
const LAYOUT: Readonly<Record<string, string>> = {
  grave_accent: '`~',
  1: '1!',
  2: '2@',
  3: '3#',
  4: '4$',
  5: '5%',
  6: '6^',
  7: '7&',
  8: '8*',
  9: '9(',
  0: '0)',
  minus: '-_',
  equal: '=+',
  bracket_left: '[{',
  bracket_right: ']}',
  backslash: '\\|',
  semicolon: ';:',
  apostrophe: '\'"',
  comma: ',<',
  dot: '.>',
  slash: '/?',
  spc: ' ',
  tab: '\t',
  ret: '\n',
  ...Object.fromEntries([...'abcdefghijklmnopqrstuvwxyz'].map((letter) => [letter, letter + letter.toUpperCase()])),
};

const strokes = new Map(
  Object.entries(LAYOUT).flatMap(([name, characters]) =>
    [...characters].map((character, i) => [character, { code: codeOf(name), shifted: i === 1 }] as const),
  ),
);

function codeOf(name: string): number {
  const key = keyByName(name);
  if (key === undefined || key.set1 > BREAK) throw new Error(`BUG: '${name}' cannot be typed`);
  return key.set1;
}

export interface Typing {
  /** Make and break codes of scan code set 1. */
  readonly codes: Uint8Array<ArrayBuffer>;
  /** Characters that this keyboard has not, each once. */
  readonly untypable: readonly string[];
}

/** Line ends of every kind become Enter; what the keyboard has not is left out and reported. */
export function typingOf(text: string): Typing {
  const shift = codeOf('shift');
  const codes: number[] = [];
  const untypable = new Set<string>();
  let held = false;
  const hold = (shifted: boolean): void => {
    if (shifted !== held) codes.push(shifted ? shift : shift | BREAK);
    held = shifted;
  };
  for (const character of text.replace(/\r\n?/g, '\n')) {
    const stroke = strokes.get(character);
    if (stroke === undefined) {
      untypable.add(character);
      continue;
    }
    hold(stroke.shifted);
    codes.push(stroke.code, stroke.code | BREAK);
  }
  hold(false);
  return { codes: Uint8Array.from(codes), untypable: [...untypable] };
}
