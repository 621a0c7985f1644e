/** Structures of SMBIOS 2.8 (DMTF DSP0134 2.8.0, chapter 6 and 7): formatted area, then texts. */
import { le } from '../acpi/aml.ts';

/** A structure as fields in order: numbers with their size in bytes, texts, or bytes as they are. */
type Field =
  | readonly [value: number, size: 1 | 2 | 4 | 8]
  | { readonly text: string | undefined }
  | readonly number[]
  | Uint8Array;

const byte = (value: number): Field => [value, 1];
const word = (value: number): Field => [value, 2];
const dword = (value: number): Field => [value, 4];
const qword = (value: number): Field => [value, 8];
const text = (value: string | undefined): Field => ({ text: value });
const raw = (bytes: Uint8Array | readonly number[]): Field => Uint8Array.from(bytes);

/** Handles by type, as QEMU gives them; several structures of a type count up. */
const HANDLE: Readonly<Record<number, number>> = {
  0: 0x0000,
  1: 0x0100,
  2: 0x0200,
  3: 0x0300,
  4: 0x0400,
  11: 0x0e00,
  16: 0x1000,
  17: 0x1100,
  19: 0x1300,
  32: 0x2000,
  127: 0x7f00,
};

/** A text is its number, from 1 on, in the formatted area; no text is 0. */
function structure(type: number, index: number, ...fields: readonly Field[]): Uint8Array {
  const texts: string[] = [];
  const body = fields.flatMap((field): readonly number[] => {
    if (field instanceof Uint8Array) return [...field];
    if ('text' in field) return [field.text === undefined || field.text === '' ? 0 : texts.push(field.text)];
    const [value = 0, size = 1] = field;
    return le(value, size);
  });
  const strings = new TextEncoder().encode(`${texts.map((t) => `${t}\0`).join('')}${texts.length === 0 ? '\0' : ''}\0`);
  return Uint8Array.from([type, 4 + body.length, ...le((HANDLE[type] ?? 0) + index, 2), ...body, ...strings]);
}

/** The user's values for the fields of a type, by QEMU's names. */
export type SmbiosFields = Readonly<Record<string, string | undefined>>;

const BIOS_IS_VIRTUAL = 0x14; // with targeted content distribution, as QEMU says
const BIOS_IS_UEFI = 0x08;

export function biosInformation(fields: SmbiosFields): Uint8Array {
  const [major = 0, minor = 0] = (fields['release'] ?? '').split('.').map(Number);
  return structure(
    0,
    0,
    text(fields['vendor']),
    text(fields['version']),
    word(0xe800), // segment of its start
    text(fields['date']),
    byte(0), // 64 KiB
    qword(0x08), // characteristics are not supported
    byte(0),
    byte(BIOS_IS_VIRTUAL | (fields['uefi'] === 'on' ? BIOS_IS_UEFI : 0)),
    byte(major || 0),
    byte(minor || 0),
    word(0xffff), // no embedded controller
  );
}

export const systemInformation = (fields: SmbiosFields, uuid: Uint8Array): Uint8Array =>
  structure(
    1,
    0,
    text(fields['manufacturer']),
    text(fields['product']),
    text(fields['version']),
    text(fields['serial']),
    raw(swappedUuid(uuid)),
    byte(6), // woken by the power switch
    text(fields['sku']),
    text(fields['family']),
  );

export const baseboard = (fields: SmbiosFields): Uint8Array =>
  structure(
    2,
    0,
    text(fields['manufacturer']),
    text(fields['product']),
    text(fields['version']),
    text(fields['serial']),
    text(fields['asset']),
    byte(1), // hosts the processor
    text(fields['location']),
    word(HANDLE[3] ?? 0),
    byte(0x0a), // a motherboard
    byte(0),
  );

export const enclosure = (fields: SmbiosFields): Uint8Array =>
  structure(
    3,
    0,
    text(fields['manufacturer']),
    byte(1), // of another kind
    text(fields['version']),
    text(fields['serial']),
    text(fields['asset']),
    byte(3), // boot, power supply, temperature: safe
    byte(3),
    byte(3),
    byte(2), // security: unknown
    dword(0),
    raw([0, 0, 0, 0]), // height, power cords, elements
    text(fields['sku']),
  );

export interface ProcessorIdentity {
  readonly signature: number;
  readonly features: number;
}

export const processorInformation = (fields: SmbiosFields, { signature, features }: ProcessorIdentity): Uint8Array =>
  structure(
    4,
    0,
    text(`${fields['sock_pfx'] ?? ''} 0`),
    byte(3), // central processor
    byte(1), // family: other
    text(fields['manufacturer']),
    dword(signature),
    dword(features),
    text(fields['version']),
    byte(0),
    word(0),
    word(Number(fields['max-speed'] ?? 2000)),
    word(Number(fields['current-speed'] ?? 2000)),
    byte(0x41), // populated and enabled
    byte(1),
    word(0xffff), // caches are not described
    word(0xffff),
    word(0xffff),
    text(fields['serial']),
    text(fields['asset']),
    text(fields['part']),
    raw([1, 1, 1]), // cores, enabled ones, threads
    word(2), // characteristics: unknown
    word(1),
  );

export const oemStrings = (values: readonly string[]): Uint8Array => {
  const strings = new TextEncoder().encode(`${values.map((value) => `${value}\0`).join('')}\0`);
  return Uint8Array.from([11, 5, ...le(HANDLE[11] ?? 0, 2), values.length, ...strings]);
};

const KiB = 1024;
const MiB = 1024 * KiB;
const NO_ERRORS = 0xfffe;
/** Where a 32-bit number of KiB ends; the extended field counts then. */
const MAX_CAPACITY_KIB = 0x8000_0000;
const MAX_SIZE_MIB = 0x7fff;

export function memoryArray(bytes: number, devices: number): Uint8Array {
  const fits = bytes / KiB < MAX_CAPACITY_KIB;
  return structure(
    16,
    0,
    byte(1), // location: other
    byte(3), // system memory
    byte(6), // multi-bit ECC
    dword(fits ? bytes / KiB : MAX_CAPACITY_KIB),
    word(NO_ERRORS),
    word(devices),
    qword(fits ? 0 : bytes),
  );
}

export function memoryDevice(fields: SmbiosFields, index: number, bytes: number): Uint8Array {
  const size = bytes / MiB;
  const fits = size < MAX_SIZE_MIB;
  const speed = Number(fields['speed'] ?? 0);
  return structure(
    17,
    index,
    word(HANDLE[16] ?? 0),
    word(NO_ERRORS),
    word(0xffff), // widths: unknown
    word(0xffff),
    word(fits ? size : MAX_SIZE_MIB),
    byte(9), // a DIMM
    byte(0),
    text(`${fields['loc_pfx'] ?? ''} ${index}`),
    text(fields['bank']),
    byte(7), // RAM
    word(2),
    word(speed),
    text(fields['manufacturer']),
    text(fields['serial']),
    text(fields['asset']),
    text(fields['part']),
    byte(0),
    dword(fits ? 0 : size),
    word(speed),
    word(0), // voltages
    word(0),
    word(0),
  );
}

export function mappedAddress(index: number, start: number, bytes: number): Uint8Array {
  const [first, last] = [start / KiB, (start + bytes) / KiB - 1];
  const fits = last < 0xffff_ffff;
  return structure(
    19,
    index,
    dword(fits ? first : 0xffff_ffff),
    dword(fits ? last : 0xffff_ffff),
    word(HANDLE[16] ?? 0),
    byte(1),
    qword(fits ? 0 : start),
    qword(fits ? 0 : start + bytes - 1),
  );
}

export const bootInformation = (): Uint8Array => structure(32, 0, raw(new Uint8Array(6)), byte(0));
export const endOfTable = (): Uint8Array => structure(127, 0);

/** §7.2.1: the first three groups are little-endian. */
function swappedUuid(uuid: Uint8Array): Uint8Array {
  return Uint8Array.from([3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15], (i) => uuid[i] ?? 0);
}
