import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HEAD_BYTES, packingOf, recognise, TAIL_BYTES } from './recognise.ts';

/** A file with bytes and texts at places. */
function file(sizeBytes: number, parts: Readonly<Record<number, string | readonly number[]>>, name = 'file') {
  const bytes = new Uint8Array(sizeBytes);
  for (const [at, part] of Object.entries(parts)) {
    bytes.set(typeof part === 'string' ? [...part].map((c) => c.charCodeAt(0)) : part, Number(at));
  }
  return { name, sizeBytes, head: bytes.subarray(0, HEAD_BYTES), tail: bytes.subarray(-TAIL_BYTES) };
}
const le32 = (n: number): number[] => [n & 255, (n >>> 8) & 255, (n >>> 16) & 255, n >>> 24];
const bootMark = { 510: [0x55, 0xaa] };

describe('a file is told by its contents', () => {
  test('kernels, with Linux’s version', () => {
    const linux = file(4096, { ...bootMark, 514: 'HdrS', 526: [0x00, 0x06], 2048: '6.1.0-44-686 (debian)\0' });
    expect(recognise(linux)).toMatchObject({ role: 'kernel', what: 'Linux kernel 6.1.0-44-686' });
    const header = [...le32(0x1badb002), ...le32(3), ...le32(-(0x1badb002 + 3))];
    expect(recognise(file(9000, { 8180: header }))).toMatchObject({ role: 'kernel', what: 'Multiboot kernel' });
    expect(recognise(file(9000, { 8184: header })).role).toBeUndefined(); // beyond the first 8192 bytes
    expect(recognise(file(9000, { 6: header })).role).toBeUndefined(); // not aligned
    expect(recognise(file(9000, { 0: le32(0x1badb002) })).role).toBeUndefined(); // no checksum
  });

  test('initial RAM disks', () => {
    expect(recognise(file(512, { 0: '070701' })).role).toBe('initrd');
    expect(recognise(file(512, { 0: [0x28, 0xb5, 0x2f, 0xfd] })).role).toBe('initrd');
  });

  test('CDs, with their label and whether they boot', () => {
    const label = 'Debian 12 i386'.padEnd(32);
    const plain = { 32769: 'CD001', 32808: label };
    expect(recognise(file(0x10000, plain))).toEqual({
      role: 'cdrom',
      format: 'raw',
      what: 'CD image “Debian 12 i386”',
      bootable: false,
    });
    // One that boots from a stick, too, is a CD all the same.
    const hybrid = { ...plain, ...bootMark, 446: [0x80], 450: [0x17], 454: [...le32(64), ...le32(64)] };
    expect(recognise(file(0x10000, hybrid, 'rescue.img')).role).toBe('floppy');
    const torito = { ...hybrid, 34816: [0], 34817: 'CD001', 34823: 'EL TORITO SPECIFICATION' };
    expect(recognise(file(0x10000, torito))).toMatchObject({ role: 'cdrom', bootable: true });
  });

  test('floppies by their size, or by what their boot sector says of it', () => {
    expect(recognise(file(1474560, bootMark))).toEqual({
      role: 'floppy',
      format: 'raw',
      what: 'Floppy, 1440 KiB',
      bootable: true,
    });
    expect(recognise(file(737280, {}))).toMatchObject({ role: 'floppy', bootable: false });
    const cutOff = { ...bootMark, 0: [0xeb, 0x3c, 0x90], 19: [0x40, 0x0b] };
    expect(recognise(file(40_960, cutOff))).toMatchObject({ role: 'floppy', what: 'Floppy, 1440 KiB' });
  });

  test('hard disks by their partitions', () => {
    const table = { ...bootMark, 446: [0x80, 1, 1, 0, 6], 454: [...le32(63), ...le32(2000)] };
    expect(recognise(file(1 << 20, table))).toMatchObject({ role: 'disk', what: 'Hard disk, 1 partition' });
    expect(recognise(file(1 << 20, { ...table, 512: 'EFI PART' })).what).toBe('Hard disk with a GPT');
    expect(recognise(file(1 << 20, { ...bootMark, 0: [0xeb, 0x58, 0x90] })).what).toBe('Disk with a boot sector');
    expect(recognise(file(1 << 20, bootMark)).role).toBeUndefined();
  });

  test('images of other emulators, with the size that a guest sees', () => {
    const gib = [0, 0, 0, 0, 0x40, 0, 0, 0];
    expect(recognise(file(512, { 0: 'QFI\xfb', 4: [0, 0, 0, 3], 24: gib }))).toMatchObject({
      format: 'qcow2',
      sizeBytes: 2 ** 30,
      what: 'QEMU image, qcow2 version 3',
    });
    expect(recognise(file(512, { 0: 'KDMV', 12: le32(2048) }))).toMatchObject({ format: 'vmdk', sizeBytes: 1 << 20 });
    expect(recognise(file(512, { 64: [0x7f, 0x10, 0xda, 0xbe], 368: le32(4096) }))).toMatchObject({
      format: 'vdi',
      sizeBytes: 4096,
    });
    expect(recognise(file(2048, { 0: 'conectix', 48: gib }))).toMatchObject({ format: 'vpc', sizeBytes: 2 ** 30 });
    expect(recognise(file(2048, { 1536: 'conectix', [1536 + 48]: gib })).what).toContain('fixed');
    expect(recognise(file(2048, { 0: 'vhdxfile' })).format).toBe('vhdx');
  });

  test('firmware by the jump where the processor starts', () => {
    expect(recognise(file(0x20000, { [0x20000 - 16]: [0xea, 0x5b, 0xe0, 0, 0xf0] })).role).toBe('bios');
    expect(recognise(file(0x20000, {})).role).toBeUndefined();
  });

  test('the contents count before the name, the name before nothing', () => {
    expect(recognise(file(1024, { 514: 'HdrS' }, 'initrd.img')).role).toBe('kernel');
    expect(recognise(file(3, {}, 'initrd.img-6.1')).role).toBe('initrd');
    expect(recognise(file(3, {}, 'bzImage')).role).toBe('kernel');
    expect(recognise(file(5000, {}, 'DOS.IMG')).role).toBe('floppy');
    expect(recognise(file(16, {}, 'notes.txt'))).toMatchObject({ role: undefined });
  });

  test('packed files are told from others', () => {
    expect(
      [[0x1f, 0x8b], [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0], [0x50, 0x4b, 3, 4], [0x50]].map((bytes) =>
        packingOf(new Uint8Array(bytes)),
      ),
    ).toEqual(['gzip', 'xz', 'zip', undefined]);
  });
});

test('whatever the bytes are, there is an answer', () => {
  const magics = ['QFI\xfb', 'KDMV', 'vhdxfile', 'conectix', 'HdrS', 'CD001'].map((text) =>
    [...text].map((c) => c.charCodeAt(0)),
  );
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 700 }),
    fc
      .tuple(fc.constantFrom(...magics), fc.uint8Array({ maxLength: 64 }))
      .map(([a, b]) => new Uint8Array([...a, ...b])),
  );
  fc.assert(
    fc.property(bytes, (head) => {
      const { what } = recognise({ name: 'x', sizeBytes: head.length, head, tail: head.subarray(-TAIL_BYTES) });
      expect(what).not.toBe('');
    }),
    { numRuns: 2000 },
  );
});
