import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ECHO_UNTIL_Q, firmware, HLT, LOOP, out8, print, TRIPLE_FAULT } from '../vm/real-mode.fixture.ts';

const PROGRAM = fileURLToPath(new URL('lockstep-system-i386.ts', import.meta.url));

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lockstep-cli-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Writes a guest and gives the options that start it. */
function guest(name: string, ...code: number[][]): string[] {
  const path = join(folder, name);
  writeFileSync(path, firmware(...code));
  return ['-bios', path, '-m', '2', '-device', 'isa-debug-exit', '-display', 'none'];
}
const EXIT_5 = out8(0x501, 2);

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the program; `talk` may write to it when some output has come. */
function run(args: readonly string[], talk: readonly (readonly [waitFor: string, input: string])[] = []) {
  const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  const lines = [...talk];
  const say = (): void => {
    const [next] = lines;
    if (next === undefined || !(stdout + stderr).includes(next[0])) return;
    lines.shift();
    child.stdin.write(next[1]);
    say();
  };
  child.stdout.on('data', (data: Buffer) => {
    stdout += data.toString('latin1');
    say();
  });
  child.stderr.on('data', (data: Buffer) => {
    stderr += data.toString();
    say();
  });
  const outcome = new Promise<Outcome>((resolve) => {
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
  return { child, outcome };
}

describe('exit status', () => {
  test('of isa-debug-exit, with all serial output written before', async () => {
    const { outcome } = run([...guest('exit', print('hello\n'), EXIT_5), '-serial', 'stdio']);
    expect(await outcome).toEqual({ code: 5, stdout: 'hello\n', stderr: '' });
  });

  test('is 0 for a reset under -no-reboot', async () => {
    const { outcome } = run([...guest('reboot', TRIPLE_FAULT), '-no-reboot']);
    expect(await outcome).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  test('is 1 for a wrong option, with one line that says why', async () => {
    expect(await run(['-foo']).outcome).toEqual({
      code: 1,
      stdout: '',
      stderr: 'lockstep-system-i386: -foo: invalid option\n',
    });
  });

  test('is 0 for texts, which go to standard output', async () => {
    const { code, stdout } = await run(['-M', 'help']).outcome;
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Supported machines are:\nisapc +ISA-only PC\npc /);
  });

  test('is 0 when a signal ends it', async () => {
    const { child, outcome } = run([...guest('loop', print('up'), LOOP), '-serial', 'stdio']);
    await new Promise<void>((resolve) => child.stdout.once('data', () => resolve()));
    child.kill('SIGTERM');
    expect(await outcome).toEqual({
      code: 0,
      stdout: 'up',
      stderr: 'lockstep-system-i386: terminating on signal 15\n',
    });
  });
});

describe('files', () => {
  test('of serial ports and the log are written', async () => {
    const serial = join(folder, 'serial.txt');
    const log = join(folder, 'log.txt');
    const args = [...guest('files', print('to the file'), TRIPLE_FAULT), '-no-reboot'];
    const { outcome } = run([...args, '-serial', `file:${serial}`, '-d', 'cpu_reset', '-D', log]);
    expect(await outcome).toMatchObject({ code: 0, stdout: '', stderr: '' });
    expect(readFileSync(serial, 'latin1')).toBe('to the file');
    expect(readFileSync(log, 'latin1')).toContain('Triple fault\n');
  });

  test('of the debug console are written', async () => {
    const log = join(folder, 'debug.txt');
    const [letter, other] = [out8(0xe9, 0x44), out8(0x402, 0x53)];
    const chardev = ['-chardev', `file,id=seabios,path=${log}`, '-device', 'isa-debugcon,iobase=0x402,chardev=seabios'];
    const { outcome } = run([...guest('debug', letter, other, EXIT_5), '-debugcon', 'stdio', ...chardev]);
    expect(await outcome).toEqual({ code: 5, stdout: 'D', stderr: '' });
    expect(readFileSync(log, 'latin1')).toBe('S');
  });

  test.each([
    [['-serial', 'file:/nope/x'], "-serial file:/nope/x: Could not open '/nope/x': No such file or directory\n"],
    [['-d', 'int', '-D', '/nope/x'], 'Error opening logfile /nope/x: No such file or directory\n'],
    [['-kernel', '/nope'], "could not open kernel file '/nope': No such file or directory\n"],
    [['-kernel', '/'], "could not open kernel file '/': Is a directory\n"],
  ])('that cannot be opened: %j', async (args, message) => {
    const { outcome } = run(['-m', '2', ...args]);
    expect(await outcome).toEqual({ code: 1, stdout: '', stderr: `lockstep-system-i386: ${message}` });
  });
});

describe('the terminal', () => {
  test('is the serial port: what is typed arrives, the answer is shown', async () => {
    const { outcome } = run([...guest('echo', print('>'), ECHO_UNTIL_Q, EXIT_5), '-serial', 'stdio'], [['>', 'abcq']]);
    expect(await outcome).toEqual({ code: 5, stdout: '>abcq', stderr: '' });
  });

  test('is the monitor with -monitor stdio', async () => {
    const args = [...guest('monitor', EXIT_5), '-S', '-monitor', 'stdio', '-serial', 'null'];
    const { outcome } = run(args, [['(qemu) ', 'info status\np 6*7\nquit\n']]);
    const { code, stdout } = await outcome;
    expect(code).toBe(0);
    expect(stdout).toBe(
      "Lockstep 0.1.0 monitor - type 'help' for more information\r\n" +
        '(qemu) info status\r\nVM status: paused (prelaunch)\r\n(qemu) p 6*7\r\n0x2a\r\n(qemu) quit\r\n',
    );
  });

  test('is both with -nographic: Ctrl-A c switches, Ctrl-A x ends', async () => {
    const args = [...guest('both', print('>'), ECHO_UNTIL_Q, LOOP), '-nographic'];
    const { outcome } = run(args, [
      ['>', 'a'],
      ['>a', '\x01cinfo name\r\x01cb'],
      ['b', '\x01x'],
    ]);
    const { code, stdout } = await outcome;
    expect(code).toBe(0);
    expect(stdout).toContain('(qemu) info name');
    expect(stdout).toMatch(/b.*Terminated/s);
  });
});

test('a guest that halts for good is reported on standard error', async () => {
  const { child, outcome } = run([...guest('halt', [0xfa], HLT), '-serial', 'stdio']);
  await new Promise<void>((resolve) => child.stderr.once('data', () => resolve()));
  child.kill('SIGINT');
  const { code, stderr } = await outcome;
  expect(code).toBe(0);
  expect(stderr).toMatch(/^lockstep-system-i386: the guest halted with interrupts disabled at EIP 0000e002/);
});
