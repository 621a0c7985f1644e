import { describe, expect, test } from 'vitest';
import type { PointerEvent } from '../../../input/pointer.ts';
import { VirtualClock } from '../../core/clock.ts';
import { createDevice } from '../../core/device.ts';
import { InputQueue } from '../../core/input.ts';
import { inputRouting } from './input-routing.ts';

function createRig() {
  const clock = new VirtualClock();
  const events = new InputQueue();
  const device = createDevice(inputRouting, { clock, props: { events } });
  const { registry, keyReceiver, pointerReceiver, typingReceiver } = device.parts;
  events.receiveEvents('keyboard', keyReceiver);
  events.receiveEvents('mouse', pointerReceiver);
  events.receiveBytes('typing', typingReceiver);
  const happened: string[] = [];
  let busy = false;
  const keyboard = (name: string, preferred = false) =>
    registry.addKeyboard(
      {
        name,
        key: (key, down) => void happened.push(`${name} ${key} ${down ? 'down' : 'up'}`),
        get busy() {
          return busy;
        },
      },
      { preferred },
    );
  const pointer = (name: string, absolute: boolean) =>
    registry.addPointer({
      name,
      absolute,
      point: (event: PointerEvent) => void happened.push(`${name} ${JSON.stringify(event)}`),
    });
  return {
    clock,
    events,
    device,
    keyboard,
    pointer,
    setBusy: (now: boolean) => void (busy = now),
    post(target: string, data: Parameters<InputQueue['post']>[1]) {
      events.post(target, data);
      events.deliver(0);
    },
    advance(ms: number) {
      clock.advanceTo(clock.now() + ms * 1e6);
      events.deliver(0);
    },
    happened: () => happened.splice(0),
  };
}

describe('keys', () => {
  test('go to the first keyboard, or to a preferred one', () => {
    const rig = createRig();
    rig.keyboard('ps2');
    rig.post('keyboard', { key: 'a', down: true });
    rig.keyboard('usb', true);
    rig.post('keyboard', { key: 'b', down: true });
    expect(rig.happened()).toEqual(['ps2 a down', 'usb b down']);
  });

  test('foreign data is refused', () => {
    const rig = createRig();
    rig.keyboard('ps2');
    for (const data of [
      7,
      null,
      {},
      { key: 'nokey', down: true },
      { key: 'a', down: 1 },
      { key: 'a', down: true, holdMs: -1 },
    ]) {
      rig.post('keyboard', data);
    }
    expect(rig.happened()).toEqual([]);
  });

  test('a sequence is played in guest time, and what is pressed meanwhile waits', () => {
    const rig = createRig();
    rig.keyboard('ps2');
    rig.post('keyboard', { key: 'ctrl', down: true, holdMs: 100 });
    rig.post('keyboard', { key: 'a', down: true, holdMs: 100 });
    rig.post('keyboard', { key: 'b', down: true });
    expect(rig.happened()).toEqual(['ps2 ctrl down']);
    rig.advance(99);
    expect(rig.happened()).toEqual([]);
    rig.advance(1);
    expect(rig.happened()).toEqual(['ps2 a down']);
    rig.advance(100);
    expect(rig.happened()).toEqual(['ps2 b down']);
  });

  test('typed text waits outside for room, and for a guest that does not take its keys', () => {
    const rig = createRig();
    rig.keyboard('ps2');
    rig.setBusy(true);
    rig.post(
      'typing',
      Uint8Array.from({ length: 200 }, (_, i) => (i % 2 ? 0x9e : 0x1e)),
    );
    rig.advance(1000);
    expect(rig.happened()).toEqual([]);
    expect(rig.device.state.count).toBe(32);
    rig.setBusy(false);
    for (let i = 0; i < 210; i++) rig.advance(10);
    const keys = rig.happened();
    expect(keys.length).toBe(200);
    expect(keys.slice(0, 2)).toEqual(['ps2 a down', 'ps2 a up']);
  });

  test('a saved sequence goes on where it was', () => {
    const rig = createRig();
    rig.keyboard('ps2');
    for (const key of ['a', 'b', 'c']) rig.post('keyboard', { key, down: true, holdMs: 50 });
    rig.happened();
    const other = createRig();
    other.keyboard('ps2');
    other.device.fill(rig.device.save());
    other.advance(50);
    other.advance(50);
    expect(other.happened()).toEqual(['ps2 b down', 'ps2 c down']);
    expect(other.device.hash()).not.toBe(rig.device.hash());
  });
});

describe('pointers', () => {
  test('motion goes to the first that takes its kind, buttons to the one in use', () => {
    const rig = createRig();
    rig.pointer('mouse', false);
    const tablet = rig.pointer('tablet', true);
    rig.post('mouse', { dx: 1, dy: 2, buttons: 1 });
    rig.post('mouse', { x: 5, y: 40000, buttons: 1 });
    expect(rig.happened()).toEqual([
      'mouse {"dx":1,"dy":2,"buttons":1}',
      'tablet {"x":5,"y":32767}',
      'mouse {"buttons":1}',
    ]);
    expect(rig.device.parts.absolute).toBe(false);
    tablet.activate();
    expect(rig.device.parts.absolute).toBe(true);
    rig.post('mouse', { dx: 3, dz: -1 });
    expect(rig.happened()).toEqual(['mouse {"dx":3}', 'tablet {"dz":-1}']);
  });

  test('are numbered and listed as `info mice` has them, and can be chosen', () => {
    const rig = createRig();
    rig.keyboard('ps2');
    rig.pointer('mouse', false);
    rig.pointer('tablet', true);
    const list = () =>
      rig.device.parts.mice.map(({ index, name, current }) => `${current ? '*' : ' '}${index} ${name}`);
    expect(list()).toEqual([' 3 tablet', '*2 mouse']);
    for (const choose of [1, 9, 3]) rig.post('mouse', { choose });
    expect(list()).toEqual([' 2 mouse', '*3 tablet']);
    rig.device.enterReset();
    expect(list()).toEqual([' 3 tablet', '*2 mouse']);
  });
});
