/** Writes a machine's state as a migration stream. */
import { ByteWriter } from '../hw/core/state-bytes.ts';
import {
  MAGIC,
  MARK,
  PAGE_BYTES,
  RAM_FLAG,
  RAM_SECTION,
  RAM_VERSION,
  type RamBlock,
  type StateOwner,
  VERSION,
} from './format.ts';

export interface MachineState {
  /** The board's full name: a stream of another machine is refused. */
  readonly machine: string;
  readonly ram: readonly RamBlock[];
  readonly owners: readonly StateOwner[];
}

const FIRST_DEVICE_SECTION = 4; // QEMU numbers sections as they register; nothing depends on it

/** The whole state of a machine that stands still. Hands pieces to `sink` in order; they may be views of guest memory. */
export function writeState({ machine, ram, owners }: MachineState, sink: (piece: Uint8Array) => void): void {
  const out = new ByteWriter();
  const emit = (): void => {
    sink(out.finish());
    out.clear();
  };
  out.u32(MAGIC);
  out.u32(VERSION);
  out.u8(MARK.CONFIGURATION);
  out.u32(machine.length);
  out.bytes(ascii(machine));

  sectionHeader(out, MARK.SECTION_FULL, 0, RAM_SECTION, RAM_VERSION);
  writeSizes(out, ram);
  emit();
  for (const block of ram) writePages(block, out, sink);
  out.u64(BigInt(RAM_FLAG.EOS));
  footer(out, 0);

  for (const [i, owner] of owners.entries()) {
    const section = FIRST_DEVICE_SECTION + i;
    sectionHeader(out, MARK.SECTION_FULL, section, owner.id, owner.stateVersion);
    out.bytes(owner.save());
    footer(out, section);
  }
  out.u8(MARK.END);
  const description = ascii(JSON.stringify(descriptionOf(owners)));
  out.u8(MARK.DESCRIPTION);
  out.u32(description.length);
  out.bytes(description);
  emit();
}

function sectionHeader(out: ByteWriter, mark: number, section: number, id: string, version: number): void {
  out.u8(mark);
  out.u32(section);
  text8(out, id);
  out.u32(0); // instance
  out.u32(version);
}

function footer(out: ByteWriter, section: number): void {
  out.u8(MARK.FOOTER);
  out.u32(section);
}

function writeSizes(out: ByteWriter, ram: readonly RamBlock[]): void {
  const total = ram.reduce((sum, { bytes }) => sum + bytes.length, 0);
  out.u64(BigInt(total + RAM_FLAG.MEM_SIZE));
  for (const { name, bytes } of ram) {
    text8(out, name);
    out.u64(BigInt(bytes.length));
  }
}

/** Every page: those of one value as that value. */
function writePages({ name, bytes }: RamBlock, out: ByteWriter, sink: (piece: Uint8Array) => void): void {
  const words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
  let named = false;
  for (let at = 0; at < bytes.length; at += PAGE_BYTES) {
    const isFill = isFilled(words, at >> 2);
    out.u64(BigInt(at + (isFill ? RAM_FLAG.FILL : RAM_FLAG.PAGE) + (named ? RAM_FLAG.CONTINUE : 0)));
    if (!named) text8(out, name);
    named = true;
    if (isFill) {
      out.u8(bytes[at] ?? 0);
    } else {
      sink(out.finish());
      out.clear();
      sink(bytes.subarray(at, at + PAGE_BYTES));
    }
  }
}

/** All bytes of the page that starts at word `from` are the same. */
function isFilled(words: Int32Array, from: number): boolean {
  const first = words[from] as number;
  if (first !== Math.imul(first & 0xff, 0x0101_0101)) return false;
  const end = from + PAGE_BYTES / 4;
  for (let i = from + 1; i < end; i++) if (words[i] !== first) return false;
  return true;
}

function descriptionOf(owners: readonly StateOwner[]): unknown {
  return {
    page_size: PAGE_BYTES,
    devices: owners.map((owner) => ({
      name: owner.id,
      instance_id: 0,
      vmsd_name: owner.stateName,
      version: owner.stateVersion,
      fields: owner.describe(),
    })),
  };
}

function text8(out: ByteWriter, text: string): void {
  const bytes = ascii(text);
  if (bytes.length > 255) throw new Error(`BUG: '${text}' is too long a name for a stream`);
  out.u8(bytes.length);
  out.bytes(bytes);
}

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);
