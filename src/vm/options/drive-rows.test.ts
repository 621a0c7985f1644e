import { describe, expect, test } from 'vitest';
import { testCatalogue } from './catalogue.fixture.ts';
import { parseCommandLine } from './parse.ts';

function machine(...args: string[]) {
  const parsed = parseCommandLine(args, testCatalogue);
  if (parsed.kind !== 'machine') throw new Error('no machine');
  return parsed.options;
}

const ideCd = { name: 'ide-cd', bus: 'IDE', category: 'Storage', help: '', check() {} };

/** Each drive's id and file, and the devices with their properties. */
function drives(...args: string[]) {
  const { drives: list, devices, floppies } = machine('-nodefaults', ...args);
  return {
    drives: list.map(({ id, file }) => `${id}=${file ?? ''}`),
    devices: devices.map(({ driver, properties }) => {
      const { drive, ...place } = properties;
      return `${driver} ${drive} ${Object.values(place).join(' ')}`.trim();
    }),
    floppies,
  };
}

describe('drives', () => {
  test('for a CD and a floppy are there without being asked for, unless something is in their places', () => {
    const withCd = { ...testCatalogue, devices: [...testCatalogue.devices, ideCd] };
    const ids = (...args: string[]): string[] => {
      const parsed = parseCommandLine(args, withCd);
      return parsed.kind === 'machine' ? parsed.options.drives.map(({ id }) => id) : [];
    };
    expect(ids()).toEqual(['ide1-cd0', 'floppy0']);
    expect(ids('-hda', 'a')).toEqual(['ide0-hd0', 'ide1-cd0', 'floppy0']);
    expect(ids('-hdc', 'a', '-fda', 'b')).toEqual(['ide1-hd0', 'floppy0']);
    expect(ids('-drive', 'if=none,id=x', '-device', 'ide-cd')).toEqual(['x', 'floppy0']);
    expect(ids('-nodefaults')).toEqual([]);
  });

  test('of the short options have QEMU’s places and names', () => {
    expect(drives('disk.img', '-hdb', 'b', '-cdrom', 'c.iso', '-hdd', 'd', '-fda', 'f', '-fdb', 'g')).toEqual({
      drives: ['ide0-hd0=disk.img', 'ide0-hd1=b', 'ide1-cd0=c.iso', 'ide1-hd1=d', 'floppy0=f', 'floppy1=g'],
      devices: [
        'ide-hd ide0-hd0 ide.0 0',
        'ide-hd ide0-hd1 ide.0 1',
        'ide-cd ide1-cd0 ide.1 0',
        'ide-hd ide1-hd1 ide.1 1',
      ],
      floppies: { driveA: 'floppy0', driveB: 'floppy1' },
    });
  });

  test('without a place take the first free one', () => {
    expect(drives('-hda', 'a', '-drive', 'file=b', '-drive', 'file=c', '-drive', 'file=d,if=virtio')).toMatchObject({
      drives: ['ide0-hd0=a', 'ide0-hd1=b', 'ide1-hd0=c', 'virtio0=d'],
      devices: [
        'ide-hd ide0-hd0 ide.0 0',
        'ide-hd ide0-hd1 ide.0 1',
        'ide-hd ide1-hd0 ide.1 0',
        'virtio-blk-pci virtio0',
      ],
    });
  });

  test('of the firmware are flash chips, by unit', () => {
    const { flash, devices } = machine('-nodefaults', '-drive', 'if=pflash,file=vars,unit=1', '-pflash', 'code');
    expect([flash, devices]).toEqual([['pflash0', 'pflash1'], []]);
  });

  test('with if=none are for devices that name them', () => {
    const options = machine('-nodefaults', '-drive', 'if=none,id=d,file=x,,y', '-device', 'pc-testdev');
    expect(options.drives).toMatchObject([{ id: 'd', file: 'x,y' }]);
    expect(options.devices).toMatchObject([{ driver: 'pc-testdev' }]);
  });

  test('take limits by both of their names', () => {
    const [drive] = machine('-drive', 'throttling.iops-total=50,bps_rd=1000,throttling.bps-write=2000').drives;
    expect(drive?.throttle).toEqual({ iopsTotal: 50, bpsRead: 1000, bpsWrite: 2000 });
  });

  test('take what is said of the image', () => {
    const text =
      'file=x,format=raw,readonly=on,snapshot=on,serial=S1,cache=none,werror=stop,rerror=ignore,discard=unmap';
    expect(machine('-nodefaults', '-drive', `${text},bus=1,unit=1`).drives).toEqual([
      {
        id: 'ide1-hd1',
        file: 'x',
        media: 'disk',
        format: 'raw',
        readonly: true,
        snapshot: true,
        serial: 'S1',
        cache: 'writeback',
        writeErrors: 'stop',
        readErrors: 'ignore',
        discard: true,
      },
    ]);
  });

  test.each([
    [['-drive', 'if=pflash,unit=1,file=a'], 'if=pflash: a machine has units 0 and 1, and needs unit 0'],
    [['-drive', 'media=tape'], "-drive media=tape: 'tape' invalid media"],
    [['-drive', 'index=0,unit=0'], '-drive index=0,unit=0: index cannot be used with bus and unit'],
    [['-drive', 'unit=2'], '-drive unit=2: unit 2 too big (max is 1)'],
    [['-drive', 'id=1'], "-drive id=1: Parameter 'id' expects an identifier"],
    [['-drive', 'cache=fast'], "-drive cache=fast: invalid cache option 'fast'"],
    [['-drive', 'werror=x'], "-drive werror=x: 'x' invalid write error action"],
    [['-drive', 'bps=1,bps_rd=1'], 'cannot be used at the same time'],
    [['-drive', 'iops=x'], "-drive iops=x: Parameter 'iops' expects integer"],
    [['-drive', 'foo=x'], "-drive foo=x: Invalid parameter 'foo'"],
    [['-hda', 'a', '-hda', 'b'], 'drive with bus=0, unit=0 (index=0) exists'],
    [['-drive', 'if=none,id=a', '-drive', 'if=none,id=a'], "Duplicate ID 'a' for drive"],
    [['-drive', 'if=floppy,index=2,file=x'], 'machine type does not support if=floppy,bus=0,unit=2'],
  ])('%j is refused', (args, message) => {
    expect(() => machine(...args)).toThrow(message);
  });
});
