import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { KeyForwarder, type KeyPress, type Platform, platformOf } from './key-forwarder.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function setUp(platform: Platform = 'other') {
  const sent: string[] = [];
  const forwarder = new KeyForwarder((name, down) => void sent.push(`${down ? '+' : '-'}${name}`), platform);
  const event = (code: string, more: Partial<KeyPress> = {}): KeyPress => ({
    code,
    repeat: false,
    timeStamp: 0,
    isComposing: false,
    ctrlKey: false,
    altKey: false,
    shiftKey: false,
    metaKey: false,
    ...more,
  });
  return {
    forwarder,
    down: (code: string, more?: Partial<KeyPress>) => forwarder.down(event(code, more)),
    up: (code: string, more?: Partial<KeyPress>) => forwarder.up(event(code, more)),
    sent: () => sent.splice(0).join(' '),
  };
}

describe('keys', () => {
  test('go by their place; repeats of the browser are swallowed; unknown keys stay the browser’s', () => {
    const { down, up, sent } = setUp();
    expect([down('KeyZ'), down('KeyZ', { repeat: true }), up('KeyZ'), down('BrightnessUp'), down('')]).toEqual([
      true,
      true,
      true,
      false,
      false,
    ]);
    expect(sent()).toBe('+z -z');
  });

  test('what is held goes up when the page loses the keyboard, once', () => {
    const { forwarder, down, up, sent } = setUp();
    down('ShiftLeft', { shiftKey: true });
    down('KeyA', { shiftKey: true });
    forwarder.releaseAll();
    up('KeyA');
    expect(sent()).toBe('+shift +a -shift -a');
  });

  test('a modifier that went up elsewhere goes up with the next key', () => {
    const { down, sent } = setUp();
    down('AltLeft', { altKey: true });
    down('Tab', { altKey: true });
    sent();
    down('KeyA');
    expect(sent()).toBe('-alt +a');
  });

  test('a composed character is not for the guest', () => {
    const { down, sent } = setUp();
    expect(down('KeyA', { isComposing: true })).toBe(false);
    expect(sent()).toBe('');
  });
});

describe('AltGr', () => {
  test('of Windows is one key, though it comes with a Ctrl', () => {
    const { down, up, sent } = setUp('windows');
    down('ControlLeft', { ctrlKey: true, timeStamp: 100 });
    down('AltRight', { ctrlKey: true, altKey: true, timeStamp: 100 });
    down('KeyQ', { ctrlKey: true, altKey: true, timeStamp: 300 });
    up('KeyQ', { ctrlKey: true, altKey: true });
    up('ControlLeft', { altKey: true });
    up('AltRight');
    expect(sent()).toBe('+alt_r +q -q -alt_r');
  });

  test('a real Ctrl of Windows arrives with the next key, its release, or after a moment', () => {
    const { down, up, sent } = setUp('windows');
    down('ControlLeft', { ctrlKey: true });
    down('KeyC', { ctrlKey: true });
    expect(sent()).toBe('+ctrl +c');
    up('KeyC', { ctrlKey: true });
    up('ControlLeft');
    sent();
    down('ControlLeft', { ctrlKey: true });
    up('ControlLeft');
    expect(sent()).toBe('+ctrl -ctrl');
    down('ControlLeft', { ctrlKey: true });
    vi.advanceTimersByTime(60);
    expect(sent()).toBe('+ctrl');
    down('AltRight', { ctrlKey: true, altKey: true, timeStamp: 500 });
    expect(sent()).toBe('+alt_r');
  });

  test('elsewhere it is Alt on the right', () => {
    const { down, up, sent } = setUp();
    down('AltRight');
    down('KeyE', { altKey: true });
    up('KeyE', { altKey: true });
    up('AltRight');
    expect(sent()).toBe('+alt_r +e -e -alt_r');
  });
});

describe('a Mac', () => {
  test('keys held with Command go up with it', () => {
    const { down, up, sent } = setUp('mac');
    down('MetaLeft', { metaKey: true });
    down('KeyC', { metaKey: true });
    up('MetaLeft');
    expect(sent()).toBe('+meta_l +c -meta_l -c');
  });

  test('Caps Lock is a stroke for each change', () => {
    const { down, up, sent } = setUp('mac');
    down('CapsLock');
    up('CapsLock');
    expect(sent()).toBe('+caps_lock -caps_lock +caps_lock -caps_lock');
  });
});

describe('on-screen keys', () => {
  test('a modifier sticks to the next key, then until it is pressed again', () => {
    const { forwarder, sent } = setUp();
    const changes = vi.fn();
    forwarder.onStickyChange = changes;
    forwarder.stick('ctrl');
    expect([...forwarder.sticky]).toEqual([['ctrl', 'once']]);
    forwarder.strike('c');
    expect([sent(), forwarder.sticky.size]).toEqual(['+ctrl +c -c -ctrl', 0]);
    forwarder.stick('alt');
    forwarder.stick('alt');
    forwarder.strike('tab');
    forwarder.strike('tab');
    forwarder.stick('alt');
    expect(sent()).toBe('+alt +tab -tab +tab -tab -alt');
    expect(changes).toHaveBeenCalledTimes(5);
  });

  test('it sticks to keys of the real keyboard, too, and a chord is pressed as a whole', () => {
    const { forwarder, down, up, sent } = setUp();
    forwarder.stick('ctrl');
    down('KeyD');
    up('KeyD');
    expect(sent()).toBe('+ctrl +d -d -ctrl');
    forwarder.strike('ctrl', 'alt', 'delete');
    expect(sent()).toBe('+ctrl +alt +delete -delete -alt -ctrl');
  });
});

test('the platform is known by the browser’s name for it', () => {
  expect(
    ['Mozilla/5.0 (Windows NT 10.0)', 'Mozilla/5.0 (Macintosh; Intel)', 'Mozilla/5.0 (X11; Linux)'].map(platformOf),
  ).toEqual(['windows', 'mac', 'other']);
});
