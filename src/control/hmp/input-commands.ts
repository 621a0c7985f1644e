/** Commands that act as keyboard and mouse. */
import { keyByName, keyByNumber } from '../../input/keys.ts';
import { sendKey } from '../commands/input.ts';
import { type ArgumentReader, expression, type HmpCommand, hmpCommand } from './hmp-command.ts';
import { HmpError } from './hmp-error.ts';

const MAX_KEYS = 16;

/** A word that must be there. */
const wordFor =
  (command: string): ArgumentReader<string> =>
  (text) => {
    text.skipSpace();
    const found = text.match(/\S+/y);
    if (found === '') throw new HmpError(`${command}: string expected`);
    return found;
  };

const optionalNumber: ArgumentReader<number | undefined> = (text, session) => {
  text.skipSpace();
  return text.peek === '' ? undefined : Number(expression(text, session));
};

/** A number as C's strtol reads it: what follows it is left alone. */
const strtol = (text: string): number => {
  const found = /^[+-]?(?:0x[0-9a-f]+|\d+)/i.exec(text)?.[0] ?? '0';
  return found.startsWith('-') ? -Number(found.slice(1)) : Number(found);
};

/** `ctrl-alt-delete`: names, or numbers such as 0x1e. */
function keyNames(text: string): string[] {
  const names = text.split('-');
  if (names.length > MAX_KEYS) throw new HmpError('too many keys');
  return names.map((name) => {
    const plain = name === '<' ? 'less' : name;
    const key = /^0x[0-9a-f]+$/i.test(plain) ? keyByNumber(Number(plain)) : keyByName(plain);
    if (key === undefined) throw new HmpError(`invalid parameter: ${name}`);
    return key.name;
  });
}

export const inputCommands: readonly HmpCommand[] = [
  hmpCommand({
    names: ['mouse_button'],
    usage: 'state',
    help: 'change mouse button state (1=L, 2=M, 4=R)',
    readers: { state: expression },
    run({ state }, { vm }) {
      vm.input.pointer({ buttons: Number(state & 7n) });
      return '';
    },
  }),
  hmpCommand({
    names: ['mouse_move'],
    usage: 'dx dy [dz]',
    help: 'send mouse move events',
    readers: { dx: wordFor('mouse_move'), dy: wordFor('mouse_move'), dz: optionalNumber },
    run({ dx, dy, dz }, { vm }) {
      vm.input.pointer({ dx: strtol(dx), dy: strtol(dy) });
      // As QEMU: one step of the wheel, upwards for a positive number.
      if (dz !== undefined && dz !== 0) vm.input.pointer({ dz: dz > 0 ? -1 : 1 });
      return '';
    },
  }),
  hmpCommand({
    names: ['mouse_set'],
    usage: 'index',
    help: 'set which mouse device receives events',
    readers: { index: expression },
    run({ index }, { vm }) {
      return vm.input.chooseMouse(Number(index)) ? '' : `Mouse at index '${index}' not found\n`;
    },
  }),
  hmpCommand({
    names: ['sendkey'],
    usage: 'keys [hold_ms]',
    help: "send keys to the VM (e.g. 'sendkey ctrl-alt-f1', default hold time=100 ms)",
    readers: { keys: wordFor('sendkey'), hold: optionalNumber },
    async run({ keys, hold }, { vm }) {
      const values = keyNames(keys).map((data) => ({ type: 'qcode', data }));
      await sendKey.run({ keys: values, 'hold-time': hold }, vm);
      return '';
    },
  }),
];
