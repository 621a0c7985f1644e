/** What a load of CR3 and INVLPG do to pages with and without the G bit (SDM volume 3, 4.10.2.4 and 4.10.4.1). */
import { describe, expect, test } from 'vitest';
import type { EngineMode } from '../../src/cpu/exec/engine.ts';
import { CR4_PGE, EAX, EBP, EBX, EDI, EDX, ESI, ESP, F_CR0, F_CR3, F_CR4 } from '../../src/cpu/isa/x86/layout.ts';
import { createMachine, enterFlatMode, type Machine } from './machine.ts';

const MODES: readonly EngineMode[] = ['eval', 'interp', 'jit'];
/** Not where it would take a mapped page's entry in the code TLB: then that would be looked up anew, which is allowed, too. */
const CODE = 0x5000;
const STACK = 0x8000;
const DIRECTORY = 0x10000;
const TABLES = [0x11000, 0x12000] as const;
/** Pages of backing store with other contents, and where they are mapped: one that is global, one that is not. */
const [OLD, NEW] = [0x20000, 0x21000];
const [LOCAL, GLOBAL] = [0x400000, 0x401000];
const [P, RW, G] = [1, 2, 0x100];

const word = (v: number): number[] => [v & 255, (v >> 8) & 255, (v >> 16) & 255, v >>> 24];
const store = (address: number, value: number): number[] => [0xc7, 0x05, ...word(address), ...word(value)];
const load = (register: number, address: number): number[] => [0x8b, 0x05 | (register << 3), ...word(address)];
const remap = (flags: number, page: number): number[] => store(TABLES[1] + 4 * page, NEW | flags);
const REMAP = [...remap(P | RW, 0), ...remap(P | RW | G, 1)];
const RELOAD_CR3 = [0x0f, 0x20, 0xd9, 0x0f, 0x22, 0xd9];
const invlpg = (address: number): number[] => [0x0f, 0x01, 0x3d, ...word(address)];
/** mov edx, address; call edx; mov register, eax */
const call = (address: number, register: number): number[] => [
  ...[0xba, ...word(address), 0xff, 0xd2],
  ...[0x89, 0xc0 | register],
];
const HLT = 0xf4;

function run(mode: EngineMode, cr4: number, contents: readonly number[][], code: readonly number[]): Machine {
  const machine = createMachine({ mode, ramBytes: 0x40000 });
  const { backing } = machine.engine.memory;
  const ram = new DataView(backing.buffer, backing.byteOffset, backing.length);
  TABLES.forEach((table, i) => {
    ram.setUint32(DIRECTORY + 4 * i, table | P | RW, true);
  });
  for (let page = 0; page < 0x40; page++) ram.setUint32(TABLES[0] + 4 * page, (page << 12) | P | RW | G, true);
  ram.setUint32(TABLES[1], OLD | P | RW, true);
  ram.setUint32(TABLES[1] + 4, OLD | P | RW | G, true);
  [OLD, NEW].forEach((page, i) => {
    backing.set(contents[i] ?? [], page);
  });
  backing.set([...code, HLT], CODE);
  enterFlatMode(machine, CODE);
  const { view, native, engine } = machine;
  view.setUint32(F_CR3, DIRECTORY, true);
  view.setUint32(F_CR4, cr4, true);
  view.setUint32(F_CR0, 0x80000011, true);
  view.setUint32(ESP, STACK, true);
  native.update_mode();
  engine.exec.tlb_flush();
  expect(engine.vcpu.run(100_000)).toBe('halted');
  return machine;
}

const registers = ({ view }: Machine, ...slots: readonly number[]): number[] =>
  slots.map((slot) => view.getUint32(slot, true));

describe.each(MODES)('engine %s', (mode) => {
  const data = [word(1), word(2)];
  const looks = [...load(3, LOCAL), ...load(5, GLOBAL), ...REMAP, ...RELOAD_CR3, ...load(6, LOCAL), ...load(7, GLOBAL)];

  test('a load of CR3 keeps global data pages, INVLPG drops them', () => {
    const machine = run(mode, CR4_PGE, data, [...looks, ...invlpg(GLOBAL), ...load(0, GLOBAL)]);
    expect(registers(machine, EBX, EBP, ESI, EDI, EAX)).toEqual([1, 1, 2, 1, 2]);
  });

  test('without CR4.PGE no page is global', () => {
    expect(registers(run(mode, 0, data, looks), EBX, EBP, ESI, EDI)).toEqual([1, 1, 2, 2]);
  });

  // mov eax, n; ret
  const functions = [1, 2].map((n) => [0xb8, ...word(n), 0xc3]);

  test('code in a page that is not global is found anew after a load of CR3', () => {
    const code = [...call(LOCAL, 3), ...REMAP, ...RELOAD_CR3, ...call(LOCAL, 6)];
    expect(registers(run(mode, CR4_PGE, functions, code), EBX, ESI)).toEqual([1, 2]);
  });

  test('a load of CR3 keeps where code in global pages is, INVLPG does not', () => {
    const code = [
      ...call(GLOBAL, 3),
      ...REMAP,
      ...RELOAD_CR3,
      ...call(GLOBAL, 6),
      ...invlpg(GLOBAL),
      ...call(GLOBAL, 7),
    ];
    expect(registers(run(mode, CR4_PGE, functions, code), EBX, ESI, EDI)).toEqual([1, 1, 2]);
  });

  test('code that was compiled is left when its page is mapped elsewhere', () => {
    // mov ecx, 50; 1: push ecx; <call>; pop ecx; loop 1b
    const often = (address: number, register: number): number[] => {
      const body = [0x51, ...call(address, register), 0x59];
      return [0xb9, ...word(50), ...body, 0xe2, -(body.length + 2) & 0xff];
    };
    const code = [...often(LOCAL, 3), ...remap(P | RW, 0), ...RELOAD_CR3, ...often(LOCAL, 6), ...invlpg(LOCAL)];
    expect(registers(run(mode, CR4_PGE, functions, code), EBX, ESI, EDX)).toEqual([1, 2, LOCAL]);
  });
});
