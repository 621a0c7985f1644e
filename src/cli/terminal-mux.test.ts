import { expect, test } from 'vitest';
import { type MuxFocus, TerminalMux } from './terminal-mux.ts';

function createRig() {
  const log: string[] = [];
  const mux = new TerminalMux({
    input: (focus, bytes) => void log.push(`${focus}: ${String.fromCharCode(...bytes)}`),
    focused: (focus: MuxFocus) => void log.push(`to ${focus}`),
    sendBreak: () => void log.push('break'),
    quit: () => void log.push('quit'),
    print: (text) => void log.push(text),
  });
  const type = (text: string): void => mux.receive(Uint8Array.from(text, (c) => c.charCodeAt(0)));
  return { log, type };
}

test('plain input goes to the serial port', () => {
  const { log, type } = createRig();
  type('ls\r');
  expect(log).toEqual(['serial: ls\r']);
});

test('Ctrl-A c switches to the monitor and back, in the middle of input too', () => {
  const { log, type } = createRig();
  type('a\x01cb');
  type('\x01');
  type('cd');
  expect(log).toEqual(['serial: a', 'to monitor', 'monitor: b', 'to serial', 'serial: d']);
});

test('Ctrl-A twice sends one', () => {
  const { log, type } = createRig();
  type('x\x01\x01y');
  expect(log).toEqual(['serial: x\x01y']);
});

test('Ctrl-A x says goodbye as QEMU does and quits', () => {
  const { log, type } = createRig();
  type('\x01x');
  expect(log).toEqual(['Lockstep: Terminated\n\r', 'quit']);
});

test('Ctrl-A b sends a break, Ctrl-A h explains, other letters do nothing', () => {
  const { log, type } = createRig();
  type('\x01b\x01q\x01h');
  expect(log[0]).toBe('break');
  expect(log[1]).toContain('C-a x    exit emulator');
  expect(log).toHaveLength(2);
});
