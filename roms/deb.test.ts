import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { arArchive, debOf } from './deb.fixture.ts';
import { arMembers, filesOfDeb } from './deb.ts';

const text = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);

describe('a package', () => {
  test.each(['gz', 'zst', 'plain'] as const)('gives up the wanted files, data %s', async (kind) => {
    const deb = await debOf({ 'boot/vmlinuz-6.1.0-50-686': 'kernel', 'usr/share/doc/x': 'doc' }, kind);
    const files = await filesOfDeb(deb, ['boot/vmlinuz-6.1.0-*-686']);
    expect([...files].map(([path, data]) => [path, text(data)])).toEqual([['boot/vmlinuz-6.1.0-*-686', 'kernel']]);
  });

  test('without a wanted file is refused by the name of the file', async () => {
    const deb = await debOf({ 'bin/busybox-6x': 'x' }, 'plain');
    await expect(filesOfDeb(deb, ['bin/busybox'])).rejects.toThrow('package without bin/busybox');
  });

  test('with data of an unknown kind is refused', async () => {
    await expect(filesOfDeb(arArchive({ 'data.tar.lz4': Uint8Array.of(1) }), ['x'])).rejects.toThrow('data.tar.lz4');
  });
});

describe('an ar archive', () => {
  test('keeps members of odd length apart', () => {
    const members = arMembers(arArchive({ a: Uint8Array.of(1), b: Uint8Array.of(2, 3) }));
    expect([...members]).toEqual([
      ['a', Uint8Array.of(1)],
      ['b', Uint8Array.of(2, 3)],
    ]);
  });

  test('that is cut off is an error, not an endless loop or a short member', () => {
    const whole = arArchive({ a: new Uint8Array(10), b: new Uint8Array(7) });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: whole.length - 2 }), (length) => {
        if (length === 8 || length === 8 + 60 + 10) return; // ends between members
        expect(() => arMembers(whole.slice(0, length))).toThrow(/ar archive/);
      }),
    );
  });
});
