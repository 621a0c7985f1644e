import { expect, test } from 'vitest';
import { createMux, type MuxClient } from './mux.ts';

function createTerminal() {
  const calls: string[] = [];
  let screen = '';
  let time = 0;
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  const mux = createMux({
    output: (bytes) => {
      screen += text(bytes);
    },
    quit: () => void calls.push('quit'),
    saveDisks: () => void calls.push('save'),
    nowMs: () => time,
  });
  const client = (name: string): MuxClient => ({
    receive: (bytes) => void calls.push(`${name}<${text(bytes)}`),
    onBreak: () => void calls.push(`${name} break`),
    onFocus: (on) => void calls.push(`${name} ${on ? 'in' : 'out'}`),
  });
  const monitor = client('monitor');
  const serialOut = mux.connect(client('serial'));
  mux.connect(monitor);
  return {
    calls,
    mux,
    monitor,
    type: (keys: string) => mux.input(new TextEncoder().encode(keys)),
    serialOut: (s: string) => serialOut(new TextEncoder().encode(s)),
    screen: () => screen,
    wait: (ms: number) => {
      time += ms;
    },
  };
}

test('keys go to the client with the focus; Ctrl-A c moves it on', () => {
  const t = createTerminal();
  t.type('ls\x01cinfo\x01cpwd');
  expect(t.calls).toEqual([
    'serial<ls',
    'serial out',
    'monitor in',
    'monitor<info',
    'monitor out',
    'serial in',
    'serial<pwd',
  ]);
});

test('Ctrl-A Ctrl-A sends one Ctrl-A, and an escape may be split over two reads', () => {
  const t = createTerminal();
  t.type('\x01');
  t.type('\x01x');
  expect(t.calls).toEqual(['serial<\x01x']);
});

test('Ctrl-A x, s and b quit, save and send a break; other keys are swallowed', () => {
  const t = createTerminal();
  t.type('\x01b\x01s\x01z\x01x');
  expect(t.calls).toEqual(['serial break', 'save', 'quit']);
  expect(t.screen()).toBe('QEMU: Terminated\r\n');
});

test('Ctrl-A h prints the commands', () => {
  const t = createTerminal();
  t.type('\x01h');
  expect(t.screen()).toContain('C-a x    exit emulator');
});

test('Ctrl-A t stamps each new line with the time since then', () => {
  const t = createTerminal();
  t.type('\x01t');
  t.serialOut('rest\n');
  t.wait(3_723_004);
  t.serialOut('a\nb');
  expect(t.screen()).toBe('rest\n[01:02:03.004] a\n[01:02:03.004] b');
  t.type('\x01t');
  t.serialOut('\nc');
  expect(t.screen()).toMatch(/ b\nc$/);
});

test('the focus can be given by the program', () => {
  const t = createTerminal();
  t.mux.focus(t.monitor);
  t.type('q');
  expect(t.calls).toEqual(['serial out', 'monitor in', 'monitor<q']);
});
