import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { SavedDevice } from './machine.ts';
import { machineRig } from './machine-rig.fixture.ts';

const RAM_BYTES = 2 ** 21;
const size = fc.constantFrom(1, 2, 4);
const value = fc.oneof(fc.integer({ min: 0, max: 0xff }), fc.integer({ min: 0, max: 0xffff_ffff }));
/** All ports, with more weight on those of the chip set. */
const port = fc.oneof(
  fc.integer({ min: 0, max: 0xffff }),
  fc.integer({ min: 0, max: 0xff }),
  fc.constantFrom(0xcf8, 0xcf9, 0xcfc, 0xcfd, 0xcff, 0x510, 0x511, 0x514, 0x518, 0xb2, 0x600, 0x602, 0x604, 0x608),
);
const configAddress = fc.integer({ min: 0, max: 0x1fff }).map((address) => 0x8000_0000 + address);
const step = fc.oneof(
  fc.record({ kind: fc.constant('out' as const), port, size, value }),
  fc.record({ kind: fc.constant('in' as const), port, size }),
  fc.record({ kind: fc.constant('config' as const), address: configAddress, value }),
  fc.record({ kind: fc.constant('wait' as const), ns: fc.integer({ min: 0, max: 50_000_000 }) }),
);

/** Much faster to compare than bytes. */
const texts = (saved: readonly SavedDevice[]): string[] =>
  saved.map(([id, bytes]) => `${id} ${Buffer.from(bytes).toString('hex')}`);

it.each(['pc', 'isapc'])(
  'machine %s survives whatever a guest does to its ports, and what it became can be moved',
  (name) => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { machine } = machineRig(name, { ramBytes: RAM_BYTES });
        for (const s of steps) {
          if (s.kind === 'out') {
            machine.io.write(s.port, s.value, s.size);
          } else if (s.kind === 'in') {
            const read = machine.io.read(s.port, s.size);
            expect(read >= 0 && read < 2 ** (8 * s.size) && Number.isInteger(read)).toBe(true);
          } else if (s.kind === 'config') {
            machine.io.write(0xcf8, s.address, 4);
            machine.io.write(0xcfc + (s.address & 3), s.value, 4 >> (s.address & 1));
          } else {
            machine.clock.advanceTo(machine.clock.now() + s.ns);
          }
        }
        const saved = machine.save();
        const other = machineRig(name, { ramBytes: RAM_BYTES }).machine;
        other.clock.restore(machine.clock.now());
        other.load(saved);
        expect(texts(other.save())).toEqual(texts(saved));
        expect(other.cpuIrq.level).toBe(machine.cpuIrq.level);
        expect(other.a20.level).toBe(machine.a20.level);
        expect(other.memory.view.length).toBe(machine.memory.view.length);
      }),
      { numRuns: 40 },
    );
  },
);
