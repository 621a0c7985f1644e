import { keyByName, keyByNumber } from '../../input/keys.ts';
import { VmError } from '../../util/errors.ts';
import { command } from '../command.ts';
import { arrayOf, bool, int, optional, str, struct } from '../schema.ts';

const DEFAULT_HOLD_MS = 100;
const MAX_HOLD_MS = 0x7fff_ffff;

export const sendKey = command({
  name: 'send-key',
  doc: 'Send keys to guest.',
  args: struct({ keys: arrayOf(struct({ type: str, data: anyKey() })), 'hold-time': optional(int) }),
  returns: struct({}),
  run({ keys, 'hold-time': hold = DEFAULT_HOLD_MS }, { input }) {
    if (hold < 0 || hold > MAX_HOLD_MS) throw new VmError("Parameter 'hold-time' expects a time in milliseconds");
    const names = keys.map(({ data }) => {
      const key = typeof data === 'number' ? keyByNumber(data) : keyByName(data);
      if (key === undefined) throw new VmError(`Parameter 'data' does not accept value '${data}'`);
      return key.name;
    });
    for (const name of names) input.key(name, true, hold);
    for (const name of names.reverse()) input.key(name, false, hold);
    return {};
  },
});

/** A key's name (type `qcode`) or number (`number`). */
function anyKey() {
  return {
    qapi: 'KeyValue',
    parse: (value: unknown, path: string): string | number =>
      typeof value === 'number' ? int.parse(value, path) : str.parse(value, path),
  };
}

export const queryMice = command({
  name: 'query-mice',
  doc: 'Returns information about each active mouse device.',
  args: struct({}),
  returns: arrayOf(struct({ name: str, index: int, current: bool, absolute: bool })),
  run: (_args, { input }) =>
    input.mice.map(({ name, index, current, absolute }) => ({ name, index, current, absolute })),
});
