import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytes, fifo, u16, u32, vmstate } from '../hw/core/state.ts';
import type { ByteReader } from '../hw/core/state-bytes.ts';
import { VmError } from '../util/errors.ts';
import type { RamBlock } from './format.ts';
import { readState } from './read-stream.ts';
import { writeState } from './write-stream.ts';

const PAGE = 4096;
const chip = vmstate('chip', 2, { register: u32(7), divisor: u16(), queue: fifo(4), bytes: bytes(3) });

function machine() {
  const states = [chip.fresh(), chip.fresh()];
  const ram: RamBlock[] = [
    { name: 'pc.ram', bytes: new Uint8Array(8 * PAGE) },
    { name: 'vga.vram', bytes: new Uint8Array(2 * PAGE) },
  ];
  const owners = states.map((state, i) => ({
    id: `chip${i}`,
    stateName: chip.name,
    stateVersion: chip.version,
    save: () => chip.save(state),
    describe: () => chip.describe(state),
    decode: (reader: ByteReader) => chip.decode(state, reader),
  }));
  return { machine: 'pc-test', states, ram, owners };
}
type Machine = ReturnType<typeof machine>;

function used(): Machine {
  const m = machine();
  Object.assign(m.states[0] as object, { register: 0xdead_beef, divisor: 12 });
  m.states[1]?.queue.push(0x42);
  m.ram[0]?.bytes.set([1, 2, 3], PAGE + 5);
  m.ram[0]?.bytes.fill(0xff, 3 * PAGE, 4 * PAGE);
  m.ram[1]?.bytes.set([9], 2 * PAGE - 1);
  return m;
}
function streamOf(m: Machine): Uint8Array {
  const all: number[] = [];
  writeState(m, (piece) => void all.push(...piece));
  return Uint8Array.from(all);
}
const contents = (m: Machine) => ({ states: m.states.map((s) => chip.save(s)), ram: m.ram.map(({ bytes }) => bytes) });

describe('a migration stream', () => {
  it('fills another machine with all that was written, and leaves nothing of what that held', () => {
    const target = machine();
    target.ram[0]?.bytes.fill(0x55);
    const state = readState(streamOf(used()), target, 'stream');
    expect(target.states[0]?.register).toBe(7);
    state.apply();
    expect(contents(target)).toEqual(contents(used()));
  });

  it('has QEMU’s header, one fill byte for a page of one value, and a description in JSON', () => {
    const stream = streamOf(used());
    expect([...stream.subarray(0, 9)]).toEqual([0x51, 0x45, 0x56, 0x4d, 0, 0, 0, 3, 7]);
    expect(stream.length).toBeLessThan(3 * PAGE);
    const text = new TextDecoder('latin1').decode(stream);
    const description = JSON.parse(text.slice(text.indexOf('{"page_size"')));
    expect(description.devices[1]).toMatchObject({ name: 'chip1', vmsd_name: 'chip', version: 2 });
    expect(description.devices[0].fields[0]).toEqual({ name: 'register', type: 'u32', size: 4 });
  });

  it.each([
    ['nothing at all', () => new Uint8Array(), /stream: not a migration stream/],
    ['another machine', () => streamOf({ ...used(), machine: 'q35' }), /of machine 'q35', not 'pc-test'/],
    ['one device less', () => streamOf({ ...used(), owners: used().owners.slice(1) }), /device 'chip0' is missing/],
    [
      'a device twice',
      () => streamOf({ ...used(), owners: [...used().owners, ...used().owners] }),
      /'chip0', or it comes twice/,
    ],
    [
      'memory of another size',
      () => streamOf({ ...used(), ram: [{ name: 'pc.ram', bytes: new Uint8Array(PAGE) }] }),
      /'pc.ram' has 4096 bytes, the machine's 32768/,
    ],
  ])('is refused with %s', (_what, stream, message) => {
    expect(() => readState(stream(), machine(), 'stream')).toThrow(message);
  });

  it('is refused if it ends early, wherever, and changes nothing', () => {
    const stream = streamOf(used());
    const fresh = machine().states.map((state) => chip.hash(state));
    const end = new TextDecoder('latin1').decode(stream).indexOf('{"page_size"') - 5;
    for (let length = 0; length < end; length += length > 300 && length < end - 300 ? 97 : 1) {
      const target = machine();
      expect(() => readState(stream.subarray(0, length), target, 'stream'), `${length} bytes`).toThrow(VmError);
      expect(target.states.map((state) => chip.hash(state))).toEqual(fresh);
      expect(target.ram.every(({ bytes }) => bytes.every((byte) => byte === 0))).toBe(true);
    }
  });

  it('gives an error or a state, never anything else, whatever its bytes', () => {
    const stream = streamOf(used());
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(stream.length - 1), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 4 }),
        (changes) => {
          const damaged = stream.slice();
          for (const [at, bits] of changes) damaged[at] = (damaged[at] ?? 0) ^ bits;
          try {
            readState(damaged, machine(), 'stream').apply();
          } catch (error) {
            expect(error).toBeInstanceOf(VmError);
          }
        },
      ),
      { numRuns: 3000 },
    );
  });
});
