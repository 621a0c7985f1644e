/** The ways of running at privilege level 3: flat and based segments, 16-bit code, virtual-8086 mode. */
import { CODE, DATA } from './layout.ts';

export const SEGMENT_NAMES = ['es', 'cs', 'ss', 'ds', 'fs', 'gs'] as const;
export type SegmentName = (typeof SEGMENT_NAMES)[number];

interface Segment {
  readonly selector: number;
  readonly base: number;
}
export interface Mode {
  readonly name: string;
  readonly code32: boolean;
  readonly stack32: boolean;
  readonly vm: boolean;
  /** Bits of EFLAGS that are always set. */
  readonly flags: number;
  readonly segments: Readonly<Record<SegmentName, Segment>>;
}

const VM = 0x20000;
const IOPL3 = 0x3000;

/** Attributes as bits 8-23 of a descriptor's high word: all limits are 4 GiB (TCG checks none). */
const CODE32 = 0xc0fb00;
const CODE16 = 0x80fb00;
const DATA32 = 0xc0f300;
const DATA16 = 0x80f300;

export interface Descriptor {
  readonly base: number;
  readonly attributes: number;
}
/** Descriptors of the GDT from number 6 on; modes name them by index. */
export const DESCRIPTORS: readonly Descriptor[] = [
  { base: CODE - 0x123, attributes: CODE32 },
  { base: DATA - 0x10000, attributes: DATA32 },
  { base: DATA - 0x2468, attributes: DATA32 },
  { base: DATA + 0x400, attributes: DATA32 },
  { base: DATA - 0x7fff_0000, attributes: DATA32 },
  { base: DATA, attributes: DATA32 },
  { base: CODE, attributes: CODE16 },
  { base: DATA - 0x2000, attributes: DATA16 },
  { base: DATA - 0x1238, attributes: DATA16 },
  { base: DATA, attributes: DATA16 },
  { base: DATA - 0x800, attributes: DATA16 },
  { base: DATA - 0x7000, attributes: DATA16 },
];
export const FIRST_DESCRIPTOR = 6;
const ring3 = (i: number): Segment => ({
  selector: (FIRST_DESCRIPTOR + i) * 8 + 3,
  base: (DESCRIPTORS[i] as Descriptor).base >>> 0,
});
const paragraph = (selector: number): Segment => ({ selector, base: selector * 16 });
const flatData = { selector: 0x23, base: 0 };

const virtual8086 = {
  cs: paragraph(CODE >> 4),
  ss: paragraph((DATA >> 4) - 0x10),
  ds: paragraph((DATA >> 4) - 0x200),
  es: paragraph((DATA >> 4) - 0x7ab),
  fs: paragraph(DATA >> 4),
  gs: paragraph((DATA >> 4) - 1),
};

export const MODES: readonly Mode[] = [
  {
    name: '32-bit',
    code32: true,
    stack32: true,
    vm: false,
    flags: 0,
    segments: { cs: { selector: 0x1b, base: 0 }, ss: flatData, ds: flatData, es: flatData, fs: flatData, gs: flatData },
  },
  {
    name: '32-bit, segments not flat',
    code32: true,
    stack32: true,
    vm: false,
    flags: IOPL3,
    segments: { cs: ring3(0), ss: ring3(1), ds: ring3(2), es: ring3(3), fs: ring3(4), gs: ring3(5) },
  },
  {
    name: '16-bit',
    code32: false,
    stack32: false,
    vm: false,
    flags: 0,
    segments: { cs: ring3(6), ss: ring3(9), ds: ring3(7), es: ring3(8), fs: ring3(10), gs: ring3(11) },
  },
  { name: 'virtual-8086', code32: false, stack32: false, vm: true, flags: VM, segments: virtual8086 },
  {
    name: 'virtual-8086, IOPL 3',
    code32: false,
    stack32: false,
    vm: true,
    flags: VM | IOPL3,
    segments: virtual8086,
  },
];
/** Selectors worth trying: valid ones at several levels, null, beyond the table, of the LDT that is not there. */
export const SELECTORS = [
  0, 1, 3, 0x08, 0x0b, 0x10, 0x1b, 0x18, 0x23, 0x20, 0x28, 0x2b, 0x33, 0x3b, 0x43, 0x63, 0x6b, 0x93, 0x9b, 0x100, 0x27,
  0xffff,
] as const;

/** Base of a segment by its selector; 0 for flat ones and for those that can't be loaded. */
export function baseOf(mode: Mode, selector: number): number {
  if (mode.vm) return 16 * selector;
  return (DESCRIPTORS[(selector >> 3) - FIRST_DESCRIPTOR]?.base ?? 0) >>> 0;
}
