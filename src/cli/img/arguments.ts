/** A command's options and operands, as getopt_long takes them: in any order, short ones joined, values attached or not. */
import { VmError } from '../../util/errors.ts';

/** Options by their names without hyphens; true: it takes a value. */
export type OptionNames = Readonly<Record<string, boolean>>;

export interface Arguments {
  has(name: string): boolean;
  /** The last value given. */
  get(name: string): string | undefined;
  /** All values given. */
  all(name: string): readonly string[];
  readonly operands: readonly string[];
}

const HINT = "Try 'lockstep-img --help' for more information";

export function usage(message: string): VmError {
  return new VmError(message, { hint: HINT });
}

export function parseArguments(words: readonly string[], names: OptionNames): Arguments {
  const given: { readonly name: string; readonly value: string }[] = [];
  const operands: string[] = [];
  let onlyOperands = false;
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    if (onlyOperands || !word.startsWith('-') || word === '-') {
      operands.push(word);
    } else if (word === '--') {
      onlyOperands = true;
    } else if (word.startsWith('--')) {
      const [name = '', value] = splitOnce(word.slice(2), '=');
      const takesValue = name.length > 1 ? names[name] : undefined;
      if (takesValue === undefined) throw usage(`unrecognized option '${word}'`);
      if (!takesValue && value !== undefined) throw usage(`option '--${name}' doesn't allow an argument`);
      const taken = takesValue ? (value ?? words[++i]) : '';
      if (taken === undefined) throw usage(`option '--${name}' requires an argument`);
      given.push({ name, value: taken });
    } else {
      for (let at = 1; at < word.length; at++) {
        const name = word[at]!;
        const takesValue = names[name];
        if (takesValue === undefined) throw usage(`invalid option -- '${name}'`);
        if (!takesValue) {
          given.push({ name, value: '' });
          continue;
        }
        const value = at + 1 < word.length ? word.slice(at + 1) : words[++i];
        if (value === undefined) throw usage(`option requires an argument -- '${name}'`);
        given.push({ name, value });
        break;
      }
    }
  }
  return {
    has: (name) => given.some((option) => option.name === name),
    get: (name) => given.findLast((option) => option.name === name)?.value,
    all: (name) => given.filter((option) => option.name === name).map(({ value }) => value),
    operands,
  };
}

function splitOnce(text: string, separator: string): [string, string?] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

/** `name=value,name=value`, with `,,` for a comma in a value, as often as it was given. */
export function parsePairs(texts: readonly string[]): Map<string, string> {
  const pairs = new Map<string, string>();
  for (const text of texts) {
    for (const part of text.split(/(?<!,),(?!,)/)) {
      const [name, value = 'on'] = splitOnce(part.replaceAll(',,', ','), '=');
      pairs.set(name, value);
    }
  }
  return pairs;
}

/** The one operand of a command that takes an image's name. */
export function oneImage({ operands }: Arguments): string {
  if (operands.length !== 1) throw usage('Expecting one image file name');
  return operands[0]!;
}

export function outputForm(args: Arguments): 'human' | 'json' {
  const form = args.get('output') ?? 'human';
  if (form !== 'human' && form !== 'json') throw usage('--output must be used with human or json as argument.');
  return form;
}
