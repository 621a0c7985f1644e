import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createFakeVm } from '../vm-control.fixture.ts';
import { createHumanMonitor } from './hmp.ts';

/** Runs the lines on one monitor and gives the output of the last. */
async function hmp(...lines: string[]): Promise<string> {
  const monitor = createHumanMonitor(createFakeVm());
  let output = '';
  for (const line of lines) output = await monitor.execute(line);
  return output;
}

describe('p, as native QEMU 7.2 answers', () => {
  test.each([
    ['p 1+2*3', '0x7'],
    ['print/d -5', '-5'],
    ['p/x (1+2)*0x10', '0x30'],
    ['p/c 65', "'A'"],
    ['p/c 39', "'\\''"],
    ['p/c 234', "'\\xea'"],
    ['p/o 8', '010'],
    ['p/o 0', '0'],
    ['p 0', '0'],
    ['p/u -1', '18446744073709551615'],
    ['p/d 18446744073709551615', '-1'],
    ["p 'a'", '0x61'],
    ['p ~1', '0xfffffffffffffffe'],
    ['p 7%4', '0x3'],
    ['p 6&3|8^1', '0xb'],
    ['p 1|2+4', '0x7'],
    ['p 010', '0x8'],
    ['p --1', '0x1'],
    ['   p    1', '0x1'],
    ['p $cs', '0xf000'],
    ['p $cs.base', '0xffffffffffff0000'],
    ['p/d $eip + 1', '65521'],
    ['p -7/2', '0xfffffffffffffffd'],
  ])('%s', async (line, expected) => {
    expect(await hmp(line)).toBe(`${expected}\n`);
  });

  test.each([
    ['p $foo', 'unknown register'],
    ['p 1/0', 'division by zero'],
    ['p 1+', 'unexpected end of expression'],
    ['p', 'unexpected end of expression'],
    ['p (1', "')' expected"],
    ["p 'a", "missing terminating ' character"],
    ["p '", 'character constant expected'],
    ['p #', "invalid char '#' in expression"],
    ['p 99999999999999999999999', 'number too large'],
    ['p 0x1zz', 'print|p: extraneous characters at the end of line'],
    ['p 08', 'print|p: extraneous characters at the end of line'],
    ['p 1 2', 'print|p: extraneous characters at the end of line'],
  ])('%s is refused', async (line, message) => {
    expect(await hmp(line)).toBe(`${message}\nTry "help p" for more information\n`);
  });

  test('the format sticks from one command to the next', async () => {
    expect(await hmp('p/d 1', 'p 16')).toBe('16\n');
    expect(await hmp('x/2c 0xffff0', 'p 65')).toBe("'A'\n");
    expect(await hmp('xp/1i 0xffff0', 'p 65520')).toBe('65520\n');
  });
});

describe('x and xp, as native QEMU 7.2 answers', () => {
  test.each([
    ['xp/8xb 0xffff0', '00000000000ffff0: 0xea 0x5b 0xe0 0x00 0xf0 0x30 0x36 0x2f\n'],
    ['x/4xb 0xffff0', '000ffff0: 0xea 0x5b 0xe0 0x00\n'],
    ['xp/2bd 0xffff0', '00000000000ffff0: 234  91\n'],
    ['xp/2bo 0xffff0', '00000000000ffff0: 0352 0133\n'],
    ['xp/2gx 0xffff0', '00000000000ffff0: 0x2f3630f000e05bea 0x00fc0039392f3332\n'],
    ['xp /2hx    0xffff0', '00000000000ffff0: 0x5bea 0x00e0\n'],
    ['x/3wo 0xffff0', '000ffff0:   070055752 05715430360 07113631462\n'],
    ['x/5wd 0xffff0', '000ffff0:   14703594  792080624  959394610   16515129\n00100000:          0\n'],
    ['x/2bc 0xffff0', "000ffff0: '\\xea' '['\n"],
    ['x/1wc 0xffff0', "000ffff0: '\\xea' '[' '\\xe0' '\\x00'\n"],
    ['x 0xffffffff', 'ffffffff: Cannot access memory\n'],
    ['xp/2wx 0xffffffff', '00000000ffffffff: Cannot access memory\n'],
    ['xp/0x 0', ''],
  ])('%s', async (line, expected) => {
    expect(await hmp(line)).toBe(expected);
  });

  test('the size sticks', async () => {
    expect(await hmp('x/4xb 0', 'xp 0xffff0')).toBe('00000000000ffff0: 0xea\n');
  });

  test('instructions show eight bytes a line', async () => {
    expect(await hmp('xp/2i 0xffff0')).toBe(
      '0x000ffff0:  ea 5b e0 00 f0           ljmpw    $0xf000:$0xe05b\n' +
        '0x000ffff5:  30 36 2f 32 33 2f 39 39  nop\n' +
        '0x000ffffd:  00 fc\n',
    );
    expect(await hmp('x/i 0xfffffff0')).toBe('0xfffffff0: unable to read memory\n');
  });

  test.each([
    ['xp/z 0', 'invalid char in format: \'z\'\nTry "help xp" for more information\n'],
    ['x', 'unexpected end of expression\nTry "help x" for more information\n'],
    ['x/4x', 'unexpected end of expression\nTry "help x" for more information\n'],
    ['x 1 2', 'x: extraneous characters at the end of line\nTry "help x" for more information\n'],
  ])('%s is refused', async (line, expected) => {
    expect(await hmp(line)).toBe(expected);
  });
});

describe('the run state', () => {
  test('info status speaks of running, paused, and why', async () => {
    expect(await hmp('info status')).toBe('VM status: paused (prelaunch)\n');
    expect(await hmp('c', 'info status')).toBe('VM status: running\n');
    expect(await hmp('cont', 's', 'info status')).toBe('VM status: paused\n');
  });

  test('system_reset, nmi and quit reach the machine', async () => {
    const vm = createFakeVm();
    const monitor = createHumanMonitor(vm);
    expect(await monitor.execute('system_reset')).toBe('');
    expect(await monitor.execute('nmi')).toBe('');
    expect(await monitor.execute('q')).toBe('');
    expect(vm.log).toEqual(['reset', 'nmi', 'quit']);
  });

  test('a word too many is refused and nothing happens', async () => {
    const vm = createFakeVm();
    const output = await createHumanMonitor(vm).execute('stop now');
    expect(output).toBe('stop|s: extraneous characters at the end of line\nTry "help stop" for more information\n');
    expect(vm.runState).toBe('prelaunch');
  });
});

describe('the screen', () => {
  test('screendump hands over a picture in PPM, or in the format that -f names', async () => {
    const vm = createFakeVm();
    const monitor = createHumanMonitor(vm);
    expect(await monitor.execute('screendump a.ppm')).toBe('');
    expect(await monitor.execute('screendump b.png -f png')).toBe('');
    expect(vm.log).toEqual(['file a.ppm: ppm', 'file b.png: png']);
    expect(await monitor.execute('screendump c.gif -f gif')).toMatch(
      /^Parameter 'format' does not accept value 'gif'\n/,
    );
    expect(await monitor.execute('screendump')).toBe('screendump: string expected\n');
    expect(vm.log).toHaveLength(2);
  });

  test('x-screen-text prints what is written on it', async () => {
    expect(await hmp('x-screen-text')).toBe('A:\\>\n');
  });
});

describe('info and help', () => {
  test.each([
    ['foo', "unknown command: 'foo'\n"],
    ['info foo', "unknown command: 'info foo'\n"],
    ['help nosuch', "unknown command: 'nosuch'\n"],
    ['help p', 'print|p /fmt expr -- print expression value (use $reg for CPU register access)\n'],
    ['help stop', 'stop|s  -- stop emulation\n'],
    ['help info status', 'info status  -- show the current VM status (running|paused)\n'],
    ['? help', 'help|? [cmd] -- show the help\n'],
    ['info registers', '\nCPU#0\nEAX=00000000\n'],
    ['info registers -a', '\nCPU#0\nEAX=00000000\n'],
    ['info registers 0', '\nCPU#0\nEAX=00000000\n'],
    ['info registers 1', 'CPU#1 not available\n'],
    ['info registers foo', 'invalid char \'f\' in expression\nTry "help info registers" for more information\n'],
    ['info version', '0.1.0\n'],
    ['info name', ''],
    ['balloon 64', 'No balloon device has been activated\n'],
    ['info balloon', 'No balloon device has been activated\n'],
    ['info replay', 'Record/replay is not active\n'],
    ['x-history maybe', "x-history: 'on' or 'off' expected\n"],
    ['x-reverse-step', 'no history is kept: x-history on\n'],
    ['replay_seek 5', ''],
    ['info mice', '  Mouse #3: QEMU HID Tablet (absolute)\n* Mouse #2: QEMU PS/2 Mouse\n'],
    ['mouse_set 3', ''],
    ['mouse_set 9', "Mouse at index '9' not found\n"],
    ['mouse_move 1', 'mouse_move: string expected\nTry "help mouse_move" for more information\n'],
    ['mouse_button', 'unexpected end of expression\nTry "help mouse_button" for more information\n'],
    ['sendkey', 'sendkey: string expected\nTry "help sendkey" for more information\n'],
    ['sendkey a-b-zz 5', 'invalid parameter: zz\n'],
    ['sendkey a x', 'invalid char \'x\' in expression\nTry "help sendkey" for more information\n'],
    ['sendkey a-'.concat('a-'.repeat(16), 'a'), 'too many keys\n'],
    ['info uuid', '00000000-0000-0000-0000-000000000000\n'],
    ['info pic', 'pic0: irr=00\n'],
    ['info jit', 'info jit is not available for this machine\n'],
    ['', ''],
    ['   ', ''],
  ])('%s', async (line, expected) => {
    expect(await hmp(line)).toBe(expected);
  });

  test('help lists every command by name, info every topic', async () => {
    const help = await hmp('help');
    expect(help.split('\n').map((line) => line.split(/[ |]/)[0])).toEqual([
      'balloon',
      'block_resize',
      'change',
      'commit',
      'cont',
      'eject',
      'help',
      'info',
      'mouse_button',
      'mouse_move',
      'mouse_set',
      'nmi',
      'print',
      'quit',
      'replay_seek',
      'screendump',
      'sendkey',
      'stop',
      'system_powerdown',
      'system_reset',
      'system_wakeup',
      'x',
      'x-history',
      'x-reverse-step',
      'x-screen-text',
      'x-step',
      'xp',
      '',
    ]);
    expect(await hmp('info')).toBe(await hmp('help info'));
  });
});

describe('keys and mice', () => {
  test.each([
    [
      'sendkey ctrl-alt-delete',
      ['ctrl down 100', 'alt down 100', 'delete down 100', 'delete up 100', 'alt up 100', 'ctrl up 100'],
    ],
    ['sendkey 0x1e-< 20', ['a down 20', 'less down 20', 'less up 20', 'a up 20']],
    ['mouse_move -5 0x10', ['{"dx":-5,"dy":16}']],
    ['mouse_move 1 2 1', ['{"dx":1,"dy":2}', '{"dz":-1}']],
    ['mouse_button 5', ['{"buttons":5}']],
  ])('%s', async (line, expected) => {
    const vm = createFakeVm();
    expect(await createHumanMonitor(vm).execute(line)).toBe('');
    expect(vm.log).toEqual(expected);
  });
});

test('no line makes the monitor throw', async () => {
  const piece = fc.constantFrom(
    'x',
    'xp',
    'p',
    '/',
    '4',
    'i',
    'b',
    'g',
    ' ',
    '$',
    'eax',
    '(',
    ')',
    '-',
    '%',
    "'",
    'info',
    '0x',
  );
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: piece }), async (line) => {
      expect(typeof (await hmp(line))).toBe('string');
    }),
  );
});
