/**
 * Native QEMU driven through its qtest protocol on standard input and output. Debian's has no qtest accelerator; so the
 * processor is there, halted for good, and guest time goes on with the host's.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Target } from './target.ts';

/** Firmware: CLI and HLT at the reset vector. */
const HALT = new Uint8Array(0x10000).fill(0x90);
HALT.set([0xfa, 0xf4, 0xeb, 0xfd], 0xfff0);

/** How long a request may take that never ends. */
const SETTLE_MS = 3000;

const LETTER = { 1: 'b', 2: 'w', 4: 'l' } as const;

/** Files of the machine, which `options` name as `@name`: contents, or the size of one that is all zeros. */
export type Images = Readonly<Record<string, Uint8Array | number>>;

export function nativeTarget(machine: string, options: readonly string[], images: Images = {}): Target {
  const directory = mkdtempSync(join(tmpdir(), 'lockstep-qtest-'));
  for (const [name, content] of Object.entries({ ...images, halt: HALT })) {
    const file = join(directory, name);
    writeFileSync(file, typeof content === 'number' ? '' : content);
    if (typeof content === 'number') truncateSync(file, content);
  }
  const place = (text: string): string => text.replace(/@(\w+)/g, (_all, name: string) => join(directory, name));
  const child = spawn('qemu-system-i386', [
    ...['-M', machine, '-accel', 'tcg', '-m', '16', '-qtest', 'stdio', '-nodefaults', '-display', 'none'],
    ...['-qtest-log', '/dev/null', '-serial', 'none', '-monitor', 'none', '-rtc', 'clock=vm,base=2001-02-03T04:05:06'],
    ...['-bios', '@halt', ...options].map(place),
  ]);
  let complaint = '';
  child.stderr.on('data', (data: Buffer) => {
    complaint += data.toString();
  });
  const waiting: ((answer: string) => void)[] = [];
  const exited = new Promise<void>((resolve) => child.on('close', () => resolve()));
  child.on('close', () => {
    for (const answer of waiting.splice(0)) answer(`FAIL ${complaint}`);
  });
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (!line.startsWith('IRQ ')) waiting.shift()?.(line);
  });
  async function ask(command: string): Promise<string> {
    const answer = await new Promise<string>((resolve) => {
      waiting.push(resolve);
      child.stdin.write(`${command}\n`);
    });
    if (!answer.startsWith('OK')) throw new Error(`qtest '${command}': ${answer}`);
    return answer.slice(3);
  }
  const target: Target = {
    in: async (port, size = 1) => Number(await ask(`in${LETTER[size]} 0x${port.toString(16)}`)),
    out: async (port, value, size = 1) => {
      await ask(`out${LETTER[size]} 0x${port.toString(16)} 0x${(value >>> 0).toString(16)}`);
    },
    read: async (gpa, length) => Uint8Array.from(Buffer.from((await ask(`read ${gpa} ${length}`)).slice(2), 'hex')),
    write: async (gpa, bytes) => {
      await ask(`write ${gpa} ${bytes.length} 0x${Buffer.from(bytes).toString('hex')}`);
    },
    step: (ns) => new Promise((resolve) => setTimeout(resolve, Math.ceil(ns / 1e6))),
    settle: async (busy) => {
      for (let i = 0; i < SETTLE_MS && (await busy(target)); i++)
        await new Promise((resolve) => setTimeout(resolve, 1));
    },
    close: async () => {
      child.kill();
      await exited;
      rmSync(directory, { recursive: true });
    },
  };
  return target;
}
