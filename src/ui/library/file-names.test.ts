import { expect, test } from 'vitest';
import { fileNames } from './file-names.ts';
import { defaultSpec, type FileRef } from './machine-spec.ts';
import type { DiskRecord } from './records.ts';

const disk = (id: string, name: string): DiskRecord => ({
  id,
  name,
  role: 'disk',
  format: 'qcow2',
  sizeBytes: 1,
  origin: { kind: 'empty' },
  created: 0,
});

test('files of one name are told apart, and one file has one name', () => {
  const disks = new Map([
    ['1', disk('1', 'image')],
    ['2', disk('2', 'image')],
  ]);
  const [one, two, rom, lost]: readonly FileRef[] = [
    { kind: 'disk', id: '1' },
    { kind: 'disk', id: '2' },
    { kind: 'rom', name: 'image' },
    { kind: 'disk', id: 'abcdefgh-1' },
  ];
  const spec = {
    ...defaultSpec,
    kernel: one!,
    initrd: two!,
    bios: rom!,
    drives: [
      { slot: 'hda', media: 'disk', file: two! },
      { slot: 'hdb', media: 'disk', file: lost! },
    ],
  } as const;
  const lookup = fileNames(spec, (id) => disks.get(id));
  expect([rom!, one!, two!, lost!].map((file) => lookup(file).name)).toEqual([
    'image',
    '2-image',
    '3-image',
    'missing-abcdefgh',
  ]);
  expect(lookup(two!).format).toBe('qcow2');
});
