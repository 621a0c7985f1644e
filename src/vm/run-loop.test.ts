import { describe, expect, test } from 'vitest';
import { type CompletionMode, DiskWork } from '../block/disk-work.ts';
import { VirtualClock } from '../hw/core/clock.ts';
import { type InputEvent, InputQueue } from '../hw/core/input.ts';
import { GuestTime } from './guest-time.ts';
import { fixedPacing, hostPacing, type Pacing, replayPacing } from './pacing.ts';
import { createFakeHost, FakeCpu } from './run-loop.fixture.ts';
import { RunLoop, type SliceEnd } from './run-loop.ts';

function createRig(pacing: Pacing = fixedPacing(0, true), nsPerInstruction = 1, completion: CompletionMode = 'exact') {
  const disks = new DiskWork(completion);
  const host = createFakeHost();
  const cpu = new FakeCpu(host, nsPerInstruction);
  const clock = new VirtualClock();
  const input = new InputQueue();
  const time = new GuestTime(pacing.initialRate);
  const delivered: InputEvent[] = [];
  const ends: SliceEnd[] = [];
  let hung = 0;
  const failures: unknown[] = [];
  input.onDelivered = (event) => delivered.push(event);
  const loop = new RunLoop({
    cpu,
    clock,
    input,
    time,
    pacing,
    disks,
    host,
    hooks: {
      attend: (end) => void (end !== 'budget' && ends.push(end)),
      hung: () => void hung++,
      turned() {},
      failed: (error) => void failures.push(error),
    },
  });
  /** A timer that notes the count and time at which it fires, and calls `then`. */
  const timer = (name: string, deadlineNs: number, then: () => void = () => {}): void => {
    const cell = { deadlineNs: -1 };
    clock
      .timer(name, cell, () => {
        fired.push([name, cpu.executed, clock.now()]);
        then();
      })
      .set(deadlineNs);
  };
  const fired: [string, number, number][] = [];
  /** Drives the loop until the guest has retired `count` instructions or nothing is left to do. */
  const runTo = async (count: number): Promise<void> => {
    cpu.at(count, () => {
      loop.close();
      return 'stopped';
    });
    loop.resume();
    await loop.drive();
  };
  return {
    host,
    cpu,
    clock,
    input,
    time,
    loop,
    disks,
    timer,
    fired,
    delivered,
    ends,
    failures,
    runTo,
    hung: () => hung,
  };
}

describe('timers', () => {
  test('fire at the exact count of their deadline', async () => {
    const rig = createRig(fixedPacing(2, true));
    rig.timer('a', 4000);
    rig.timer('b', 4001);
    await rig.runTo(5000);
    expect(rig.fired).toEqual([
      ['a', 1000, 4000],
      ['b', 1001, 4001],
    ]);
  });

  test('set by an instruction inside a slice end the slice at their deadline', async () => {
    const rig = createRig();
    rig.cpu.at(300, () => {
      rig.timer('io', rig.clock.now() + 25);
      return undefined;
    });
    await rig.runTo(5000);
    expect(rig.fired).toEqual([['io', 325, 325]]);
  });

  test('may set others for the same instant', async () => {
    const rig = createRig();
    rig.timer('a', 100, () => rig.timer('b', 100));
    await rig.runTo(1000);
    expect(rig.fired).toEqual([
      ['a', 100, 100],
      ['b', 100, 100],
    ]);
  });
});

describe('input', () => {
  test('is delivered between two instructions, and recorded with the count', async () => {
    const rig = createRig();
    const received: number[] = [];
    rig.input.receiveBytes('serial0', { room: () => 16, receive: (bytes) => void received.push(...bytes) });
    rig.cpu.at(700, () => {
      rig.input.post('serial0', Uint8Array.of(65));
      return undefined;
    });
    await rig.runTo(5000);
    expect(received).toEqual([65]);
    expect(rig.delivered).toEqual([{ count: 700, target: 'serial0', data: Uint8Array.of(65) }]);
  });

  test('of a recorded history arrives at its count', async () => {
    const rig = createRig();
    const counts: number[] = [];
    rig.input.receiveBytes('serial0', { room: () => 16, receive: () => void counts.push(rig.cpu.executed) });
    rig.input.schedule({ count: 1234, target: 'serial0', data: Uint8Array.of(1) });
    await rig.runTo(5000);
    expect(counts).toEqual([1234]);
  });
});

describe('a halted guest', () => {
  test('sleeps until its next timer, whose time is then exact', async () => {
    const rig = createRig();
    rig.cpu.haltAt(100);
    rig.timer('tick', 5_000_000, () => void (rig.cpu.interruptDue = true));
    await rig.runTo(200);
    expect(rig.host.sleeps).toEqual([5_000_000 - 100]);
    expect(rig.fired).toEqual([['tick', 100, 5_000_000]]);
    expect(rig.time.at(200)).toBe(5_000_100);
    expect(rig.delivered).toEqual([]);
  });

  test('does not sleep with sleep=off', async () => {
    const rig = createRig(fixedPacing(0, false));
    rig.cpu.haltAt(100);
    rig.timer('tick', 5_000_000_000, () => void (rig.cpu.interruptDue = true));
    await rig.runTo(200);
    expect(rig.host.sleeps).toEqual([]);
    expect(rig.fired).toEqual([['tick', 100, 5_000_000_000]]);
  });

  test('woken early by input gets the time of the host, recorded ahead of the input', async () => {
    const rig = createRig();
    rig.cpu.haltAt(100);
    rig.timer('tick', 5_000_000, () => void (rig.cpu.interruptDue = true));
    const received: number[] = [];
    rig.input.receiveEvents('key', {
      check: (data): data is number => typeof data === 'number',
      receive: () => void received.push(rig.clock.now()),
    });
    rig.host.onSleep = () => {
      rig.host.onSleep = () => {};
      rig.host.now += 1_000_000;
      rig.input.post('key', 30);
    };
    await rig.runTo(200);
    expect(received).toEqual([1_000_100]);
    expect(rig.delivered).toEqual([
      { count: 100, target: 'clock', data: { warpNs: 1_000_100 } },
      { count: 100, target: 'key', data: 30 },
    ]);
    expect(rig.host.sleeps).toEqual([4_999_900, 3_999_900]);
  });

  test('with interrupts off is reported once, and waits', async () => {
    const rig = createRig();
    rig.cpu.haltAt(100);
    rig.cpu.takesInterrupts = false;
    rig.timer('tick', 1000);
    rig.loop.resume();
    expect(rig.loop.turn()).toEqual({ sleepNs: Number.POSITIVE_INFINITY });
    expect(rig.loop.turn()).toEqual({ sleepNs: Number.POSITIVE_INFINITY });
    expect(rig.hung()).toBe(1);
  });
});

describe('replay', () => {
  test('of a recorded history goes the same way, without the host', async () => {
    const history = (rig: ReturnType<typeof createRig>) => {
      const log: string[] = [];
      rig.input.receiveEvents('key', {
        check: (data): data is number => typeof data === 'number',
        receive(key) {
          log.push(`key ${key} at ${rig.cpu.executed}, ${rig.clock.now()} ns`);
          rig.cpu.interruptDue = true;
        },
      });
      // Two timers that leave the processor halted, and a key in between.
      rig.cpu.haltAt(100).haltAt(160);
      rig.timer('a', 1_000_000);
      rig.timer('b', 6_000_000);
      rig.timer('c', 9_000_000, () => void (rig.cpu.interruptDue = true));
      return log;
    };
    const recorded = createRig(hostPacing(true), 3);
    const log = history(recorded);
    let sleeps = 0;
    recorded.host.onSleep = () => {
      if (++sleeps !== 2) return;
      recorded.host.now += 2_000_000;
      recorded.input.post('key', 7);
    };
    await recorded.runTo(300);
    expect(recorded.delivered.map(({ target }) => target)).toContain('key');

    const replayed = createRig(replayPacing(hostPacing(true)));
    const replayLog = history(replayed);
    for (const event of recorded.delivered) replayed.input.schedule(event);
    await replayed.runTo(300);
    expect(replayLog).toEqual(log);
    expect(replayed.fired).toEqual(recorded.fired);
    expect(replayed.time.at(300)).toBe(recorded.time.at(300));
    expect(replayed.host.sleeps).toEqual([]);
  });
});

describe('disks', () => {
  /** A disk whose requests the test ends. */
  const disk = (rig: ReturnType<typeof createRig>) => {
    const ends: [number, number][] = [];
    rig.input.receiveEvents('drive', {
      check: (data): data is number => typeof data === 'number',
      receive: (request) => void ends.push([request, rig.cpu.executed]),
    });
    const begun: number[] = [];
    return {
      ends,
      /** The guest asks for something at a count. */
      askAt: (count: number) =>
        rig.cpu.at(count, () => {
          begun.push(rig.disks.begin());
          return undefined;
        }),
      end(n: number): void {
        const sequence = begun[n] as number;
        rig.disks.end(sequence, () => void rig.input.post('drive', n));
      },
      begun,
    };
  };

  test('a guest with a fixed rate waits for all that it asked for, whatever order the host has', () => {
    const rig = createRig();
    const { ends, askAt, end } = disk(rig);
    askAt(100);
    rig.timer('b', 100, () => void rig.disks.begin());
    rig.loop.resume();
    expect(rig.loop.turn()).toBe('busy');
    expect(rig.loop.turn()).toBe('disks');
    expect(rig.loop.turn()).toBe('disks');
    expect(rig.cpu.executed).toBe(100);
    rig.disks.end(1, () => void rig.input.post('drive', 7));
    expect(rig.loop.turn()).toBe('disks');
    end(0);
    rig.loop.turn();
    expect(ends).toEqual([
      [0, 100],
      [7, 100],
    ]);
    expect(rig.cpu.executed).toBeGreaterThan(100);
  });

  test('a guest that follows the host goes on meanwhile, and the host gets a turn soon', () => {
    const rig = createRig(hostPacing(true), 1, 'live');
    const { ends, askAt, end } = disk(rig);
    askAt(5000);
    rig.loop.resume();
    expect(rig.loop.turn()).toBe('busy');
    expect(rig.cpu.executed).toBe(5000);
    expect(rig.loop.turn()).toBe('busy');
    const { executed } = rig.cpu;
    expect(executed).toBeGreaterThan(5000);
    expect(executed).toBeLessThan(5000 + 1e6);
    end(0);
    rig.loop.turn();
    expect(ends).toEqual([[0, executed]]);
  });

  test('a replay waits for the host, and hears of the end when the history says so', async () => {
    const rig = createRig(replayPacing(hostPacing(true)), 1, 'replay');
    const { ends, askAt, end } = disk(rig);
    askAt(100);
    rig.input.schedule({ count: 250, target: 'drive', data: 0 });
    rig.loop.resume();
    rig.loop.turn();
    expect(rig.loop.turn()).toBe('disks');
    end(0);
    await rig.runTo(1000);
    expect(ends).toEqual([[0, 250]]);
  });

  test('drive wakes from a wait, and from sleep, when a request ends', async () => {
    const rig = createRig(hostPacing(true), 1, 'live');
    const { ends, askAt, end } = disk(rig);
    askAt(100);
    rig.cpu.haltAt(200);
    rig.timer('tick', 4e9, () => void (rig.cpu.interruptDue = true));
    rig.host.onSleep = () => {
      rig.host.onSleep = () => {};
      rig.host.now += 1000;
      end(0);
    };
    await rig.runTo(300);
    expect(ends).toEqual([[0, 200]]);
  });
});

describe('turns', () => {
  test('give way to the host about every 8 ms', () => {
    const rig = createRig(fixedPacing(0, true), 100);
    rig.loop.resume();
    for (let i = 0; i < 20; i++) {
      const from = rig.host.now;
      expect(rig.loop.turn()).toBe('busy');
      if (i > 5) expect(rig.host.now - from).toBeLessThan(12e6);
    }
    expect(rig.loop.busyNs).toBe(rig.host.now);
  });

  test('pause ends the slice at once, resume goes on where it was', () => {
    const rig = createRig();
    rig.cpu.at(500, () => {
      rig.loop.pause();
      return undefined;
    });
    rig.loop.resume();
    expect(rig.loop.turn()).toBe('paused');
    expect(rig.cpu.executed).toBe(500);
    expect(rig.ends).toEqual(['stopped']);
    rig.loop.resume();
    rig.loop.turn();
    expect(rig.cpu.executed).toBeGreaterThan(500);
  });

  test('guest time follows the host when the processor is slow', () => {
    const rig = createRig(hostPacing(true), 50);
    rig.loop.resume();
    while (rig.host.now < 1e9) rig.loop.turn();
    expect(Math.abs(rig.loop.guestNs - rig.host.now)).toBeLessThan(12e6);
    expect(rig.delivered.every(({ target }) => target === 'clock')).toBe(true);
  });

  test('a bug inside a slice is handed on and stops the machine', async () => {
    const rig = createRig();
    const bug = new Error('BUG: test');
    rig.cpu.at(10, () => {
      throw bug;
    });
    rig.loop.resume();
    const driven = rig.loop.drive();
    await new Promise((resolve) => setTimeout(resolve, 0));
    expect(rig.failures).toEqual([bug]);
    expect(rig.loop.isRunning).toBe(false);
    rig.loop.close();
    await driven;
  });
});
