/** What firmware reads of a machine's drives, and drives that can't be had. */
import { expect, test } from 'vitest';
import { testDrive } from '../../block/drive.fixture.ts';
import { machineRig } from './machine-rig.fixture.ts';

const MiB = 2 ** 20;
const disk = { driver: 'ide-hd', properties: { drive: 'd' } };
const lookup = (kind: string, id: string) =>
  kind === 'drive' && id === 'd' ? testDrive(new Uint8Array(20 * MiB)) : undefined;

test('CMOS memory has the type and geometry of the first disk, and no floppy drive', () => {
  const { cmos } = machineRig('pc', { devices: [disk], lookup });
  expect(cmos(0x10)).toBe(0);
  expect(cmos(0x12)).toBe(0xf0);
  expect(cmos(0x19)).toBe(47);
  expect([0x1b, 0x1c, 0x1d, 0x23].map(cmos)).toEqual([40, 0, 16, 63]);
});

test('a drive has one device', () => {
  expect(() => machineRig('pc', { devices: [disk, disk], lookup })).toThrow(
    "Drive 'd' is already in use by another block device",
  );
});

test('a bus takes as many devices as it has units', () => {
  const empty = { driver: 'ide-cd', properties: { bus: 'ide.0' } };
  expect(() => machineRig('pc', { devices: [empty, empty] })).not.toThrow();
  expect(() => machineRig('pc', { devices: [empty, empty, empty] })).toThrow("Bus 'ide.0' is full");
});
