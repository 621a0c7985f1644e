/**
 * QEMU's option lists: `value,key=value,flag` with `,,` for a comma inside a value (qemu-options(7), "-option
 * key=value"). Keys keep their order; a list may name a key several times.
 */
export interface KeyValue {
  readonly key: string;
  readonly value: string;
  /** How a key without `=` was written, for the parsers that refuse or warn about it; undefined for `key=value`. */
  readonly bare?: 'implied' | 'flag';
}

/**
 * Splits an option list. A first item without `=` is the value of `implied`, if there is one; any other item without
 * `=` is a flag: `key` means `key=on`, `nokey` means `key=off`.
 */
export function parseKeyValues(text: string, implied?: string): readonly KeyValue[] {
  const items: KeyValue[] = [];
  let rest = text;
  while (rest !== '') {
    const nameEnd = rest.search(/[=,]/);
    const hasValue = nameEnd >= 0 && rest[nameEnd] === '=';
    if (!hasValue && items.length === 0 && implied !== undefined) {
      const [value, after] = takeValue(rest);
      items.push({ key: implied, value, bare: 'implied' });
      rest = after;
    } else if (hasValue) {
      const [value, after] = takeValue(rest.slice(nameEnd + 1));
      items.push({ key: rest.slice(0, nameEnd), value });
      rest = after;
    } else {
      const name = nameEnd < 0 ? rest : rest.slice(0, nameEnd);
      rest = nameEnd < 0 ? '' : rest.slice(nameEnd + 1);
      if (name === '') continue;
      const off = name.startsWith('no') && name.length > 2;
      items.push(off ? { key: name.slice(2), value: 'off', bare: 'flag' } : { key: name, value: 'on', bare: 'flag' });
    }
  }
  return items;
}

/** The value at the start of `text`, its commas undoubled, and what follows the comma that ends it. */
function takeValue(text: string): [value: string, rest: string] {
  let value = '';
  for (let at = 0; at < text.length; at++) {
    if (text[at] === ',') {
      if (text[at + 1] !== ',') return [value, text.slice(at + 1)];
      at++;
    }
    value += text[at];
  }
  return [value, ''];
}
