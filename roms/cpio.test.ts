import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type CpioEntry, cpioArchive } from './cpio.ts';

interface Record {
  name: string;
  mode: number;
  links: number;
  device: [number, number];
  data: Uint8Array;
}

/** A reader of its own, written from the format's description: every field is 8 hex digits, name and data are padded to 4. */
function read(archive: Uint8Array): Record[] {
  const text = (from: number, to: number) => new TextDecoder().decode(archive.subarray(from, to));
  const records: Record[] = [];
  let at = 0;
  while (at < archive.length) {
    expect(text(at, at + 6)).toBe('070701');
    const field = (n: number) => Number.parseInt(text(at + 6 + n * 8, at + 14 + n * 8), 16);
    const nameAt = at + 110;
    const dataAt = (nameAt + field(11) + 3) & ~3;
    records.push({
      name: text(nameAt, nameAt + field(11) - 1),
      mode: field(1),
      links: field(4),
      device: [field(9), field(10)],
      data: archive.slice(dataAt, dataAt + field(6)),
    });
    at = (dataAt + field(6) + 3) & ~3;
  }
  expect(at).toBe(archive.length);
  return records;
}

describe('an archive', () => {
  test('of nothing holds the trailer alone', () => {
    expect(read(cpioArchive([])).map((r) => r.name)).toEqual(['TRAILER!!!']);
  });

  test('keeps kinds, permissions, device numbers and link targets', () => {
    const entries: CpioEntry[] = [
      { kind: 'directory', path: 'dev' },
      { kind: 'char', path: 'dev/console', major: 5, minor: 1 },
      { kind: 'block', path: 'dev/hda', major: 3, minor: 0, mode: 0o660 },
      { kind: 'file', path: 'init', mode: 0o755, data: new TextEncoder().encode('#!/bin/sh\n') },
      { kind: 'symlink', path: 'sh', target: '/bin/busybox' },
    ];
    const records = read(cpioArchive(entries));
    expect(records.map((r) => [r.name, r.mode.toString(8), r.links])).toEqual([
      ['dev', '40755', 2],
      ['dev/console', '20600', 1],
      ['dev/hda', '60660', 1],
      ['init', '100755', 1],
      ['sh', '120777', 1],
      ['TRAILER!!!', '0', 1],
    ]);
    expect(records[1]?.device).toEqual([5, 1]);
    expect(records[2]?.device).toEqual([3, 0]);
    expect(new TextDecoder().decode(records[4]?.data)).toBe('/bin/busybox');
  });

  test('gives back any names and contents, whatever their length', () => {
    const file = fc.record({ path: fc.string({ minLength: 1, unit: 'grapheme-ascii' }), data: fc.uint8Array() });
    fc.assert(
      fc.property(fc.array(file), (files) => {
        const records = read(cpioArchive(files.map((f) => ({ kind: 'file', ...f }))));
        expect(records.slice(0, -1).map(({ name, data }) => ({ path: name, data }))).toEqual(
          files.map(({ path, data }) => ({ path, data: new Uint8Array(data) })),
        );
      }),
    );
  });

  test('is the same bytes for the same entries', () => {
    const entries: CpioEntry[] = [{ kind: 'file', path: 'a', data: Uint8Array.of(1, 2, 3) }];
    expect(cpioArchive(entries)).toEqual(cpioArchive(entries));
  });
});
