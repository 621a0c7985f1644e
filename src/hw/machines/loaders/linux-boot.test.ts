import { existsSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VmError } from '../../../util/errors.ts';
import { type DirectBoot, type DirectBootOptions, loadKernel } from './direct-boot.ts';
import { pcMemoryMap } from './e820.ts';
import { type BzImageOptions, bzImage } from './images.fixture.ts';

const MiB = 2 ** 20;

function optionsFor(kernel: Uint8Array, more: Partial<DirectBootOptions> = {}): DirectBootOptions {
  const lowRamBytes = more.lowRamBytes ?? 40 * MiB;
  return {
    kernel: { name: 'vmlinuz', bytes: kernel },
    commandLine: 'console=ttyS0 panic=-1',
    openFile: () => new Uint8Array(10_000).fill(7),
    lowRamBytes,
    e820: pcMemoryMap(lowRamBytes, 0),
    ...more,
  };
}

const load = (image: BzImageOptions = {}, more: Partial<DirectBootOptions> = {}): DirectBoot =>
  loadKernel(optionsFor(bzImage(image), more));

function at(boot: DirectBoot, gpa: number): DataView {
  const found = boot.writes.find((w) => gpa >= w.gpa && gpa < w.gpa + w.bytes.length);
  if (found === undefined) throw new Error(`nothing at ${gpa}`);
  return new DataView(found.bytes.buffer, found.bytes.byteOffset + gpa - found.gpa);
}

describe('Linux direct boot', () => {
  it('enters at code32_start with boot_params in %esi and the selectors of the protocol', () => {
    const { cpu } = load();
    expect(cpu).toMatchObject({ eip: 0x100000, regs: { esi: 0x10000 }, codeSelector: 0x10, dataSelector: 0x18 });
    expect(at(load(), cpu.gdt.base + 0x10).getBigUint64(0, true)).toBe(0x00cf9b000000ffffn);
  });

  it('puts the protected-mode code at 1 MiB and the command line where the header points', () => {
    const boot = load({ payload: new Uint8Array(64).fill(0xab) });
    expect(at(boot, 0x100000).getUint8(63)).toBe(0xab);
    const pointer = at(boot, 0x10000).getUint32(0x228, true);
    const text = at(boot, pointer);
    expect(String.fromCharCode(...Array.from({ length: 7 }, (_, i) => text.getUint8(i)))).toBe('console');
  });

  it('says who loaded it, and hands over the memory map', () => {
    const page = at(load(), 0x10000);
    expect(page.getUint8(0x210)).toBe(0xb0);
    expect(page.getUint8(0x1e8)).toBe(4);
    expect(page.getUint8(0x1ef)).toBe(0); // sentinel
    const entry = (i: number) => [0, 8].map((o) => Number(page.getBigUint64(0x2d0 + i * 20 + o, true)));
    expect([0, 1, 2, 3].map(entry)).toEqual([
      [0, 0x9fc00],
      [0x9fc00, 0x400],
      [0xf0000, 0x10000],
      [0x100000, 39 * MiB],
    ]);
    expect(page.getUint32(0x1e0, true)).toBe(39 * 1024);
  });

  it('places the initrd on a page at the end of RAM, where QEMU does', () => {
    // qemu-system-i386 7.2 -m 40 with an initrd of 10000 bytes: (0x2800000 - 0x28000 - 1 - 10000) & ~4095
    const page = at(load({}, { initrd: 'initrd' }), 0x10000);
    expect(page.getUint32(0x218, true)).toBe(0x27d5000);
    expect(page.getUint32(0x21c, true)).toBe(10_000);
  });

  it('places the initrd below initrd_addr_max', () => {
    const page = at(load({ initrdMax: 0x1ff_ffff }, { initrd: 'initrd' }), 0x10000);
    expect(page.getUint32(0x218, true)).toBe(0x1ffd000);
  });

  it('hands over the ACPI root pointer from protocol 2.14 on', () => {
    expect(at(load({ protocol: 0x20e }, { rsdp: 0xf1230 }), 0x10000).getUint32(0x70, true)).toBe(0xf1230);
    expect(at(load({ protocol: 0x20d }, { rsdp: 0xf1230 }), 0x10000).getUint32(0x70, true)).toBe(0);
  });

  it('tells whether there is a VGA, in text mode 80x25', () => {
    const info = (vga: boolean) => {
      const page = at(load({}, { vga }), 0x10000);
      return [page.getUint8(0x07), page.getUint8(0x0e), page.getUint8(0x0f), page.getUint8(0x0a)];
    };
    expect(info(true)).toEqual([80, 25, 1, 0x03]);
    expect(info(false)).toEqual([80, 25, 0, 0x10]);
  });

  it('takes vga= from the command line', () => {
    expect(at(load({}, { commandLine: 'quiet vga=0x317' }), 0x10000).getUint16(0x1fa, true)).toBe(0x317);
    expect(at(load({}, { commandLine: 'vga=ask' }), 0x10000).getUint16(0x1fa, true)).toBe(0xfffd);
  });

  it.each<[string, BzImageOptions, Partial<DirectBootOptions>, RegExp]>([
    ['protocol', { protocol: 0x201 }, {}, /'vmlinuz': boot protocol 2\.01 is too old/],
    ['zImage', { loadflags: 0 }, {}, /'vmlinuz': a zImage/],
    ['command line', { commandLineMax: 10 }, {}, /command line of 22 bytes is too long: kernel 'vmlinuz' takes 10/],
    ['initrd', {}, { initrd: 'big.img', openFile: () => new Uint8Array(40 * MiB) }, /initrd 'big.img' is too large/],
    ['RAM', { payload: new Uint8Array(2 * MiB) }, { lowRamBytes: 2 * MiB }, /'vmlinuz': 2097152 bytes at 1 MiB do not/],
  ])('refuses what does not fit: %s', (_, image, more, message) => {
    expect(() => load(image, more)).toThrow(message);
    expect(() => load(image, more)).toThrow(VmError);
  });

  it.each<[string, Uint8Array, RegExp]>([
    ['empty', new Uint8Array(), /could not load kernel 'vmlinuz': the file is empty/],
    ['short', new Uint8Array(100), /100 bytes are too few/],
    ['ELF', new Uint8Array([0x7f, 0x45, 0x4c, 0x46, ...new Uint8Array(4096)]), /ELF image without a multiboot header/],
    ['gzip', new Uint8Array([0x1f, 0x8b, ...new Uint8Array(4096)]), /gzip-compressed/],
    ['noise', new Uint8Array(4096).fill(1), /neither a Linux boot header/],
    ['no payload', bzImage().subarray(0, 2560), /invalid kernel header: 4 setup sectors in a file of 2560 bytes/],
    ['truncated', bzImage().subarray(0, 4000), /the file is truncated: 4000 bytes, 6656 expected/],
  ])('refuses files that are no kernel: %s', (_, bytes, message) => {
    expect(() => loadKernel(optionsFor(bytes))).toThrow(message);
  });

  it('answers every damaged header with a VmError or a boot within RAM', () => {
    const damage = fc.array(fc.tuple(fc.integer({ min: 0x1f0, max: 0x270 }), fc.integer({ min: 0, max: 255 })), {
      maxLength: 8,
    });
    fc.assert(
      fc.property(damage, fc.integer({ min: 0, max: 6656 }), (bytes, length) => {
        const image = bzImage();
        for (const [offset, value] of bytes) image[offset] = value;
        try {
          const options = optionsFor(image.subarray(0, length < 600 ? length : image.length), { initrd: 'initrd' });
          for (const { gpa, bytes: written } of loadKernel(options).writes) {
            expect(gpa).toBeGreaterThanOrEqual(0x10000);
            expect(gpa + written.length).toBeLessThanOrEqual(40 * MiB);
          }
        } catch (error) {
          if (!(error instanceof VmError)) throw error;
        }
      }),
      { numRuns: 500 },
    );
  });

  const real = 'roms/out/vmlinuz-i386';
  it.skipIf(!existsSync(real))("loads Debian's kernel", () => {
    const bytes = new Uint8Array(readFileSync(real));
    const boot = loadKernel(optionsFor(bytes));
    expect(boot.kind).toMatch(/^Linux boot protocol 2\.1\d$/);
    expect(at(boot, 0x100000).byteLength).toBeGreaterThan(4 * MiB);
    expect(() => loadKernel(optionsFor(bytes.subarray(0, bytes.length / 2)))).toThrow(/is truncated/);
  });
});
