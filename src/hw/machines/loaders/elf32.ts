/** Reads the program headers of a 32-bit little-endian ELF executable (System V ABI, chapter 5). Input is hostile. */

export interface ElfSegment {
  readonly paddr: number;
  readonly bytes: Uint8Array;
  /** Size in memory; what exceeds `bytes` is zero. */
  readonly memorySize: number;
}

export interface ElfImage {
  readonly entry: number;
  readonly segments: readonly ElfSegment[];
}

const EM_386 = 3;
const PT_LOAD = 1;
const EHDR_BYTES = 52;
const PHDR_BYTES = 32;

export const isElf = (bytes: Uint8Array): boolean =>
  bytes.length >= 20 && bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46;

/** Calls `fail` with what is wrong. */
export function parseElf32(bytes: Uint8Array, fail: (what: string) => never): ElfImage {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes[4] === 2) fail('cannot load an x86-64 image, a 32-bit one is needed');
  if (bytes.length < EHDR_BYTES || bytes[4] !== 1 || bytes[5] !== 1) fail('not a 32-bit little-endian ELF file');
  const machine = view.getUint16(18, true);
  if (machine !== EM_386) fail(`ELF machine ${machine} is not EM_386 (3)`);
  const entry = view.getUint32(24, true);
  const table = view.getUint32(28, true);
  const entrySize = view.getUint16(42, true);
  const count = view.getUint16(44, true);
  if (count > 0 && (entrySize < PHDR_BYTES || table + count * entrySize > bytes.length)) {
    fail(`${count} ELF program headers at 0x${table.toString(16)} exceed the file`);
  }
  const segments: ElfSegment[] = [];
  for (let i = 0; i < count; i++) {
    const at = table + i * entrySize;
    if (view.getUint32(at, true) !== PT_LOAD) continue;
    const offset = view.getUint32(at + 4, true);
    const paddr = view.getUint32(at + 12, true);
    const fileSize = view.getUint32(at + 16, true);
    const memorySize = view.getUint32(at + 20, true);
    if (offset + fileSize > bytes.length) fail(`ELF segment ${i} exceeds the file`);
    if (memorySize < fileSize) fail(`ELF segment ${i} is smaller in memory than in the file`);
    if (memorySize > 0) segments.push({ paddr, bytes: bytes.subarray(offset, offset + fileSize), memorySize });
  }
  if (segments.length === 0) fail('the ELF file has nothing to load');
  return { entry, segments };
}
