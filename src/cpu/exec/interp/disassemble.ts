/** A block's bytecode as text: handler names and the words that follow them. */
import type { FrontEnd } from '../../isa/front-end.ts';
import type { Handler } from './handlers/handler.ts';
import { createHandlers } from './handlers.ts';

/** Ops after which no other of the block follows. */
const ENDS = /^(goto|gotom|br|cmp|test|jind|jpc|leave)\b|^raise$/;

/** Bytecode to text, for one target. */
export function bytecodePrinter(frontEnd: FrontEnd): (memory: Uint16Array, code: number) => string {
  const handlers: readonly Handler[] = createHandlers(frontEnd, { type: 0 });
  const nameOf = ({ name }: Handler): string => {
    const helper = /^call\.(\d+)$/.exec(name);
    return helper === null ? name : `call ${frontEnd.helpers[Number(helper[1])]?.name}`;
  };
  return (memory, code) => {
    const lines: string[] = [];
    for (let at = code >> 1; ; ) {
      const handler = handlers[memory[at] as number];
      if (handler === undefined) {
        lines.push(`  BUG: opcode ${memory[at]}`);
        break;
      }
      const words = Array.from(memory.subarray(at + 1, at + handler.units), (w) => w.toString(16).padStart(4, '0'));
      lines.push(`  ${nameOf(handler).padEnd(22)} ${words.join(' ')}`.trimEnd());
      at += handler.units;
      if (ENDS.test(handler.name)) break;
    }
    return `${lines.join('\n')}\n`;
  };
}
