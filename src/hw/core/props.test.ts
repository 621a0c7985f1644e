import { expect, test } from 'vitest';
import { parseProps, prop, propsHelp } from './props.ts';

const props = {
  iobase: prop.u32(0x501),
  irq: prop.u8(3),
  wakeup: prop.bool(false),
  chardev: prop.link('chardev', { name: 'null' }, 'ID of a chardev to use as a backend'),
  hook: prop.code(() => {}),
};
const backend = { name: 'com1' };
const parse = (texts: Record<string, string>) =>
  parseProps('dev', props, texts, (kind, id) => (kind === 'chardev' && id === 'com1' ? backend : undefined));

test('numbers, switches and references are read as QEMU reads them', () => {
  expect(parse({ iobase: '0xf4', irq: '010', wakeup: 'on', chardev: 'com1' })).toEqual({
    iobase: 0xf4,
    irq: 8,
    wakeup: true,
    chardev: backend,
  });
});

test.each([
  [{ iobase: 'zz' }, "Parameter 'iobase' expects integer"],
  [{ iobase: '1k' }, "Parameter 'iobase' expects integer"],
  [{ iobase: '0x123456789' }, "Parameter 'iobase' expects uint32_t"],
  [{ iobase: '-1' }, "Parameter 'iobase' expects uint32_t"],
  [{ irq: '300' }, "Parameter 'irq' expects uint8_t"],
  [{ wakeup: 'maybe' }, "Parameter 'wakeup' expects 'on' or 'off'"],
  [{ foo: '1' }, "Property 'dev.foo' not found"],
  [{ hook: '1' }, "Property 'dev.hook' not found"],
  [{ constructor: '1' }, "Property 'dev.constructor' not found"],
  [{ chardev: 'nope' }, "Property 'dev.chardev' can't find value 'nope'"],
])('%o: the message of QEMU 7.2', (texts, message) => {
  expect(() => parse(texts)).toThrow(message);
});

test('help lists what a user can set', () => {
  expect(propsHelp('dev', props)).toBe(
    [
      'dev options:',
      '  chardev=<str>          - ID of a chardev to use as a backend',
      '  iobase=<uint32>        -  (default: 1281)',
      '  irq=<uint8>            -  (default: 3)',
      '  wakeup=<bool>          -  (default: false)',
    ].join('\n'),
  );
});
