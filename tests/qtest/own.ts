/** Our machine without a processor. Its disks lie in memory; requests end as soon as the script lets them. */
import { type TestDrive, testDrive } from '../../src/block/drive.fixture.ts';
import { VirtualClock } from '../../src/hw/core/clock.ts';
import { boardByName } from '../../src/hw/machines/boards.ts';
import { buildMachine } from '../../src/hw/machines/build.ts';
import type { Machine } from '../../src/hw/machines/machine.ts';
import { planMachine, type UserDevice } from '../../src/hw/machines/plan.ts';
import type { Target } from './target.ts';

const RAM_BYTES = 16 * 2 ** 20;

export interface OwnDrive {
  /** Contents, or the size of one that nobody reads. */
  readonly bytes: Uint8Array | number | undefined;
  readonly media?: 'disk' | 'cdrom';
}

export interface OwnTarget extends Target {
  readonly machine: Machine;
  readonly drives: ReadonlyMap<string, TestDrive>;
}

/** `clock=vm,base=2001-02-03T04:05:06` of the native machine. */
const BASE_SECONDS = Date.UTC(2001, 1, 3, 4, 5, 6) / 1000;

function ownDrive({ bytes, media = 'disk' }: OwnDrive): TestDrive {
  if (typeof bytes !== 'number') return testDrive(bytes?.slice(), { media });
  return Object.defineProperty(testDrive(new Uint8Array(512), { media }), 'sizeBytes', { value: bytes });
}

export function ownTarget(
  board: string,
  devices: readonly UserDevice[],
  images: Readonly<Record<string, OwnDrive>> = {},
  partProperties: Readonly<Record<string, Readonly<Record<string, string>>>> = {},
): OwnTarget {
  const drives = new Map(Object.entries(images).map(([id, image]) => [id, ownDrive(image)]));
  const plan = planMachine({
    board: boardByName(board),
    ramBytes: RAM_BYTES,
    firmware: { name: 'none', bytes: new Uint8Array(0x10000) },
    devices,
    partProperties,
    lookup: (kind, id) => (kind === 'drive' ? drives.get(id) : undefined),
    rtcSeconds: BASE_SECONDS,
  });
  const ram = new Uint8Array(plan.backingBytes);
  const clock = new VirtualClock();
  const machine = buildMachine(plan, {
    ram: { bytes: ram, written() {} },
    clock,
    control: {
      requestReset() {},
      requestShutdown() {},
      requestSuspend() {},
      reportPanic() {},
      watchdogExpired() {},
      requestExit() {},
    },
  });
  machine.reset();
  return {
    machine,
    drives,
    in: async (port, size = 1) => machine.io.read(port, size),
    out: async (port, value, size = 1) => machine.io.write(port, value, size),
    read: async (gpa, length) => {
      const bytes = new Uint8Array(length);
      machine.memory.readBytes(gpa, bytes);
      return bytes;
    },
    write: async (gpa, bytes) => machine.memory.writeBytes(gpa, bytes),
    step: async (ns) => clock.advanceTo(clock.now() + ns),
    settle: async () => {
      while ([...drives.values()].some(({ waiting }) => waiting.length > 0)) {
        for (const drive of drives.values()) drive.completeAll();
      }
    },
    close: async () => {},
  };
}
