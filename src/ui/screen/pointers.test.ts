import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { PointerForwarder } from './pointer-forwarder.ts';
import { TouchGestures } from './touch-gestures.ts';

const AREA = { left: 100, top: 50, width: 641, height: 481 };

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function setUp(absolute = false) {
  const sent: object[] = [];
  const frames: (() => void)[] = [];
  const pointer = new PointerForwarder({
    send: (event) => void sent.push(event),
    schedule: (callback) => void frames.push(callback),
  });
  const touch = new TouchGestures(
    pointer,
    () => AREA,
    () => absolute,
  );
  const at = (clientX: number, clientY: number, pointerId = 1) => ({ clientX, clientY, pointerId });
  return {
    pointer,
    touch,
    at,
    sent() {
      for (const frame of frames.splice(0)) frame();
      return sent.splice(0);
    },
  };
}

describe('mouse', () => {
  test('motion is summed up over a frame, fractions are kept', () => {
    const { pointer, sent } = setUp();
    for (let i = 0; i < 5; i++) pointer.move(1.5, -0.25);
    expect(sent()).toEqual([{ dx: 7, dy: -1 }]);
    pointer.move(0.5, 0);
    expect(sent()).toEqual([{ dx: 1, dy: 0 }]);
    pointer.move(0.1, 0);
    expect(sent()).toEqual([]);
  });

  test('a press comes after the motion before it, and only when it changes something', () => {
    const { pointer, sent } = setUp();
    pointer.move(3, 4);
    pointer.press(1);
    pointer.press(1);
    pointer.press(0x3f);
    pointer.releaseAll();
    expect(sent()).toEqual([{ dx: 3, dy: 4 }, { buttons: 1 }, { buttons: 0x1f }, { buttons: 0 }]);
  });

  test('a point of the page is a place on the screen, clipped to it', () => {
    const { pointer, sent } = setUp();
    for (const [x, y] of [
      [100, 50],
      [740, 530],
      [420, 290],
      [-5, 9999],
    ] as const) {
      pointer.moveTo(x, y, AREA);
      pointer.press(0);
    }
    expect(sent()).toEqual([{ x: 0, y: 32767 }]); // one frame: the last place
    pointer.moveTo(420, 290, AREA);
    expect(sent()).toEqual([{ x: 16384, y: 16384 }]);
    pointer.moveTo(1, 1, { left: 0, top: 0, width: 0, height: 0 });
    expect(sent()).toEqual([{ x: 0, y: 0 }]);
  });

  test('the wheel steps by lines, by pixels summed up, and starts anew in the other direction', () => {
    const { pointer, sent } = setUp();
    pointer.scroll({ deltaY: 3, deltaMode: 1 });
    expect(sent()).toEqual([{ dz: 1 }]);
    for (let i = 0; i < 5; i++) pointer.scroll({ deltaY: 25, deltaMode: 0 });
    expect(sent()).toEqual([{ dz: 2 }]);
    pointer.scroll({ deltaY: -60, deltaMode: 0 });
    expect(sent()).toEqual([{ dz: -1 }]);
  });
});

describe('touch on a tablet', () => {
  test('a tap points and clicks', () => {
    const { touch, at, sent } = setUp(true);
    touch.down(at(740, 530));
    touch.move(at(742, 531));
    touch.up(at(742, 531));
    expect(sent()).toEqual([{ x: 32767, y: 32767 }, { buttons: 1 }, { buttons: 0 }]);
  });

  test('a drag drags with the left button', () => {
    const { touch, at, sent } = setUp(true);
    touch.down(at(100, 50));
    touch.move(at(740, 50));
    touch.up(at(740, 50));
    expect(sent()).toEqual([{ x: 0, y: 0 }, { buttons: 1 }, { x: 32767, y: 0 }, { buttons: 0 }]);
  });

  test('a long press and two fingers are the right button', () => {
    const { touch, at, sent } = setUp(true);
    touch.down(at(100, 50));
    vi.advanceTimersByTime(600);
    touch.up(at(100, 50));
    expect(sent()).toEqual([{ x: 0, y: 0 }, { buttons: 2 }, { buttons: 0 }]);
    touch.down(at(100, 50));
    touch.down(at(200, 50, 2));
    vi.advanceTimersByTime(600);
    touch.up(at(100, 50));
    touch.up(at(200, 50, 2));
    expect(sent()).toEqual([{ x: 0, y: 0 }, { buttons: 2 }, { buttons: 0 }]);
  });
});

describe('touch with a mouse', () => {
  test('a finger moves the pointer, a tap clicks', () => {
    const { touch, at, sent } = setUp();
    touch.down(at(100, 100));
    touch.move(at(120, 100));
    touch.up(at(120, 100));
    expect(sent()).toEqual([{ dx: 30, dy: 0 }]);
    touch.down(at(100, 100));
    touch.up(at(100, 100));
    expect(sent()).toEqual([{ buttons: 1 }, { buttons: 0 }]);
  });

  test('a long press takes hold for a drag', () => {
    const { touch, at, sent } = setUp();
    touch.down(at(100, 100));
    vi.advanceTimersByTime(600);
    touch.move(at(120, 100));
    touch.up(at(120, 100));
    expect(sent()).toEqual([{ buttons: 1 }, { dx: 30, dy: 0 }, { buttons: 0 }]);
  });

  test('two fingers turn the wheel, and nothing is clicked', () => {
    const { touch, at, sent } = setUp();
    touch.down(at(100, 100));
    touch.down(at(150, 100, 2));
    for (let y = 110; y <= 240; y += 10) {
      touch.move(at(100, y));
      touch.move(at(150, y, 2));
    }
    touch.up(at(100, 240));
    touch.up(at(150, 240, 2));
    expect(sent()).toEqual([{ dz: -2 }]);
  });

  test('a touch that the browser takes away leaves nothing pressed', () => {
    const { touch, at, sent } = setUp();
    touch.down(at(100, 100));
    vi.advanceTimersByTime(600);
    touch.cancel();
    touch.up(at(100, 100));
    expect(sent()).toEqual([{ buttons: 1 }, { buttons: 0 }]);
  });
});
