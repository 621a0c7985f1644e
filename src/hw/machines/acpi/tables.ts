/** ACPI tables with their headers, and the block of them that is placed into memory. Layouts: ACPI 6.4 chapter 5. */
import { ascii, le } from './aml.ts';

const OEM_ID = 'BOCHS ';
const OEM_TABLE_ID = 'BXPC    ';
const CREATOR_ID = 'BXPC';
export const HEADER_BYTES = 36;
const HEADER_CHECKSUM = 9;
const RSDP_BYTES = 20;
export const RSDP_CHECKSUM = 8;
export const RSDP_RSDT = 16;

/** A system description table with its header (§5.2.6); the checksum is to be filled. */
export const table = (signature: string, revision: number, body: readonly number[]): Uint8Array =>
  Uint8Array.from([
    ...ascii(signature),
    ...le(HEADER_BYTES + body.length, 4),
    revision,
    0,
    ...ascii(OEM_ID),
    ...ascii(OEM_TABLE_ID),
    ...le(1, 4),
    ...ascii(CREATOR_ID),
    ...le(1, 4),
    ...body,
  ]);

/** Root system description pointer, revision 0 (§5.2.5.3), its checksum to be filled. */
export function rootPointer(rsdt: number): Uint8Array {
  const bytes = Uint8Array.from([...ascii('RSD PTR '), 0, ...ascii(OEM_ID), 0, ...le(rsdt, 4)]);
  if (bytes.length !== RSDP_BYTES) throw new Error('BUG: RSDP');
  return bytes;
}

/** The block of all tables but the root pointer. A pointer between them is an offset in the block. */
export interface TableBlock {
  readonly bytes: Uint8Array;
  /** Fields that hold offsets, to be made addresses. */
  readonly pointers: readonly { readonly at: number; readonly size: 4 | 8 }[];
  /** Each table, whose checksum depends on its pointers. */
  readonly tables: readonly { readonly at: number; readonly length: number }[];
  /** Offset of the RSDT. */
  readonly rsdt: number;
}

/** Puts tables one behind the other. */
export class TableBlockBuilder {
  private readonly bytes: number[] = [];
  private readonly pointers: { at: number; size: 4 | 8 }[] = [];
  private readonly tables: { at: number; length: number }[] = [];
  private readonly listed: number[] = [];

  /** FACS: has a length, but no checksum. */
  addUnchecked(bytes: Uint8Array): number {
    const at = this.bytes.length;
    for (const byte of bytes) this.bytes.push(byte);
    return at;
  }

  /** `pointers`: offsets in the table of fields that point to other tables of the block. */
  add(bytes: Uint8Array, pointers: readonly (readonly [at: number, size: 4 | 8])[] = []): number {
    const at = this.addUnchecked(bytes);
    for (const [field, size] of pointers) this.pointers.push({ at: at + field, size });
    this.tables.push({ at, length: bytes.length });
    return at;
  }

  /** The same for a table that the RSDT lists. */
  list(bytes: Uint8Array, pointers?: readonly (readonly [at: number, size: 4 | 8])[]): void {
    this.listed.push(this.add(bytes, pointers));
  }

  finish(): TableBlock {
    const body = this.listed.flatMap((at) => le(at, 4));
    const rsdt = this.add(
      table('RSDT', 1, body),
      this.listed.map((_, i) => [HEADER_BYTES + 4 * i, 4] as const),
    );
    return { bytes: Uint8Array.from(this.bytes), pointers: this.pointers, tables: this.tables, rsdt };
  }
}

/** The tables at a place in memory, without a firmware that would link them: root pointer, then the block. */
export function linkTables({ bytes, pointers, tables, rsdt }: TableBlock, at: number): Uint8Array {
  const gap = 64; // the FACS, first in the block, needs this alignment
  const image = new Uint8Array(gap + bytes.length);
  image.set(rootPointer(at + gap + rsdt));
  image.set(bytes, gap);
  const view = new DataView(image.buffer);
  for (const { at: field } of pointers) view.setUint32(gap + field, view.getUint32(gap + field, true) + at + gap, true);
  for (const { at: start, length } of tables)
    setChecksum(image.subarray(gap + start, gap + start + length), HEADER_CHECKSUM);
  setChecksum(image.subarray(0, RSDP_BYTES), RSDP_CHECKSUM);
  return image;
}

/** Makes the sum of all bytes 0. */
function setChecksum(bytes: Uint8Array, at: number): void {
  bytes[at] = 0;
  bytes[at] = -bytes.reduce((sum, byte) => sum + byte, 0);
}

export const TABLE_CHECKSUM = HEADER_CHECKSUM;
