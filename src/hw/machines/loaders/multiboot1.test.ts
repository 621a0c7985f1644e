import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VmError } from '../../../util/errors.ts';
import { type DirectBoot, type DirectBootOptions, loadKernel } from './direct-boot.ts';
import { pcMemoryMap } from './e820.ts';
import { multibootAout, multibootElf } from './images.fixture.ts';

const MiB = 2 ** 20;
const AOUT = { headerAddr: 0x100010, loadAddr: 0x100000, loadEnd: 0x100100, bssEnd: 0x100300, entry: 0x100040 };

const load = (bytes: Uint8Array, more: Partial<DirectBootOptions> = {}): DirectBoot =>
  loadKernel({
    kernel: { name: 'kernel.elf', bytes },
    commandLine: 'a=1',
    openFile: (name) => new TextEncoder().encode(name.repeat(1000)),
    lowRamBytes: 16 * MiB,
    e820: pcMemoryMap(16 * MiB, 0),
    ...more,
  });

/** The memory that the loader left, as bytes. */
function memory(boot: DirectBoot) {
  const ram = new Uint8Array(16 * MiB).fill(0xff);
  for (const { gpa, bytes } of boot.writes) ram.set(bytes, gpa);
  const view = new DataView(ram.buffer);
  const u32 = (gpa: number): number => view.getUint32(gpa, true);
  const text = (gpa: number): string => {
    const end = ram.indexOf(0, gpa);
    return new TextDecoder().decode(ram.slice(gpa, end));
  };
  return { ram, u32, text };
}

describe('multiboot 1', () => {
  it('starts an ELF image at its entry with the magic number and the information structure', () => {
    const { cpu } = load(multibootElf());
    expect(cpu).toMatchObject({ eip: 0x100020, regs: { eax: 0x2badb002, ebx: 0x9500 } });
  });

  it('loads segments at their physical addresses and clears .bss', () => {
    const { ram, u32 } = memory(load(multibootElf({ bss: 0x200 })));
    expect(u32(0x100000)).toBe(0x1badb002);
    expect(ram.subarray(0x100100, 0x100300).every((byte) => byte === 0)).toBe(true);
    expect(ram[0x100300]).toBe(0xff);
  });

  it('fills memory sizes, command line, loader name and memory map', () => {
    const { u32, text } = memory(load(multibootElf()));
    const info = 0x9500;
    expect(u32(info)).toBe(0x24f);
    expect([u32(info + 4), u32(info + 8)]).toEqual([639, 15 * 1024]);
    expect(text(u32(info + 16))).toBe('kernel.elf a=1');
    expect(text(u32(info + 64))).toBe('qemu');
    expect([u32(info + 44), u32(info + 48)]).toEqual([4 * 24, 0x9000]);
    expect([u32(0x9000), u32(0x9004), u32(0x900c), u32(0x9014)]).toEqual([20, 0, 0x9fc00, 1]);
  });

  it('places modules on pages behind the kernel, each with its own command line', () => {
    const { ram, u32, text } = memory(load(multibootElf(), { initrd: 'm1 x,,y,m2' }));
    const list = u32(0x9500 + 24);
    expect(u32(0x9500 + 20)).toBe(2);
    const [start, end] = [u32(list), u32(list + 4)];
    expect(start % 4096).toBe(0);
    expect(end - start).toBe(2000);
    expect(new TextDecoder().decode(ram.slice(start, start + 4))).toBe('m1m1');
    expect(text(u32(list + 8))).toBe('m1 x,y');
    expect(u32(list + 16)).toBeGreaterThanOrEqual(end);
    expect(text(u32(list + 24))).toBe('m2');
  });

  it('loads a raw image by the addresses in its header', () => {
    const boot = load(multibootAout(AOUT));
    const { ram } = memory(boot);
    expect(boot.cpu.eip).toBe(0x100040);
    expect([ram[0x1000ff], ram[0x100100], ram[0x1002ff], ram[0x100300]]).toEqual([0xcc, 0, 0, 0xff]);
  });

  it.each<[string, Uint8Array, Partial<DirectBootOptions>, RegExp]>([
    [
      'load address',
      multibootAout({ ...AOUT, loadAddr: 0x100020 }),
      {},
      /'kernel.elf': invalid load_addr address 0x1000/,
    ],
    ['load end', multibootAout({ ...AOUT, loadEnd: 0x200000 }), {}, /load_end_addr 0x200000 exceeds the file/],
    ['bss end', multibootAout({ ...AOUT, bssEnd: 0x100001 }), {}, /invalid bss_end_addr address 0x100001/],
    ['RAM', multibootElf({ bss: 32 * MiB }), {}, /it needs RAM up to 0x2100100/],
    ['requirements', multibootElf({ flags: 0x8 }), {}, /multiboot requirement 0x8 is not supported/],
    ['video', multibootElf({ flags: 0x4 }), {}, /video modes are not supported/],
    ['module', multibootElf(), { initrd: 'm', openFile: () => new Uint8Array(16 * MiB) }, /module 'm' is too large/],
  ])('refuses what it cannot start: %s', (_, bytes, more, message) => {
    expect(() => load(bytes, more)).toThrow(message);
    expect(() => load(bytes, more)).toThrow(VmError);
  });

  it('answers every damaged ELF header with a VmError or a boot within RAM', () => {
    const damage = fc.array(fc.tuple(fc.integer({ min: 0, max: 84 }), fc.integer({ min: 0, max: 255 })), {
      maxLength: 4,
    });
    fc.assert(
      fc.property(damage, (bytes) => {
        const image = multibootElf({ bss: 64 });
        for (const [offset, value] of bytes) image[offset] = value;
        try {
          for (const { gpa, bytes: written } of load(image).writes) {
            expect(gpa + written.length).toBeLessThanOrEqual(16 * MiB);
          }
        } catch (error) {
          if (!(error instanceof VmError)) throw error;
        }
      }),
      { numRuns: 500 },
    );
  });
});
