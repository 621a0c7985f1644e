import { describe, expect, it } from 'vitest';
import { C_FAULT_ADDR, WALK_GLOBAL, WALK_LARGE, WALK_WRITABLE } from '../../ir/layout.ts';
import { CR4_PAE, CR4_PGE, CR4_PSE, F_CR0, F_CR3, F_CR4 } from './layout.ts';
import { compileNative, type Fault, type Machine, protectedMachine } from './system-machine.fixture.ts';

const module = compileNative();

const PG = 0x80000000;
const WP = 0x10000;
const [P, RW, US, A, D, PS, G] = [1, 2, 4, 0x20, 0x40, 0x80, 0x100];
const DIRECTORY = 0x20000;
const TABLE = 0x21000;
const VA = 0x00c05678;
const PDE = DIRECTORY + 4 * (VA >>> 22);
const PTE = TABLE + 4 * ((VA >>> 12) & 0x3ff);

const NOTHING = 0xffff_ffff_ffff_ffffn;
/** The physical page and its WALK_ bits, or the fault. */
function walk(m: Machine, va: number, access: number, mmu: number): { page: number; bits: number } | Fault {
  const found = BigInt.asUintN(64, m.call('walk', va | 0, access, mmu) as bigint);
  if (found === NOTHING) return m.fault() as Fault;
  return { page: Number(found & ~0xfffn), bits: Number(found & 0xfffn) };
}

function paged(cr0 = 0): Machine {
  const m = protectedMachine(module);
  m.set(F_CR3, DIRECTORY);
  m.set(F_CR0, PG | cr0 | 0x11);
  return m;
}

describe('two-level paging', () => {
  const rights = [0, RW, US, RW | US];
  const matrix = rights.flatMap((pde) =>
    rights.flatMap((pte) =>
      [0, WP].flatMap((wp) => [0, 1, 2].flatMap((access) => [0, 1].map((mmu) => ({ pde, pte, wp, access, mmu })))),
    ),
  );
  it('grants and refuses by U/S, R/W and WP in every combination, with exact error codes', () => {
    for (const c of matrix) {
      const m = paged(c.wp);
      m.write(PDE, TABLE | P | c.pde);
      m.write(PTE, 0x345000 | P | c.pte);
      const both = c.pde & c.pte;
      const store = c.access === 1;
      const user = c.mmu === 1;
      const mayWrite = (both & RW) !== 0 || (!user && c.wp === 0);
      const allowed = (!user || (both & US) !== 0) && (!store || mayWrite);
      const writable = store && allowed ? WALK_WRITABLE : 0;
      const expected = allowed
        ? { page: 0x345000, bits: writable }
        : { vector: 14, error: 1 | (store ? 2 : 0) | (user ? 4 : 0) };
      expect([c, walk(m, VA, c.access, c.mmu)]).toEqual([c, expected]);
      // A and D are set only by what is allowed (the directory's A by the walk as such).
      expect(m.read(PTE)).toBe((0x345000 | P | c.pte | (allowed ? A | (store ? D : 0) : 0)) >>> 0);
      expect(m.read(PDE) & A).toBe(A);
    }
  });
  it('tells absent directories and tables from protection', () => {
    const m = paged();
    expect(walk(m, VA, 1, 1)).toEqual({ vector: 14, error: 6 });
    expect(m.get(C_FAULT_ADDR)).toBe(VA);
    m.write(PDE, TABLE | P | RW | US);
    expect(walk(m, VA, 0, 0)).toEqual({ vector: 14, error: 0 });
  });
  it('calls a page writable on a load only when it is dirty already', () => {
    const m = paged();
    m.write(PDE, TABLE | P | RW | US);
    m.write(PTE, 0x345000 | P | RW | US);
    expect(walk(m, VA, 0, 1)).toEqual({ page: 0x345000, bits: 0 });
    walk(m, VA, 1, 1);
    expect(walk(m, VA, 0, 1)).toEqual({ page: 0x345000, bits: WALK_WRITABLE });
  });
  it('has 4-MiB pages with CR4.PSE, and their reserved bit', () => {
    const m = paged();
    m.write(PDE, 0x00400000 | P | RW | US | PS);
    m.set(F_CR4, CR4_PSE);
    expect(walk(m, VA, 1, 1)).toEqual({ page: 0x405000, bits: WALK_LARGE | WALK_WRITABLE });
    expect(m.read(PDE) & (A | D)).toBe(A | D);
    m.write(PDE, 0x00600000 | P | RW | US | PS);
    expect(walk(m, VA, 0, 1)).toEqual({ vector: 14, error: 0xd });
    m.write(PDE, 0x00402000 | P | RW | PS); // PSE-36: address bit 32
    expect(walk(m, VA, 0, 0)).toEqual({ page: 0x1_0040_5000, bits: WALK_LARGE });
  });
  it('says which pages are global, with CR4.PGE', () => {
    const m = paged();
    m.write(PDE, TABLE | P);
    m.write(PTE, 0x345000 | P | G);
    expect(walk(m, VA, 0, 0)).toEqual({ page: 0x345000, bits: 0 });
    m.set(F_CR4, CR4_PGE | CR4_PSE);
    expect(walk(m, VA, 0, 0)).toEqual({ page: 0x345000, bits: WALK_GLOBAL });
    m.write(PDE, 0x00400000 | P | PS | G);
    expect(walk(m, VA, 0, 0)).toEqual({ page: 0x405000, bits: WALK_LARGE | WALK_GLOBAL });
  });
  it('ignores PS without CR4.PSE', () => {
    const m = paged();
    m.write(PDE, TABLE | P | RW | US | PS);
    m.write(PTE, 0x345000 | P);
    expect(walk(m, VA, 0, 0)).toEqual({ page: 0x345000, bits: 0 });
  });
  it('probe finds the page and changes nothing', () => {
    const m = paged();
    expect(BigInt.asUintN(64, m.call('probe', VA) as bigint)).toBe(NOTHING);
    m.write(PDE, TABLE | P);
    m.write(PTE, 0x345000 | P);
    expect(m.call('probe', VA)).toBe(0x345000n);
    expect([m.read(PDE), m.read(PTE), m.fault()]).toEqual([TABLE | P, 0x345000 | P, undefined]);
  });
  it('passes addresses through the A20 gate, tables too', () => {
    const m = paged();
    m.write(PDE, 0x100000 | TABLE | P);
    m.write(PTE, 0x345000 | P);
    m.call('set_a20', 0);
    expect(walk(m, VA, 0, 0)).toEqual({ page: 0x245000, bits: 0 });
    m.set(F_CR0, 0x11);
    expect(walk(m, 0x100000, 0, 0)).toEqual({ page: 0, bits: WALK_WRITABLE | WALK_GLOBAL });
  });
});

describe('PAE paging', () => {
  const POINTERS = 0x22000;
  const PAE_PDE = DIRECTORY + 8 * (VA >>> 21);
  const PAE_PTE = TABLE + 8 * ((VA >>> 12) & 0x1ff);
  function pae(): Machine {
    const m = protectedMachine(module);
    m.write(POINTERS, DIRECTORY | P);
    m.write(PAE_PDE, TABLE | P | RW | US);
    m.write(PAE_PTE, 0x345000 | P | RW | US);
    m.call('mov_to_cr', 4, CR4_PAE);
    m.call('mov_to_cr', 3, POINTERS);
    m.call('mov_to_cr', 0, PG | 0x11 | 0);
    expect(m.fault()).toBeUndefined();
    return m;
  }
  it('walks three levels and marks the last two', () => {
    const m = pae();
    expect(walk(m, VA, 1, 1)).toEqual({ page: 0x345000, bits: WALK_WRITABLE });
    expect([m.read(PAE_PDE) & (A | D), m.read(PAE_PTE) & (A | D), m.read(POINTERS)]).toEqual([A, A | D, DIRECTORY | P]);
    m.write(PAE_PTE + 4, 1);
    expect(walk(m, VA, 0, 0)).toEqual({ page: 0x1_0034_5000, bits: WALK_WRITABLE });
  });
  it('caches the pointers until CR3 is written', () => {
    const m = pae();
    m.write(POINTERS, 0);
    expect(walk(m, VA, 0, 0)).toEqual({ page: 0x345000, bits: 0 });
    m.call('mov_to_cr', 3, POINTERS);
    expect(walk(m, VA, 0, 0)).toEqual({ vector: 14, error: 0 });
  });
  it('refuses pointers with reserved bits, before anything is loaded', () => {
    const m = pae();
    m.write(0x23000, DIRECTORY | P | 2);
    m.call('mov_to_cr', 3, 0x23000);
    expect(m.fault()).toEqual({ vector: 13, error: 0 });
    expect(m.get(F_CR3)).toBe(POINTERS);
    expect(walk(m, VA, 0, 0)).toEqual({ page: 0x345000, bits: 0 });
  });
  it('has 2-MiB pages', () => {
    const m = pae();
    m.write(PAE_PDE, 0x200000 | P | US | PS);
    expect(walk(m, VA, 0, 1)).toEqual({ page: 0x205000, bits: WALK_LARGE });
    expect(walk(m, VA, 1, 1)).toEqual({ vector: 14, error: 7 });
  });
  it.each([
    ['no-execute in a table', PAE_PTE + 4, 0x80000000],
    ['address bit 36 in a table', PAE_PTE + 4, 0x10],
    ['bit 62 in a directory', PAE_PDE + 4, 0x40000000],
    ['bit 13 of a large page', PAE_PDE, 0x202000 | P | RW | US | PS],
  ])('faults on reserved bits: %s', (_, at, value) => {
    const m = pae();
    m.write(at, value);
    expect(walk(m, VA, 0, 1)).toEqual({ vector: 14, error: 0xd });
  });
});

describe('control registers', () => {
  it.each([
    ['PG without PE', 0, PG],
    ['NW without CD', 0, 0x20000001],
    ['a bit of CR4 that does not exist', 4, 0x800],
  ])('%s is #GP', (_, n, value) => {
    const m = protectedMachine(module);
    m.call('mov_to_cr', n, value | 0);
    expect(m.fault()).toEqual({ vector: 13, error: 0 });
    expect([m.get(F_CR0), m.get(F_CR4)]).toEqual([0x11, 0]);
  });
  it('flush the TLB when the mapping may change', () => {
    const m = protectedMachine(module);
    const flushesOf = (n: number, value: number): number => {
      const before = m.flushes;
      m.call('mov_to_cr', n, value | 0);
      return m.flushes - before;
    };
    const flushes = [flushesOf(3, 0x5000), flushesOf(4, CR4_PGE)];
    // WP, and protected mode itself, do not matter to a linear address without paging.
    for (const cr0 of [0x10011, 0x10010, 0x10011]) flushes.push(flushesOf(0, cr0));
    for (const cr0 of [0x80010011, 0x80000011, 0x80000019, 0x11]) flushes.push(flushesOf(0, cr0));
    expect(flushes).toEqual([1, 1, 0, 0, 0, 1, 1, 0, 1]);
  });
  it('a 486 has no PAE', () => {
    const m = protectedMachine(module, 0, '486');
    m.call('mov_to_cr', 4, CR4_PAE);
    expect(m.fault()).toEqual({ vector: 13, error: 0 });
  });
  it('CR1 is #UD; LMSW cannot clear PE', () => {
    const m = protectedMachine(module);
    m.call('mov_from_cr', 1);
    expect(m.fault()).toEqual({ vector: 6, error: 0 });
    m.call('lmsw', 0xe);
    expect(m.get(F_CR0)).toBe(0x1f);
  });
});
