import { describe, expect, test } from 'vitest';
import { roleOf, sortDropped } from './dropped-files.ts';

function bzImage(): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(1024);
  bytes.set(new TextEncoder().encode('HdrS'), 0x202);
  return bytes;
}

function multiboot(at: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(8192);
  new DataView(bytes.buffer).setUint32(at, 0x1badb002, true);
  return bytes;
}

const gzip = new Uint8Array([0x1f, 0x8b, 8, 0]);
const file = (name: string, bytes: Uint8Array<ArrayBuffer>): File => new File([bytes], name);

describe('the role of a file', () => {
  test('is read from its contents before its name', () => {
    expect(roleOf('initrd.img', bzImage())).toBe('kernel');
    expect(roleOf('vmlinuz', gzip)).toBe('initrd');
    expect(roleOf('x', new TextEncoder().encode('070701'))).toBe('initrd');
  });

  test('multiboot magic counts at any aligned place of the first 8 KiB only', () => {
    expect(roleOf('x', multiboot(8188))).toBe('kernel');
    expect(roleOf('x', multiboot(6))).toBeUndefined();
  });

  test('falls back on the name, and may be unknown', () => {
    expect(roleOf('bzImage-6.1', new Uint8Array())).toBe('kernel');
    expect(roleOf('initrd.img-6.1', new Uint8Array(3))).toBe('initrd');
    expect(roleOf('notes.txt', new Uint8Array(16))).toBeUndefined();
  });
});

describe('files dropped together', () => {
  test('find their places in any order', async () => {
    const [kernel, initrd] = [file('a', bzImage()), file('b', gzip)];
    expect(await sortDropped([initrd, kernel], { kernel: false })).toEqual({ kernel, initrd });
  });

  test('an unknown file becomes the kernel if there is none yet, else the initrd', async () => {
    const unknown = file('a', new Uint8Array(4));
    expect(await sortDropped([unknown], { kernel: false })).toEqual({ kernel: unknown });
    expect(await sortDropped([unknown], { kernel: true })).toEqual({ initrd: unknown });
  });
});
