/** Makes the guests' images in bench/out, from what is fetched (roms/out) and from the sources beside this file. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { type CpioEntry, cpioArchive } from '../roms/cpio.ts';
import { coldSource } from './freestanding/cold.ts';
import { FOLDERS } from './paths.ts';
import { type GuestImage, POWER_ON, type Suite } from './workloads.ts';

const COLD_FUNCTIONS = 4000;

/** No APIC and no mitigations: the kernel does the same in emulators with and without the processor features. */
const LINUX_COMMAND_LINE = 'console=ttyS0 quiet noapic nolapic mitigations=off random.trust_cpu=on panic=-1';

const C_FLAGS = [
  ...['-m32', '-march=i686', '-O2', '-std=gnu11', '-Wall', '-Wextra', '-Werror', '-ffreestanding', '-nostdlib'],
  // integer instructions only, and loops as they are written
  ...['-mno-80387', '-mno-mmx', '-mno-sse', '-fno-tree-vectorize', '-fno-tree-loop-distribute-patterns'],
  ...[
    '-fno-pie',
    '-no-pie',
    '-static',
    '-fno-stack-protector',
    '-fno-asynchronous-unwind-tables',
    '-fcf-protection=none',
  ],
  '-fno-strict-aliasing',
];

const run = promisify(execFile);

export interface Firmware {
  readonly bios: string;
  readonly vgaBios: string;
}

/** Firmware for the peer that can't start a kernel without. */
export function firmware(): Firmware {
  return { bios: fetched('bios.bin'), vgaBios: fetched('vgabios-stdvga.bin') };
}

/** The guest of a suite with the given rows. */
export async function buildImage(suite: Suite, rows: readonly string[], scale: number): Promise<GuestImage> {
  mkdirSync(FOLDERS.out, { recursive: true });
  const computed = rows.filter((row) => row !== POWER_ON);
  return suite === 'linux' ? linuxImage(computed) : freestandingImage(computed, scale);
}

function linuxImage(rows: readonly string[]): GuestImage {
  const entries: CpioEntry[] = [
    ...['bin', 'sbin', 'usr', 'usr/bin', 'usr/sbin', 'dev', 'proc'].map(
      (path): CpioEntry => ({ kind: 'directory', path }),
    ),
    { kind: 'char', path: 'dev/console', major: 5, minor: 1 },
    { kind: 'char', path: 'dev/null', major: 1, minor: 3, mode: 0o666 },
    { kind: 'file', path: 'bin/busybox', mode: 0o755, data: readFileSync(fetched('busybox-i386')) },
    { kind: 'file', path: 'init', mode: 0o755, data: readFileSync(join(FOLDERS.bench, 'guest/init.sh')) },
  ];
  const initrd = join(FOLDERS.out, 'linux.cpio.gz');
  writeFileSync(initrd, gzipSync(cpioArchive(entries), { level: 9 }));
  const chosen = rows.length === 0 ? 'none' : rows.join(',');
  return {
    suite: 'linux',
    memoryMiB: 256,
    kernel: fetched('vmlinuz-i386'),
    initrd,
    commandLine: `${LINUX_COMMAND_LINE} rows=${chosen}`,
  };
}

async function freestandingImage(rows: readonly string[], scale: number): Promise<GuestImage> {
  const source = (name: string): string => join(FOLDERS.bench, 'freestanding', name);
  const table = join(FOLDERS.out, 'rows.c');
  const kernel = join(FOLDERS.out, 'freestanding.elf');
  const sources = [...rows.map((row) => source(`${row}.c`)), table];
  if (!rows.includes('crc')) sources.push(source('crc.c')); // others check what they made with it
  if (rows.includes('cold')) sources.push(await coldObject(source('')));
  writeFileSync(table, rowTable(rows));
  const inputs = [source('start.S'), source('main.c'), ...sources];
  const flags = [
    ...C_FLAGS,
    `-DSCALE=${scale}`,
    `-I${source('')}`,
    `-Wl,-T,${source('link.ld')}`,
    '-Wl,--build-id=none',
  ];
  await gcc([...flags, '-o', kernel, ...inputs, '-lgcc']);
  return { suite: 'freestanding', memoryMiB: 128, kernel, initrd: undefined, commandLine: '' };
}

/** The many functions of `cold`, kept from one bench to the next: to compile them takes a while. */
async function coldObject(includes: string): Promise<string> {
  const text = coldSource(COLD_FUNCTIONS);
  const flags = [...C_FLAGS, '-O1', `-I${includes}`];
  const hash = createHash('sha256').update(text).update(flags.join(' ')).digest('hex').slice(0, 16);
  const object = join(FOLDERS.out, `cold-${hash}.o`);
  if (existsSync(object)) return object;
  const functions = join(FOLDERS.out, 'cold-functions.c');
  writeFileSync(functions, text);
  await gcc([...flags, '-c', '-o', object, functions]);
  return object;
}

async function gcc(args: readonly string[]): Promise<void> {
  try {
    await run('gcc', args);
  } catch (error) {
    const { stderr } = error as { stderr?: string };
    throw new Error(
      `gcc could not build a guest of the bench: ${stderr?.split('\n').slice(0, 10).join('\n') || error}`,
    );
  }
}

function rowTable(rows: readonly string[]): string {
  return `#include "bench.h"
${rows.map((row) => `uint32_t row_${row}(void);`).join('\n')}
const struct row rows[] = {
${rows.map((row) => `    {"${row}", row_${row}},`).join('\n')}
};
const unsigned row_count = ${rows.length};
`;
}

function fetched(name: string): string {
  const path = join(FOLDERS.roms, name);
  if (!existsSync(path)) throw new Error(`${name} is not in roms/out: fetch it with npm run roms`);
  return path;
}
