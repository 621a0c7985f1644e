import { expect, test } from 'vitest';
import { type InputEvent, InputQueue } from './input.ts';

function createLine(queue: InputQueue, depth: number) {
  const taken: number[] = [];
  queue.receiveBytes('serial0', {
    room: () => depth - taken.length,
    receive: (bytes) => void taken.push(...bytes),
  });
  return taken;
}

test('bytes wait outside until there is room; each piece is stamped with its count', () => {
  const queue = new InputQueue();
  const history: InputEvent[] = [];
  queue.onDelivered = (event) => void history.push(event);
  const taken = createLine(queue, 3);
  queue.post('serial0', Uint8Array.of(1, 2, 3, 4, 5));
  queue.deliver(100);
  expect(taken).toEqual([1, 2, 3]);
  taken.length = 0;
  queue.deliver(250);
  expect(history).toEqual([
    { count: 100, target: 'serial0', data: Uint8Array.of(1, 2, 3) },
    { count: 250, target: 'serial0', data: Uint8Array.of(4, 5) },
  ]);
});

test('a recorded history is delivered at its counts', () => {
  const queue = new InputQueue();
  const taken = createLine(queue, 100);
  queue.schedule({ count: 250, target: 'serial0', data: Uint8Array.of(4) });
  queue.schedule({ count: 100, target: 'serial0', data: Uint8Array.of(1) });
  expect(queue.nextCount()).toBe(100);
  queue.deliver(99);
  expect(taken).toEqual([]);
  queue.deliver(100);
  expect([taken, queue.nextCount()]).toEqual([[1], 250]);
  expect(() => queue.deliver(251)).toThrow('BUG');
});

test('events of a wrong shape or for nobody are dropped and not recorded', () => {
  const queue = new InputQueue();
  let recorded = 0;
  queue.onDelivered = () => recorded++;
  const got: number[] = [];
  queue.receiveEvents('rtc-base', {
    check: (data): data is number => typeof data === 'number',
    receive: (seconds) => void got.push(seconds),
  });
  queue.post('rtc-base', 'now');
  queue.post('rtc-base', 5);
  expect(queue.post('nobody', 1)).toBe(false);
  queue.deliver(0);
  expect([got, recorded]).toEqual([[5], 1]);
});

test('the run loop is woken when something can be delivered', () => {
  const queue = new InputQueue();
  let woken = 0;
  queue.onPending = () => woken++;
  const taken = createLine(queue, 1);
  queue.post('serial0', Uint8Array.of(1, 2));
  queue.deliver(0);
  taken.length = 0;
  queue.roomAvailable('serial0');
  expect(woken).toBe(2);
  queue.deliver(1);
  queue.roomAvailable('serial0');
  expect(woken).toBe(2);
});
