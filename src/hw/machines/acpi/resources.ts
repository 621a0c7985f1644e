/** Resource descriptors of `_CRS` (ACPI 6.4 §6.4), as bytes of a buffer. */
import { type Aml, buffer, le } from './aml.ts';

export type Descriptor = readonly number[];

/** Fixed ports with 16-bit decoding. */
export const ioPorts = (first: number, count: number): Descriptor => [
  0x47,
  0x01,
  ...le(first, 2),
  ...le(first, 2),
  1,
  count,
];

/** An ISA interrupt: edge-triggered, active high, not shared. */
export const irqLine = (irq: number): Descriptor => [0x22, ...le(1 << irq, 2)];

/** Interrupts of the system, levels that may be shared (§6.4.3.6). The numbers begin at byte 5. */
export const sharedInterrupts = (...numbers: readonly number[]): Descriptor => [
  0x89,
  ...le(2 + 4 * numbers.length, 2),
  0x09, // consumer, level, active high, shared
  numbers.length,
  ...numbers.flatMap((n) => le(n, 4)),
];
export const INTERRUPT_NUMBERS_AT = 5;

/** A DMA channel: compatibility mode, 8-bit transfers, no bus master. */
export const dmaChannel = (channel: number): Descriptor => [0x2a, 1 << channel, 0x00];

export const fixedMemory = (first: number, bytes: number, writable: boolean): Descriptor => [
  0x86,
  ...le(9, 2),
  writable ? 1 : 0,
  ...le(first, 4),
  ...le(bytes, 4),
];

const RESOURCE = { memory: 0, io: 1, bus: 2 } as const;
const PRODUCER_FIXED = 0x0c; // minimum and maximum are fixed, the device passes the range on to its children
const READ_WRITE = 0x01;
const CACHEABLE = 0x02;
const ENTIRE_RANGE = 0x03;

const wordSpace = (kind: number, flags: number, first: number, last: number): Descriptor => [
  0x88,
  ...le(13, 2),
  kind,
  PRODUCER_FIXED,
  flags,
  ...[0, first, last, 0, last - first + 1].flatMap((value) => le(value, 2)),
];

export const busNumbers = (first: number, last: number): Descriptor => wordSpace(RESOURCE.bus, 0, first, last);
export const portWindow = (first: number, last: number): Descriptor =>
  wordSpace(RESOURCE.io, ENTIRE_RANGE, first, last);
export const memoryWindow = (first: number, last: number, cacheable = false): Descriptor => [
  0x87,
  ...le(23, 2),
  RESOURCE.memory,
  PRODUCER_FIXED,
  READ_WRITE | (cacheable ? CACHEABLE : 0),
  ...[0, first, last, 0, last - first + 1].flatMap((value) => le(value, 4)),
];

const END_TAG: Descriptor = [0x79, 0];

export const resourceTemplate = (...descriptors: readonly Descriptor[]): Aml =>
  buffer([...descriptors.flat(), ...END_TAG]);
