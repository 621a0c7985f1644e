/**
 * What IDENTIFY DEVICE says of a hard disk, IDENTIFY PACKET DEVICE of a CD-ROM drive (ATA/ATAPI-6 §8.15 and §8.16), word
 * by word as QEMU has it.
 */
import { TRANSFER } from './ata.ts';
import type { DiskGeometry } from './disk-geometry.ts';

export interface UnitFacts {
  readonly serial: string;
  readonly version: string;
  readonly model: string;
  /** Depth of the native command queue; 0: none, as on a parallel cable. */
  readonly ncqDepth: number;
}

export interface DiskFacts extends UnitFacts {
  readonly geometry: DiskGeometry;
  /** Now: an image can grow. */
  readonly sectorCount: number;
  /** Physical sectors hold 2 to this power logical ones. */
  readonly physicalExponent: number;
}

export interface DiskModes {
  readonly multiple: number;
  readonly writeCache: boolean;
  /** As SET FEATURES 03h takes it: kind in bits 7:3, mode in bits 2:0. */
  readonly transferMode: number;
}

const MAX_LBA28 = 2 ** 28 - 1;

type Put = (word: number, value: number) => void;

function page(into: Uint8Array): { words: DataView; put: Put } {
  into.fill(0);
  const words = new DataView(into.buffer, into.byteOffset, into.byteLength);
  return { words, put: (word, value) => words.setUint16(word * 2, value, true) };
}

function putTexts(words: DataView, put: Put, { serial, version, model }: UnitFacts): void {
  putText(words, 10, 20, serial);
  put(20, 3); // buffer type and size, ECC bytes: retired
  put(21, 512);
  put(22, 4);
  putText(words, 23, 8, version);
  putText(words, 27, 40, model);
}

/** Text in words: the first character is the high byte, §8.15.8. */
function putText(words: DataView, word: number, length: number, text: string): void {
  for (let i = 0; i < length; i++) {
    const code = i < text.length ? text.charCodeAt(i) & 0xff : 0x20;
    words.setUint8(word * 2 + (i ^ 1), code);
  }
}

/** The words of a transfer mode's kind: which modes there are, and which is chosen. */
function putTransferModes(put: Put, mode: number): void {
  const chosen = (kind: number): number => (mode >> 3 === kind ? 0x100 << (mode & 7) : 0);
  put(62, 0x07 | chosen(TRANSFER.SINGLE_WORD_DMA));
  put(63, 0x07 | chosen(TRANSFER.MULTI_WORD_DMA));
  put(88, 0x3f | chosen(TRANSFER.ULTRA_DMA));
}

function putQueue(put: Put, { ncqDepth }: UnitFacts): void {
  if (ncqDepth === 0) return;
  put(75, ncqDepth - 1);
  put(76, 1 << 8);
}

export function identifyDisk(
  into: Uint8Array,
  facts: DiskFacts,
  modes: DiskModes,
  current: Pick<DiskGeometry, 'heads' | 'sectors'>,
): void {
  const { words, put } = page(into);
  const { cylinders, heads, sectors } = facts.geometry;
  const track = current.heads * current.sectors;
  const currentCylinders = Math.min(0xffff, Math.floor((cylinders * heads * sectors) / track));
  put(0, 0x0040); // fixed
  put(1, cylinders);
  put(3, heads);
  put(4, 512 * sectors);
  put(5, 512);
  put(6, sectors);
  putTexts(words, put, facts);
  put(47, 0x8000 | 16);
  put(48, 1);
  put(49, 0x0b00); // IORDY, LBA, DMA
  put(51, 0x200);
  put(52, 0x200);
  put(53, 7);
  put(54, currentCylinders);
  put(55, current.heads);
  put(56, current.sectors);
  words.setUint32(57 * 2, (currentCylinders * track) >>> 0, true);
  if (modes.multiple > 0) put(59, 0x100 | modes.multiple);
  words.setUint32(60 * 2, Math.min(facts.sectorCount, MAX_LBA28), true);
  putTransferModes(put, modes.transferMode);
  put(64, 0x03); // PIO modes 3 and 4
  for (const word of [65, 66, 67, 68]) put(word, 120); // nanoseconds
  put(69, 1 << 14); // trimmed sectors read as the same each time
  putQueue(put, facts);
  put(80, 0xf0); // ATA-4 to ATA-7
  put(81, 0x16);
  const cacheBit = modes.writeCache ? 1 << 5 : 0;
  put(82, (1 << 14) | (1 << 5) | 1); // NOP, write cache, SMART
  put(83, (1 << 14) | (1 << 13) | (1 << 12) | (1 << 10)); // FLUSH CACHE EXT, FLUSH CACHE, 48-bit addresses
  put(84, 1 << 14);
  put(85, (1 << 14) | cacheBit | 1);
  put(86, (1 << 13) | (1 << 12) | (1 << 10));
  put(87, 1 << 14);
  put(93, 0x6001); // the hardware reset's result: 80-conductor cable
  words.setBigUint64(100 * 2, BigInt(facts.sectorCount), true);
  put(106, 0x6000 | facts.physicalExponent);
  put(169, 1); // TRIM
}

export function identifyPacketDevice(into: Uint8Array, facts: UnitFacts, transferMode: number): void {
  const { words, put } = page(into);
  put(0, 0x85c0); // ATAPI, CD-ROM, removable, DRQ within 50 microseconds, packets of 12 bytes
  putTexts(words, put, facts);
  put(48, 1);
  put(49, 0x0300); // LBA, DMA
  put(53, 7);
  putTransferModes(put, transferMode);
  put(64, 0x03);
  put(65, 0xb4); // nanoseconds
  put(66, 0xb4);
  put(67, 0x12c);
  put(68, 0xb4);
  put(71, 30);
  put(72, 30);
  putQueue(put, facts);
  put(80, 0x1e); // up to ATA/ATAPI-4
}
