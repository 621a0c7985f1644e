/** A command of the human monitor: names, usage, help and argument readers in one declaration. */
import type { CpuView, VmControl } from '../vm-control.ts';
import { type RegisterLookup, readExpression } from './expression.ts';
import { type Format, readFormat } from './format.ts';
import type { TextReader } from './text-reader.ts';

/** One monitor connection: what its commands work on and what sticks between them. */
export interface Session {
  readonly vm: VmControl;
  readonly cpu: CpuView;
  format: Format;
}

export type ArgumentReader<T> = (text: TextReader, session: Session) => T;
type Readers = Readonly<Record<string, ArgumentReader<unknown>>>;
type Values<R extends Readers> = { readonly [K in keyof R]: R[K] extends ArgumentReader<infer T> ? T : never };

export interface HmpCommand {
  /** The name and its short forms. */
  readonly names: readonly string[];
  readonly usage: string;
  readonly help: string;
  readonly readers: Readers;
  /** The text to print; lines ended. */
  run(args: Readonly<Record<string, unknown>>, session: Session): string | Promise<string>;
}

export const hmpCommand = <R extends Readers>(declaration: {
  readonly names: readonly string[];
  readonly usage?: string;
  readonly help: string;
  readonly readers: R;
  run(args: Values<R>, session: Session): string | Promise<string>;
}): HmpCommand => ({ usage: '', ...declaration }) as unknown as HmpCommand;

/** `help`'s line about a command. */
export const helpLine = ({ names, usage, help }: HmpCommand, prefix = ''): string =>
  `${prefix}${names.join('|')} ${usage} -- ${help}\n`;

/** Looks registers up for an expression: QEMU sign-extends them from the processor's width. */
export const registersOf =
  (cpu: CpuView): RegisterLookup =>
  (name) => {
    const value = cpu.register(name);
    return value === undefined ? undefined : BigInt.asIntN(cpu.addressDigits * 4, value);
  };

export const expression: ArgumentReader<bigint> = (text, { cpu }) => readExpression(text, registersOf(cpu));

export const format: ArgumentReader<Format> = (text, session) => {
  session.format = readFormat(text, session.format);
  return session.format;
};

/** The rest of the line, without the space around it. */
export const restOfLine: ArgumentReader<string> = (text) => text.match(/.*/y).trim();

/** A word that may be missing. */
export const optionalWord: ArgumentReader<string> = (text) => {
  text.skipSpace();
  return text.match(/\S*/y);
};
