import { describe, expect, test } from 'vitest';
import type { FileRole } from '../library/records.ts';
import { fittingSpec } from './fitting.ts';

const bring = (...roles: readonly FileRole[]) =>
  fittingSpec(roles.map((role, n) => ({ name: `${role}${n}`, role, file: { kind: 'disk', id: `${n}` } })));

describe('the machine that fits', () => {
  test('a floppy starts from it, a CD from that, a disk as the firmware likes', () => {
    expect(bring('floppy').spec).toMatchObject({ bootOrder: 'a', drives: [{ slot: 'fda' }], display: 'std' });
    expect(bring('cdrom').spec).toMatchObject({ bootOrder: 'd', drives: [{ slot: 'hdc', media: 'cdrom' }] });
    expect(bring('disk').spec).toMatchObject({ bootOrder: '', drives: [{ slot: 'hda', media: 'disk' }] });
  });

  test('a kernel and its initrd find their places in any order', () => {
    const { spec } = bring('initrd', 'kernel');
    expect(spec).toMatchObject({
      kernel: { id: '1' },
      initrd: { id: '0' },
      append: 'console=ttyS0',
      display: 'serial',
    });
  });

  test('media together share the cables, and what finds no place is told', () => {
    const { spec, left } = bring('disk', 'cdrom', 'disk', 'disk', 'floppy', 'floppy', 'floppy', 'bios', 'bios');
    expect(spec.drives.map(({ slot }) => slot)).toEqual(['hda', 'hdc', 'hdb', 'hdd', 'fda', 'fdb']);
    expect(left).toEqual(['floppy6', 'bios8']);
    expect(spec.ramMiB).toBe(512);
  });
});
