/**
 * Hands keys and pointer events of the input queue to the keyboard and the pointer that are in use, plays sequences of
 * keys in guest time (`sendkey`), and types at the pace at which the guest takes keys. The rules are QEMU's: of several
 * devices the first that can take an event gets it, and a device comes first when its driver starts to use it.
 */
import { keyByName, keyByNumber, keys } from '../../../input/keys.ts';
import type { PointerEvent } from '../../../input/pointer.ts';
import { defineDevice } from '../../core/device.ts';
import type { ByteReceiver, EventReceiver, InputData, InputQueue } from '../../core/input.ts';
import type { InputRegistry, KeyboardDevice, PointerDevice } from '../../core/input-devices.ts';
import { prop } from '../../core/props.ts';
import { array, below, bytes, ranged, struct, timer, u8, u32, vmstate } from '../../core/state.ts';

const MAX_DEVICES = 32;
const PLAYED_KEYS = 64;
/** Room that typed text leaves to `sendkey`. */
const TYPED_KEYS = 32;
/** Guest time between two changes of typed keys; 50 keys a second are within what a BIOS takes. */
const TYPING_NS = 10_000_000;
const NS_PER_MS = 1_000_000;
const BREAK = 0x80;

const state = vmstate('input-routing', 1, {
  /** Devices by their numbers, 1 and up, in order of preference; 0: none. */
  order: bytes(MAX_DEVICES),
  /** Keys to be played: a ring. */
  played: array(PLAYED_KEYS, struct({ key: u8(), down: u8(), holdMs: u32(), typed: u8() })),
  first: below(PLAYED_KEYS),
  count: ranged(u8(), 0, PLAYED_KEYS),
  playing: timer(),
});

/** `holdMs`: the next key of the sequence follows after so much guest time; absent: at once. */
export type KeyEvent = { readonly key: string; readonly down: boolean; readonly holdMs?: number };

export interface MouseInfo {
  readonly index: number;
  readonly name: string;
  readonly absolute: boolean;
  readonly current: boolean;
}

type Member = { readonly keyboard: KeyboardDevice } | { readonly pointer: PointerDevice };

export const inputRouting = defineDevice({
  type: 'input-routing',
  desc: '',
  props: { events: prop.required<InputQueue>() },
  irqs: [],
  state,
  create(s, { clock, events }) {
    const members: Member[] = [];
    const initial = new Uint8Array(MAX_DEVICES);

    function ordered(): Member[] {
      const listed = [...s.order].flatMap((number) => members[number - 1] ?? []);
      return [...new Set([...listed, ...members])];
    }
    function prefer(order: Uint8Array, number: number): void {
      const others = [...order].filter((other) => other !== number && other !== 0);
      order.fill(0);
      order.set([number, ...others].slice(0, MAX_DEVICES));
    }
    function add(member: Member, preferred: boolean): { activate(): void } {
      const number = members.push(member);
      if (number > MAX_DEVICES) throw new Error('BUG: too many input devices');
      if (preferred) prefer(initial, number);
      else initial[initial.indexOf(0)] = number;
      s.order.set(initial);
      return { activate: () => prefer(s.order, number) };
    }
    const registry: InputRegistry = {
      addKeyboard: (keyboard, { preferred = false } = {}) => add({ keyboard }, preferred),
      addPointer: (pointer) => add({ pointer }, false),
    };
    const keyboard = (): KeyboardDevice | undefined =>
      ordered().flatMap((member) => ('keyboard' in member ? [member.keyboard] : []))[0];
    const pointers = (): PointerDevice[] =>
      ordered().flatMap((member) => ('pointer' in member ? [member.pointer] : []));

    // Keys

    const playingTimer = clock.timer('input-routing', s.playing, play);
    function play(): void {
      while (s.count > 0) {
        const entry = s.played[s.first];
        if (entry === undefined) return;
        if (entry.typed !== 0 && keyboard()?.busy) {
          playingTimer.set(clock.now() + TYPING_NS);
          return;
        }
        s.first = (s.first + 1) % PLAYED_KEYS;
        s.count--;
        const key = keys[entry.key];
        if (key !== undefined) keyboard()?.key(key.name, entry.down !== 0);
        if (entry.holdMs > 0) {
          playingTimer.set(clock.now() + entry.holdMs * NS_PER_MS);
          break;
        }
      }
      if (s.count < TYPED_KEYS) events.roomAvailable('typing');
    }
    function enqueue(name: string, down: boolean, holdMs: number, typed: boolean): void {
      const key = keyByName(name);
      if (key === undefined || s.count >= PLAYED_KEYS) return;
      const entry = { key: keys.indexOf(key), down: down ? 1 : 0, holdMs, typed: typed ? 1 : 0 };
      Object.assign(s.played[(s.first + s.count++) % PLAYED_KEYS] ?? {}, entry);
      if (!playingTimer.pending) play();
    }
    const keyReceiver: EventReceiver<KeyEvent> = {
      check: (data): data is KeyEvent => {
        const { key, down, holdMs = 0 } = fieldsOf(data);
        return (
          typeof key === 'string' &&
          keyByName(key) !== undefined &&
          typeof down === 'boolean' &&
          Number.isInteger(holdMs) &&
          Number(holdMs) >= 0 &&
          Number(holdMs) <= 0xffff_ffff
        );
      },
      receive: ({ key, down, holdMs = 0 }) => enqueue(key, down, holdMs, false),
    };
    /** Takes make and break codes of set 1 without prefix. */
    const typingReceiver: ByteReceiver = {
      room: () => Math.max(0, TYPED_KEYS - s.count),
      receive(codes) {
        for (const code of codes) {
          const key = keyByNumber(code & ~BREAK);
          if (key !== undefined) enqueue(key.name, (code & BREAK) === 0, TYPING_NS / NS_PER_MS, true);
        }
      },
    };

    // Pointers

    /** `choose`: the pointer of this number is to be used. */
    const pointerReceiver: EventReceiver<{ readonly [key: string]: number }> = {
      check: (data): data is { readonly [key: string]: number } =>
        typeof data === 'object' && data !== null && Object.values(data).every((value) => Number.isSafeInteger(value)),
      receive(event) {
        if (event['choose'] !== undefined) choose(event['choose']);
        else point(event);
      },
    };
    function choose(index: number): void {
      const member = members[index - 1];
      if (member !== undefined && 'pointer' in member) prefer(s.order, index);
    }
    function point({ dx, dy, x, y, dz, buttons }: PointerEvent): void {
      const all = pointers();
      const current = all[0];
      const absolute = x !== undefined || y !== undefined;
      const motion = {
        ...(absolute ? { ...(x !== undefined && { x: place(x) }), ...(y !== undefined && { y: place(y) }) } : {}),
        ...(!absolute && dx !== undefined && { dx }),
        ...(!absolute && dy !== undefined && { dy }),
      };
      const action = { ...(dz !== undefined && { dz }), ...(buttons !== undefined && { buttons }) };
      const mover = Object.keys(motion).length > 0 ? all.find((each) => each.absolute === absolute) : undefined;
      if (mover !== undefined && mover !== current) mover.point(motion);
      if (current !== undefined) current.point(mover === current ? { ...motion, ...action } : action);
    }

    const number = (pointer: PointerDevice): number =>
      1 + members.findIndex((member) => 'pointer' in member && member.pointer === pointer);

    return {
      regions: {},
      reset: () => s.order.set(initial),
      sync() {},
      registry,
      keyReceiver,
      typingReceiver,
      pointerReceiver,
      /** The pointer in use takes places, not motion; undefined: there is none. */
      get absolute(): boolean | undefined {
        return pointers()[0]?.absolute;
      },
      /** In QEMU's order. */
      get mice(): readonly MouseInfo[] {
        return pointers()
          .map((pointer, i) => ({
            index: number(pointer),
            name: pointer.name,
            absolute: pointer.absolute,
            current: i === 0,
          }))
          .reverse();
      },
    };
  },
});

const place = (value: number): number => Math.max(0, Math.min(0x7fff, value));

function fieldsOf(data: InputData): { readonly [key: string]: unknown } {
  return typeof data === 'object' && data !== null ? (data as { readonly [key: string]: unknown }) : {};
}
