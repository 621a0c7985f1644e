/**
 * The processor models: what CPUID reports, as QEMU 7.2's TCG does on `-M pc`, less the features that are not there
 * (APIC, MTRR, machine check registers, PAT, CLFLUSH, SSE). What a model has follows from its feature bits.
 */
import {
  CPUID_BASIC,
  CPUID_BASIC_LEAVES,
  CPUID_CACHES,
  CPUID_CACHES_COUNT,
  CPUID_EXTENDED,
  CPUID_EXTENDED_LEAVES,
  CR4_DE,
  CR4_MCE,
  CR4_OSFXSR,
  CR4_PAE,
  CR4_PCE,
  CR4_PGE,
  CR4_PSE,
  CR4_TSD,
  F_CPUID_EXT_MAX,
  F_CPUID_FEATURES,
  F_CPUID_MAX,
  F_CPUID_SIGNATURE,
  F_CR4_VALID,
  F_PHYS_BITS,
} from './layout.ts';

// CPUID leaf 1, EDX.
const DE = 1 << 2;
const PSE = 1 << 3;
const TSC = 1 << 4;
const PAE = 1 << 6;
const MCE = 1 << 7;
const APIC = 1 << 9;
const MTRR = 1 << 12;
const PGE = 1 << 13;
const MCA = 1 << 14;
const PAT = 1 << 16;
const PSE36 = 1 << 17;
const CLFLUSH = 1 << 19;
const FXSR = 1 << 24;
const SSE = 1 << 25;
const SSE2 = 1 << 26;
const MISSING_EDX = APIC | MTRR | MCA | PAT | CLFLUSH | SSE | SSE2;
/** Leaf 1, ECX. */
const SSE3 = 1 << 0;

/** EAX, EBX, ECX, EDX. */
type Leaf = readonly [number, number, number, number];

export interface CpuModel {
  readonly name: string;
  readonly description: string;
  /** Leaves from 0 on. The last one also answers for all leaves beyond. */
  readonly basic: readonly Leaf[];
  /** Further subleaves of leaf 4, one a cache; none: zeros. */
  readonly caches?: readonly Leaf[];
  /** Leaves from 80000000H on; none if the processor has no extended leaves. */
  readonly extended: readonly Leaf[];
}

/** Leaf 0: number of the last basic leaf, 'GenuineIntel'. */
const vendor = (last: number): Leaf => [last, 0x756e6547, 0x6c65746e, 0x49656e69];
const NOTHING: Leaf = [0, 0, 0, 0];
const CACHES: Leaf = [1, 0, 0x4d, 0x2c307d];
const HYPERVISOR = 1 << 31;

export const CPU_MODELS: readonly CpuModel[] = [
  {
    name: '486',
    description: 'Intel 80486 DX4',
    basic: [vendor(1), [0x480, 0x800, HYPERVISOR, 0x9]],
    extended: [],
  },
  {
    name: 'pentium',
    description: 'Intel Pentium',
    basic: [vendor(1), [0x543, 0x800, HYPERVISOR, 0x8003bd]],
    extended: [],
  },
  {
    name: 'pentium2',
    description: 'Intel Pentium II',
    basic: [vendor(2), [0x652, 0x800, HYPERVISOR, 0x183fbfd], CACHES],
    extended: [],
  },
  {
    name: 'pentium3',
    description: 'Intel Pentium III',
    basic: [vendor(3), [0x673, 0x800, HYPERVISOR, 0x383fbfd], CACHES, NOTHING],
    extended: [],
  },
  {
    name: 'qemu32',
    description: 'QEMU Virtual CPU version 2.5+',
    basic: [
      vendor(4),
      [0x663, 0x800, HYPERVISOR | SSE3, 0x781abfd],
      CACHES,
      NOTHING,
      [0x121, 0x1c0003f, 0x3f, 1], // level 1, data
    ],
    caches: [
      [0x122, 0x1c0003f, 0x3f, 1], // level 1, instructions
      [0x143, 0x3c0003f, 0xfff, 1],
      [0x163, 0x3c0003f, 0x3fff, 6],
    ],
    extended: [
      [0x80000004, 0x756e6547, 0x6c65746e, 0x49656e69],
      [0x663, 0, 0, 0],
      [0x554d4551, 0x72695620, 0x6c617574, 0x55504320],
      [0x72657620, 0x6e6f6973, 0x352e3220, 0x2b],
      NOTHING,
    ],
  },
];

const withoutMissing = (leaf: Leaf, index: number): Leaf =>
  index === 1 ? [leaf[0], leaf[1], leaf[2] & ~SSE3, leaf[3] & ~MISSING_EDX] : leaf;

/** The leaves a guest sees. */
export const basicLeaves = (model: CpuModel): readonly Leaf[] => model.basic.map(withoutMissing);

/** Bits of CR4 that exist with these features. */
function cr4Bits(features: number): number {
  const bits: readonly (readonly [number, number])[] = [
    [DE, CR4_DE],
    [PSE, CR4_PSE],
    [TSC, CR4_TSD],
    [PAE, CR4_PAE | CR4_PCE], // performance counters came with the same processors
    [MCE, CR4_MCE],
    [PGE, CR4_PGE],
    [FXSR, CR4_OSFXSR],
  ];
  return bits.reduce((cr4, [feature, bit]) => ((features & feature) !== 0 ? cr4 | bit : cr4), 0);
}

/** Writes a model into the CPU's fields. Reset the CPU afterwards: EDX then holds its signature. */
export function installModel(memory: DataView, model: CpuModel): void {
  const leaves = basicLeaves(model);
  const caches = Array.from({ length: CPUID_CACHES_COUNT }, (_, i) => model.caches?.[i] ?? NOTHING);
  if (
    leaves.length > CPUID_BASIC_LEAVES ||
    model.extended.length > CPUID_EXTENDED_LEAVES ||
    (model.caches?.length ?? 0) > CPUID_CACHES_COUNT
  ) {
    throw new Error(`BUG: CPU model ${model.name} has too many CPUID leaves`);
  }
  const write = (base: number, table: readonly Leaf[]) =>
    table.forEach((leaf, i) => {
      leaf.forEach((word, j) => {
        memory.setInt32(base + 16 * i + 4 * j, word, true);
      });
    });
  write(CPUID_BASIC, leaves);
  write(CPUID_EXTENDED, model.extended);
  write(CPUID_CACHES, caches);
  const [signature, , , features] = leaves[1] ?? NOTHING;
  memory.setUint32(F_CPUID_MAX, leaves.length, true);
  memory.setUint32(F_CPUID_EXT_MAX, model.extended.length, true);
  memory.setUint32(F_CPUID_SIGNATURE, signature, true);
  memory.setUint32(F_CPUID_FEATURES, features, true);
  memory.setUint32(F_PHYS_BITS, (features & PSE36) !== 0 ? 36 : 32, true);
  memory.setUint32(F_CR4_VALID, cr4Bits(features), true);
}
