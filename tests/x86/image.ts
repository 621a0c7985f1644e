/** Puts the test machine's memory together: driver, descriptor tables, page tables, code, records, inputs. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Instance } from './instance.ts';
import * as layout from './layout.ts';
import { DESCRIPTORS, FIRST_DESCRIPTOR } from './modes.ts';

const { IMAGE, GDT, IDT, TSS, PAGE_DIRECTORY, PAGE_TABLE, SCRATCH_FRAMES, STACK0, TABLES } = layout;
const { DATA, FPU_BYTES, FRAME_WORDS, OPEN_PORTS, RAM_BYTES, RECORD_BYTES, RECORD_X87, RESULT_WORDS } = layout;
const { WINDOW_BYTES } = layout;
const PAGE = 4096;
const source = join(dirname(fileURLToPath(import.meta.url)), 'driver.s');

/** Why the tests can't run here, in words; nothing if they can. */
export function whatIsMissing(): string | undefined {
  for (const [program, packageName] of [
    ['qemu-system-i386', 'qemu-system-x86'],
    ['as', 'binutils'],
    ['ld', 'binutils'],
  ] as const) {
    if (spawnSync(program, ['--version']).status !== 0) return `${program} is not installed (Debian's ${packageName})`;
  }
  return undefined;
}

export interface Image {
  /** From physical address IMAGE on. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly entry: number;
  /** Physical address of the results, and their size. */
  readonly results: number;
  readonly resultBytes: number;
}

interface Driver {
  readonly code: Uint8Array;
  readonly entry: number;
  readonly vectors: number;
}
function assemble(symbols: Readonly<Record<string, number>>): Driver {
  const directory = mkdtempSync(join(tmpdir(), 'lockstep-driver-'));
  const at = (name: string): string => join(directory, name);
  const run = (program: string, args: string[]): string => {
    const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`BUG: ${program} of driver.s: ${stderr}`);
    return stdout;
  };
  try {
    const defined = Object.entries(symbols).flatMap(([name, value]) => ['--defsym', `${name}=${value}`]);
    run('as', ['--32', ...defined, source, '-o', at('driver.o')]);
    const place = ['-m', 'elf_i386', '-N', '-Ttext', `0x${IMAGE.toString(16)}`, '-e', 'start', at('driver.o')];
    run('ld', [...place, '--oformat', 'binary', '-o', at('driver.bin')]);
    run('ld', [...place, '-o', at('driver.elf')]);
    const elf = readFileSync(at('driver.elf'));
    return { code: readFileSync(at('driver.bin')), entry: symbolOf(elf, 'start'), vectors: symbolOf(elf, 'vectors') };
  } finally {
    rmSync(directory, { recursive: true });
  }
}
/** Value of a symbol in an ELF file of 32 bits. */
function symbolOf(elf: Buffer, name: string): number {
  const sections = elf.readUInt32LE(32);
  for (let i = 0; i < elf.readUInt16LE(48); i++) {
    const section = sections + 40 * i;
    if (elf.readUInt32LE(section + 4) !== 2) continue; // not a symbol table
    const [start, size, link] = [16, 20, 24].map((at) => elf.readUInt32LE(section + at)) as [number, number, number];
    const strings = elf.readUInt32LE(sections + 40 * link + 16);
    for (let at = start; at < start + size; at += 16) {
      const from = strings + elf.readUInt32LE(at);
      if (elf.toString('latin1', from, elf.indexOf(0, from)) === name) return elf.readUInt32LE(at + 4);
    }
  }
  throw new Error(`BUG: no symbol ${name}`);
}

class Writer {
  readonly view: DataView;
  readonly bytes: Uint8Array<ArrayBuffer>;
  at: number;

  constructor(bytes: Uint8Array<ArrayBuffer>, at: number) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer);
    this.at = at;
  }
  word(value: number): void {
    this.view.setUint32(this.at - IMAGE, value >>> 0, true);
    this.at += 4;
  }
  put(bytes: Uint8Array): void {
    this.bytes.set(bytes, this.at - IMAGE);
    this.at += bytes.length;
  }
}

function descriptor(w: Writer, index: number, base: number, limit: number, attributes: number): void {
  w.at = GDT + 8 * index;
  w.word((limit & 0xffff) | (base << 16));
  w.word((base & 0xff000000) | ((base >>> 16) & 0xff) | (limit & 0xf0000) | attributes);
}
function descriptorTables(w: Writer, vectors: number): void {
  descriptor(w, 1, 0, 0xfffff, 0xc09b00);
  descriptor(w, 2, 0, 0xfffff, 0xc09300);
  descriptor(w, 3, 0, 0xfffff, 0xc0fb00);
  descriptor(w, 4, 0, 0xfffff, 0xc0f300);
  descriptor(w, 5, TSS, 0x68 + 0x2000, 0x008900);
  DESCRIPTORS.forEach((d, i) => {
    descriptor(w, FIRST_DESCRIPTOR + i, d.base, 0xfffff, d.attributes);
  });
  w.at = IDT;
  for (let vector = 0; vector < 256; vector++) {
    // INT n may name the breakpoint, the overflow and a range of its own.
    const open = vector === 3 || vector === 4 || (vector >= 32 && vector < 128);
    const handler = vectors + 16 * vector;
    w.word((handler & 0xffff) | (0x08 << 16));
    w.word((handler & 0xffff0000) | (open ? 0xee00 : 0x8e00));
  }
  w.at = TSS + 4;
  w.word(STACK0);
  w.word(0x10);
  w.at = TSS + 0x64;
  w.word(0x680000);
  w.bytes.fill(0xff, TSS - IMAGE + 0x68, TSS - IMAGE + 0x68 + 0x2001);
  for (const port of OPEN_PORTS) w.bytes[TSS - IMAGE + 0x68 + port / 8] = 0;
}
function pageTables(w: Writer): void {
  w.at = PAGE_DIRECTORY;
  w.word(PAGE_TABLE | 7);
  for (let large = 1; large < RAM_BYTES >> 22; large++) w.word((large << 22) | 0x83);
  w.at = PAGE_TABLE + IMAGE / 1024;
  for (let page = IMAGE; page < TABLES; page += PAGE) w.word(page | 3);
  w.at = PAGE_TABLE + DATA / 1024;
  w.word(SCRATCH_FRAMES | 7);
  w.word((SCRATCH_FRAMES + PAGE) | 7);
}

const resultBytesOf = (i: Instance): number => 4 * RESULT_WORDS + (i.x87 ? FPU_BYTES : 0) + WINDOW_BYTES;

/** The image of a test run; sizes follow from the instances. */
export function buildImage(instances: readonly Instance[]): Image {
  const codePages = 2 + instances.reduce((last, { page }) => Math.max(last, page), 0);
  const records = TABLES + codePages * PAGE;
  const inputs = records + instances.length * RECORD_BYTES;
  let inputBytes = 0;
  let resultBytes = 0;
  for (const i of instances) {
    inputBytes += i.inputs.length * (WINDOW_BYTES + (i.x87 ? FPU_BYTES : 0) + 4 * FRAME_WORDS);
    resultBytes += i.inputs.length * resultBytesOf(i);
  }
  const results = (inputs + inputBytes + 0xfff) & ~0xfff;
  if (results + resultBytes > RAM_BYTES) throw new Error(`BUG: tests need ${results + resultBytes} bytes of RAM`);
  const driver = assemble({
    ...Object.fromEntries(Object.entries(layout).filter((e): e is [string, number] => typeof e[1] === 'number')),
    IMAGE_END: results,
    RECORDS: records,
    RECORDS_END: inputs,
    INPUTS: inputs,
    RESULTS: results,
  });
  const w = new Writer(new Uint8Array(results - IMAGE), IMAGE);
  w.put(driver.code);
  descriptorTables(w, driver.vectors);
  pageTables(w);
  w.bytes.fill(0xcc, TABLES - IMAGE, records - IMAGE);
  instances.forEach((instance, n) => {
    const page = TABLES + instance.page * PAGE;
    w.at = page + instance.offset;
    w.put(Uint8Array.from(instance.bytes));
    w.at = records + n * RECORD_BYTES;
    w.word(page | 5);
    w.word(instance.inputs.length);
    w.word(instance.x87 ? RECORD_X87 : 0);
  });
  w.at = inputs;
  for (const instance of instances) {
    for (const input of instance.inputs) {
      w.put(input.window);
      if (input.fpu) w.put(input.fpu);
      for (const word of input.frame) w.word(word);
    }
  }
  return { bytes: w.bytes, entry: driver.entry, results, resultBytes };
}
