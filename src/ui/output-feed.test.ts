import { describe, expect, test } from 'vitest';
import { OutputFeed } from './output-feed.ts';

/** A feed whose frames come when asked for, and a terminal that notes what it is given. */
function setUp() {
  const frames: (() => void)[] = [];
  const feed = new OutputFeed((callback) => frames.push(callback));
  const written: Uint8Array[] = [];
  const pending: (() => void)[] = [];
  const sink = (bytes: Uint8Array, done: () => void): void => {
    written.push(bytes);
    pending.push(done);
  };
  const text = (): string => written.map((bytes) => new TextDecoder().decode(bytes)).join('|');
  return { feed, frames, written, pending, sink, text, frame: () => frames.shift()?.() };
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('serial output', () => {
  test('that comes between two frames is one write', () => {
    const { feed, sink, frame, frames, text } = setUp();
    feed.attach(sink);
    feed.push(bytes('ab'));
    feed.push(bytes('c'));
    expect(frames).toHaveLength(1);
    frame();
    expect(text()).toBe('abc');
  });

  test('from before the terminal exists waits for it', () => {
    const { feed, sink, frame, frames, text } = setUp();
    feed.push(bytes('early'));
    expect(frames).toHaveLength(0);
    feed.attach(sink);
    frame();
    expect(text()).toBe('early');
  });

  test('is held back until the terminal has shown what it was given', () => {
    const { feed, sink, frame, frames, pending, text } = setUp();
    feed.attach(sink);
    feed.push(bytes('one'));
    frame();
    feed.push(bytes('two'));
    expect(frames).toHaveLength(0);
    pending.shift()?.();
    frame();
    expect(text()).toBe('one|two');
  });

  test('in a flood comes in portions, complete and in order', () => {
    const { feed, sink, frame, pending, written } = setUp();
    feed.attach(sink);
    const flood = Uint8Array.from({ length: 200_000 }, (_, i) => i % 251);
    feed.push(flood.subarray(0, 70_001));
    feed.push(flood.subarray(70_001));
    for (let i = 0; i < 10; i++) {
      frame();
      pending.shift()?.();
    }
    expect(Math.max(...written.map((part) => part.length))).toBeLessThanOrEqual(65536);
    expect(Buffer.concat(written).equals(flood)).toBe(true);
  });

  test('that nobody takes is bounded: the newest is kept', () => {
    const { feed, sink, frame, written } = setUp();
    for (let i = 0; i < 20; i++) feed.push(new Uint8Array(1 << 20).fill(i));
    feed.attach(sink);
    frame();
    expect(written[0]?.[0]).toBe(12);
  });
});
