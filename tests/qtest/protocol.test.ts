/** One client, two servers of the qtest protocol: native QEMU and our command line. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const OURS = fileURLToPath(new URL('../../bin/lockstep-system-i386.mjs', import.meta.url));
const COMMON = ['-M', 'pc', '-m', '16', '-nodefaults', '-display', 'none', '-serial', 'none', '-monitor', 'none'];
const hasNative = spawnSync('qemu-system-i386', ['--version']).status === 0;

/** Asks the lines one after the other; what came back, interrupts included. */
function converse(program: string, args: readonly string[], lines: readonly string[]): Promise<string[]> {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const heard: string[] = [];
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    const output = createInterface({ input: child.stdout });
    output.on('close', () => resolve(heard));
    let next = 0;
    const ask = (): void => {
      if (next < lines.length) child.stdin.write(`${lines[next++]}\n`);
      else if (program === process.execPath) child.stdin.end();
      else child.kill();
    };
    output.on('line', (line) => {
      heard.push(line);
      if (!line.startsWith('IRQ')) ask();
    });
    ask();
  });
}

const ours = (lines: readonly string[], ...args: readonly string[]): Promise<string[]> =>
  converse(process.execPath, [OURS, ...COMMON, '-accel', 'qtest', '-qtest', 'stdio', ...args], lines);

test.skipIf(!hasNative)('both answer ports and memory alike', async () => {
  const lines = [
    ...['outl 0xcf8 0x80000000', 'inl 0xcfc', 'inw 0xcfc', 'inb 0xcfe', 'endianness'],
    ...['write 0x1000 8 0x0102030405060708', 'readl 0x1002', 'readq 0x1000', 'read 0x1000 4'],
    ...['memset 0x1000 4 0xaa', 'b64read 0x1000 8', 'b64write 0x1000 3 AQID', 'readw 0x1001'],
    ...['outb 0x70 0x3f', 'outb 0x71 0x5a', 'inb 0x71', 'outb 0x21 0xfb', 'inb 0x21', 'inb 0x64'],
  ];
  const directory = mkdtempSync(join(tmpdir(), 'lockstep-qtest-'));
  try {
    const halt = new Uint8Array(0x10000).fill(0x90);
    halt.set([0xfa, 0xf4, 0xeb, 0xfd], 0xfff0);
    writeFileSync(join(directory, 'halt'), halt);
    const native = ['-accel', 'tcg', '-bios', join(directory, 'halt'), '-qtest', 'stdio', '-qtest-log', '/dev/null'];
    expect(await ours(lines)).toEqual(await converse('qemu-system-i386', [...COMMON, ...native], lines));
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('the clock moves by the test alone, timers fire, and interrupts are told', async () => {
  const program = ['outb 0x43 0x34', 'outb 0x40 0xa9', 'outb 0x40 0x04']; // 1193 ticks: 1 ms
  expect(
    await ours([
      'irq_intercept_in ioapic',
      ...program,
      'clock_step 1000000',
      'clock_set 5000000',
      'clock_step x',
      'quit',
    ]),
  ).toEqual([
    ...['OK', 'OK', 'OK', 'OK', 'IRQ raise 0', 'OK 1000000'],
    ...Array.from({ length: 4 }, () => ['IRQ lower 0', 'IRQ raise 0']).flat(),
    ...['OK 5000000', "FAIL clock_step: invalid address 'x'", "FAIL Unknown command 'quit'"],
  ]);
});
