import { describe, expect, it } from 'vitest';
import { testDrive } from '../../../block/drive.fixture.ts';
import { VirtualClock } from '../../core/clock.ts';
import { createDevice } from '../../core/device.ts';
import { AddressSpace } from '../../core/memory.ts';
import { Container, ramRegion } from '../../core/region.ts';
import { pflashCfi01 } from './pflash-cfi01.ts';

const SIZE = 0x20000;
const AT = 0xfffe_0000;

function rig({ readonly = false } = {}) {
  const image = new Uint8Array(SIZE).fill(0x5a);
  const drive = testDrive(image, { readonly });
  const ram = new Uint8Array(SIZE);
  const system = new Container('system', 2 ** 32);
  const memory = new AddressSpace(system, { bytes: ram, written() {} });
  const array = { region: ramRegion('flash', SIZE, 0), bytes: ram, written() {} };
  const props = { drive, contents: { bytes: image.slice() }, address: AT, romSpace: system, memory: { array } };
  const device = createDevice(pflashCfi01, { id: 'flash', clock: new VirtualClock(), props });
  device.enterReset();
  device.holdReset();
  return {
    device,
    drive,
    image,
    memory,
    read: (offset: number, size = 1): number => memory.read(AT + offset, size),
    write: (offset: number, ...values: number[]): void => {
      for (const value of values) memory.write(AT + offset, value, 1);
    },
    /** It is plain memory to the guest. */
    isArray: (): boolean => memory.view.find(({ start }) => start === AT)?.region.kind === 'ram',
  };
}

describe('flash', () => {
  it('is memory until a command is written, and again after FFh', () => {
    const { read, write, isArray } = rig();
    expect([read(0x123), isArray()]).toEqual([0x5a, true]);
    write(0, 0x70);
    expect([read(0x123), isArray()]).toEqual([0x80, false]);
    write(0, 0xff);
    expect([read(0, 4), isArray()]).toEqual([0x5a5a5a5a, true]);
  });

  it('answers a query with its size and its blocks', () => {
    const { read, write } = rig();
    write(0x55, 0x98);
    expect([0x10, 0x11, 0x12, 0x27, 0x2a].map((at) => read(at))).toEqual([0x51, 0x52, 0x59, 17, 8]);
    expect([0x2c, 0x2d, 0x2e, 0x2f, 0x30].map((at) => read(at))).toEqual([1, 31, 0, 0x10, 0]);
    write(0, 0xff);
    expect(read(0x10)).toBe(0x5a);
  });

  it('programs a byte, and hands its sector to the drive', () => {
    const { read, write, drive, image } = rig();
    write(0x1234, 0x40, 0x11);
    expect(read(0x1234)).toBe(0x80);
    write(0x1234, 0xff);
    expect(read(0x1234)).toBe(0x11);
    drive.completeAll();
    expect([image[0x1233], image[0x1234]]).toEqual([0x5a, 0x11]);
  });

  it('erases a block', () => {
    const { read, write, drive, image } = rig();
    write(0x1abc, 0x20, 0xd0, 0xff);
    expect([0xfff, 0x1000, 0x1fff, 0x2000].map((at) => read(at))).toEqual([0x5a, 0xff, 0xff, 0x5a]);
    drive.completeAll();
    expect([0xfff, 0x1000, 0x1fff, 0x2000].map((at) => image[at])).toEqual([0x5a, 0xff, 0xff, 0x5a]);
  });

  it('programs a buffer', () => {
    const { read, write, drive, image } = rig();
    write(0x2000, 0xe8);
    write(0x2000, 2); // three bytes
    for (const [i, byte] of [1, 2, 3].entries()) write(0x2000 + i, byte);
    write(0x2000, 0xd0);
    expect(read(0x2000)).toBe(0x80);
    write(0x2000, 0xff);
    expect(read(0x2000, 4)).toBe(0x5a030201);
    drive.completeAll();
    expect([...image.subarray(0x2000, 0x2004)]).toEqual([1, 2, 3, 0x5a]);
  });

  it('refuses to change a read-only image, and says so in its status', () => {
    const { read, write, drive } = rig({ readonly: true });
    write(0, 0x40, 0x11);
    expect(read(0)).toBe(0x90);
    write(0, 0x50, 0x20);
    expect(read(0)).toBe(0xa0);
    write(0, 0xd0, 0xff);
    expect(read(0)).toBe(0x5a);
    expect(drive.waiting).toEqual([]);
  });

  it('goes on in the middle of a command after save and load', () => {
    const one = rig();
    one.write(0x2000, 0xe8, 0, 0x77);
    const other = rig();
    other.device.fill(one.device.save());
    other.device.sync();
    expect(other.isArray()).toBe(false);
    other.write(0x2000, 0xd0);
    expect(other.read(0x2000)).toBe(0x80);
    expect(other.device.save()).not.toEqual(one.device.save());
  });

  it('takes nonsense', () => {
    const { read, write, isArray } = rig();
    write(1, 0x33);
    expect([read(1), isArray()]).toEqual([0x5a, true]);
    write(1, 0xe8, 0xff, 1);
    write(1, 0x98);
    for (let i = 0; i < 600; i++) write(SIZE - 1, i & 0xff);
    for (let i = 0; i < 300 && !isArray(); i++) write(SIZE - 1, 0xff); // at most a whole buffer
    expect(isArray()).toBe(true);
  });
});
