/**
 * The monitor's expressions: 64-bit signed integers in C's notation, characters, $registers, and the operators
 * + - (lowest), & | ^, * / % (highest), unary + - ~ and parentheses. Their precedence is QEMU's, not C's.
 */
import { HmpError } from './hmp-error.ts';
import type { TextReader } from './text-reader.ts';

/** The value of a register, sign-extended; undefined if there is none of that name. */
export type RegisterLookup = (name: string) => bigint | undefined;

type BinaryOperator = (a: bigint, b: bigint) => bigint;

const LEVELS: readonly ReadonlyMap<string, BinaryOperator>[] = [
  new Map<string, BinaryOperator>([
    ['+', (a, b) => a + b],
    ['-', (a, b) => a - b],
  ]),
  new Map<string, BinaryOperator>([
    ['&', (a, b) => a & b],
    ['|', (a, b) => a | b],
    ['^', (a, b) => a ^ b],
  ]),
  new Map<string, BinaryOperator>([
    ['*', (a, b) => a * b],
    ['/', divide((a, b) => a / b)],
    ['%', divide((a, b) => a % b)],
  ]),
];

function divide(operator: BinaryOperator): BinaryOperator {
  return (a, b) => {
    if (b === 0n) throw new HmpError('division by zero');
    return operator(a, b);
  };
}

/** Reads an expression as far as it goes. */
export function readExpression(text: TextReader, registers: RegisterLookup): bigint {
  text.skipSpace();
  return readLevel(text, registers, 0);
}

function readLevel(text: TextReader, registers: RegisterLookup, level: number): bigint {
  const operators = LEVELS[level];
  if (operators === undefined) return readUnary(text, registers);
  let value = readLevel(text, registers, level + 1);
  for (;;) {
    const apply = operators.get(text.peek);
    if (apply === undefined) return value;
    text.advance();
    value = BigInt.asIntN(64, apply(value, readLevel(text, registers, level + 1)));
  }
}

function readUnary(text: TextReader, registers: RegisterLookup): bigint {
  text.skipSpace();
  switch (text.peek) {
    case '+':
      text.advance();
      return readUnary(text, registers);
    case '-':
      text.advance();
      return BigInt.asIntN(64, -readUnary(text, registers));
    case '~':
      text.advance();
      return ~readUnary(text, registers);
    case '(':
      return readParenthesized(text, registers);
    case "'":
      return readCharacter(text);
    case '$':
      return readRegister(text, registers);
    case '':
      throw new HmpError('unexpected end of expression');
    default:
      return readNumber(text);
  }
}

function readParenthesized(text: TextReader, registers: RegisterLookup): bigint {
  text.advance();
  const value = readExpression(text, registers);
  if (text.peek !== ')') throw new HmpError("')' expected");
  text.advance();
  text.skipSpace();
  return value;
}

function readCharacter(text: TextReader): bigint {
  text.advance();
  if (text.peek === '') throw new HmpError('character constant expected');
  const value = BigInt(text.advance().charCodeAt(0));
  if (text.peek !== "'") throw new HmpError("missing terminating ' character");
  text.advance();
  text.skipSpace();
  return value;
}

function readRegister(text: TextReader, registers: RegisterLookup): bigint {
  text.advance();
  const name = text.match(/[A-Za-z0-9_.]*/y);
  text.skipSpace();
  const value = registers(name);
  if (value === undefined) throw new HmpError('unknown register');
  return value;
}

function readNumber(text: TextReader): bigint {
  const digits = text.match(/0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*/y);
  if (digits === '') throw new HmpError(`invalid char '${text.peek}' in expression`);
  const value = BigInt(/^0[0-7]/.test(digits) ? `0o${digits.slice(1)}` : digits);
  if (value >= 1n << 64n) throw new HmpError('number too large');
  text.skipSpace();
  return BigInt.asIntN(64, value);
}
