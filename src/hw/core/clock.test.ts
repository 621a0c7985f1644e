import { expect, test } from 'vitest';
import { ticksAt, timeOfTick, VirtualClock } from './clock.ts';

const cell = () => ({ deadlineNs: -1 });

test('timers run by deadline, then by creation; now() is their deadline', () => {
  const clock = new VirtualClock();
  const ran: string[] = [];
  const make = (name: string) => clock.timer(name, cell(), () => ran.push(`${name}@${clock.now()}`));
  const [a, b, c] = [make('a'), make('b'), make('c')];
  c.set(10);
  b.set(20);
  a.set(20);
  expect(clock.nextDeadline()).toBe(10);
  clock.advanceTo(19);
  clock.advanceTo(30);
  expect(ran).toEqual(['c@10', 'a@20', 'b@20']);
  expect([clock.now(), clock.nextDeadline(), a.pending]).toEqual([30, Number.POSITIVE_INFINITY, false]);
});

test('a timer may set itself again and cancel others', () => {
  const clock = new VirtualClock();
  let ticks = 0;
  const victim = clock.timer('victim', cell(), () => expect.unreachable());
  const tick = clock.timer('tick', cell(), () => {
    ticks++;
    victim.cancel();
    tick.set(clock.now() + 10);
  });
  tick.set(10);
  victim.set(15);
  clock.advanceTo(55);
  expect([ticks, tick.deadlineNs]).toEqual([5, 60]);
});

test('between two advances the source gives the time, never backwards', () => {
  const clock = new VirtualClock();
  let source = 5;
  clock.setSource(() => source);
  expect(clock.now()).toBe(5);
  clock.advanceTo(100);
  expect(clock.now()).toBe(100);
  source = 120;
  expect(clock.now()).toBe(120);
});

test('only a deadline before all others is announced', () => {
  const clock = new VirtualClock();
  const seen: number[] = [];
  clock.onEarlierDeadline = (ns) => void seen.push(ns);
  const a = clock.timer('a', cell(), () => {});
  const b = clock.timer('b', cell(), () => {});
  a.set(100);
  b.set(200);
  b.set(50);
  expect(seen).toEqual([100, 50]);
});

test('a deadline that a load puts into the cell counts', () => {
  const clock = new VirtualClock();
  const c = cell();
  let fired = 0;
  clock.timer('t', c, () => fired++);
  c.deadlineNs = 7;
  expect(clock.nextDeadline()).toBe(7);
  clock.advanceTo(7);
  expect(fired).toBe(1);
});

test('ticks and times convert exactly over months', () => {
  for (const hz of [1_193_182, 32_768, 3_579_545]) {
    for (const tick of [0, 1, 2, hz - 1, hz, hz * 8_000_000 + 12345]) {
      const ns = timeOfTick(tick, hz);
      expect(ticksAt(ns, hz)).toBe(tick);
      if (ns > 0) expect(ticksAt(ns - 1, hz)).toBe(tick - 1);
    }
  }
});
