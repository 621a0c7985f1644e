/**
 * virtio input devices: Virtual I/O Device specification 1.1, §5.8. Names, numbers and capabilities are those of QEMU's
 * keyboard, mouse and tablet; event codes are Linux's.
 */
import { keyByName, keys } from '../../../input/keys.ts';
import type { PointerEvent } from '../../../input/pointer.ts';
import { type InputRegistry, noInputs } from '../../core/input-devices.ts';
import { prop } from '../../core/props.ts';
import { u8 } from '../../core/state.ts';
import { DEVICE_ID, STATUS } from './constants.ts';
import type { VirtioCore } from './core.ts';
import { defineVirtioPci } from './virtio-pci.ts';

const QUEUE = { EVENT: 0, STATUS: 1 } as const; // §5.8.2
const QUEUE_SIZE = 64;
/** §5.8.4: select, subsel, size, five reserved bytes, then up to 128 bytes of what is selected. */
const CONFIG_BYTES = 136;
const PAYLOAD = 8;
const SELECT = { NAME: 0x01, SERIAL: 0x02, DEVIDS: 0x03, EV_BITS: 0x11, ABS_INFO: 0x12 } as const;
const EV = { SYN: 0, KEY: 1, REL: 2, ABS: 3, LED: 0x11, REP: 0x14 } as const;
const REL_WHEEL = 8;
const BUS_VIRTUAL = 6;
const VENDOR = 0x0627;
const EVENT_BYTES = 8; // §5.8.6: type, code, value
const ABS_MAX = 0x7fff;
/** Left, right, middle, side, extra: bits 0 to 4 of a pointer's buttons. */
const BUTTONS = [0x110, 0x111, 0x112, 0x113, 0x114] as const;

type InputChange = readonly [type: number, code: number, value: number];

interface InputKind {
  readonly name: string;
  readonly product: number;
  readonly version: number;
  /** Event codes by event type. */
  readonly codes: Readonly<Record<number, readonly number[]>>;
}

/** What the driver has selected, and what it gets of it. */
const inputFields = { select: u8(), subsel: u8(), leds: u8(), buttons: u8() };
const inputProps = { serial: prop.string(''), inputs: prop.code<InputRegistry>(noInputs) };

const littleEndian = (size: number, ...values: readonly number[]): number[] =>
  values.flatMap((value) => Array.from({ length: size }, (_, i) => (value >>> (8 * i)) & 0xff));

function bitmap(codes: readonly number[]): number[] {
  const bytes = new Array<number>((Math.max(0, ...codes) >> 3) + 1).fill(0);
  for (const code of codes) bytes[code >> 3] = (bytes[code >> 3] ?? 0) | (1 << (code & 7));
  return bytes;
}

/** §5.8.5: the answer to a selection; empty if there is none. */
function selected(
  { name, product, version, codes }: InputKind,
  serial: string,
  select: number,
  subsel: number,
): number[] {
  const text = (s: string): number[] => [...new TextEncoder().encode(s)].slice(0, CONFIG_BYTES - PAYLOAD);
  if (select === SELECT.EV_BITS) return codes[subsel] === undefined ? [] : bitmap(codes[subsel]);
  if (select === SELECT.ABS_INFO) {
    return codes[EV.ABS]?.includes(subsel) ? littleEndian(4, 0, ABS_MAX, 0, 0, 0) : [];
  }
  if (subsel !== 0) return [];
  if (select === SELECT.NAME) return text(name);
  if (select === SELECT.SERIAL) return text(serial);
  return select === SELECT.DEVIDS ? littleEndian(2, BUS_VIRTUAL, VENDOR, product, version) : [];
}

/** Gives the guest changes that belong together; all or, without buffers for them, none (§5.8.6.2). */
function send(core: VirtioCore, changes: readonly InputChange[]): void {
  const queue = core.queue(QUEUE.EVENT);
  const group = [...changes, [EV.SYN, 0, 0] as const];
  if (queue === undefined || queue.available < group.length) return;
  for (const [type, code, value] of group) {
    const chain = queue.pop();
    if (chain === undefined) return;
    const written = chain.writable.write(
      0,
      Uint8Array.from([...littleEndian(2, type, code), ...littleEndian(4, value)]),
    );
    queue.push(chain, written);
  }
  queue.notify();
}

interface Wired {
  /** The driver has started, or given a status event. */
  started(): void;
  status?(type: number, code: number, value: number): void;
}

const inputType = (
  type: string,
  classCode: number,
  kind: InputKind,
  wire: (
    core: VirtioCore,
    state: { leds: number; buttons: number },
    props: { inputs: InputRegistry; leds: (leds: number) => void },
  ) => Wired,
) =>
  defineVirtioPci({
    type,
    deviceId: DEVICE_ID.INPUT,
    classCode,
    maxQueues: 2,
    props: { ...inputProps, leds: prop.code<(leds: number) => void>(() => {}) },
    state: inputFields,
    create(s, { serial, inputs, leds }, core) {
      const wired = wire(core, s, { inputs, leds });
      return {
        model: {
          features: [],
          queueSizes: [QUEUE_SIZE, QUEUE_SIZE],
          configBytes: CONFIG_BYTES,
          readConfig(view) {
            const payload = selected(kind, serial, s.select, s.subsel);
            const bytes = new Uint8Array(view.buffer);
            bytes.fill(0);
            bytes.set([s.select, s.subsel, payload.length]);
            bytes.set(payload, PAYLOAD);
          },
          writeConfig(view) {
            s.select = view.getUint8(0);
            s.subsel = view.getUint8(1);
          },
          statusChanged(status) {
            if (status & STATUS.DRIVER_OK) wired.started();
          },
          notified(index) {
            if (index !== QUEUE.STATUS) return;
            const queue = core.queue(index);
            for (let chain = queue?.pop(); queue !== undefined && chain !== undefined; chain = queue.pop()) {
              const event = chain.readable.view(0, EVENT_BYTES);
              wired.status?.(event.getUint16(0, true), event.getUint16(2, true), event.getUint32(4, true));
              queue.finish(chain, 0);
            }
          },
        },
      };
    },
  });

const KEYBOARD: InputKind = {
  name: 'QEMU Virtio Keyboard',
  product: 1,
  version: 1,
  codes: { [EV.KEY]: keys.map(({ evdev }) => evdev), [EV.REP]: [], [EV.LED]: [0, 1, 2] },
};
const MOUSE: InputKind = {
  name: 'QEMU Virtio Mouse',
  product: 2,
  version: 2,
  codes: { [EV.KEY]: BUTTONS, [EV.REL]: [0, 1, REL_WHEEL] },
};
const TABLET: InputKind = {
  name: 'QEMU Virtio Tablet',
  product: 3,
  version: 2,
  codes: { [EV.KEY]: BUTTONS, [EV.ABS]: [0, 1], [EV.REL]: [REL_WHEEL] },
};

export const virtioKeyboardPci = inputType('virtio-keyboard-pci', 0x090000, KEYBOARD, (core, s, { inputs, leds }) => {
  const registration = inputs.addKeyboard({
    name: KEYBOARD.name,
    key(name, down) {
      const code = keyByName(name)?.evdev;
      if (code !== undefined) send(core, [[EV.KEY, code, down ? 1 : 0]]);
    },
    get busy() {
      return (core.queue(QUEUE.EVENT)?.available ?? 0) < 2;
    },
  });
  return {
    started: () => registration.activate(),
    status(type, code, value) {
      if (type !== EV.LED || code > 2) return;
      s.leds = value === 0 ? s.leds & ~(1 << code) : s.leds | (1 << code);
      // Num, caps and scroll lock here; scroll, num and caps lock there.
      leds((s.leds & 4 ? 1 : 0) | (s.leds & 1 ? 2 : 0) | (s.leds & 2 ? 4 : 0));
    },
  };
});

const pointerType = (type: string, classCode: number, kind: InputKind, absolute: boolean) =>
  inputType(type, classCode, kind, (core, s, { inputs }) => {
    const registration = inputs.addPointer({
      name: kind.name,
      absolute,
      point({ dx = 0, dy = 0, x, y, dz = 0, buttons }: PointerEvent) {
        const changes: InputChange[] = [];
        if (absolute) {
          if (x !== undefined) changes.push([EV.ABS, 0, x]);
          if (y !== undefined) changes.push([EV.ABS, 1, y]);
        } else {
          if (dx !== 0) changes.push([EV.REL, 0, dx]);
          if (dy !== 0) changes.push([EV.REL, 1, dy]);
        }
        // Away from the user is positive for Linux.
        if (dz !== 0) changes.push([EV.REL, REL_WHEEL, -dz]);
        const now = buttons ?? s.buttons;
        for (const [bit, code] of BUTTONS.entries()) {
          if (((now ^ s.buttons) >> bit) & 1) changes.push([EV.KEY, code, (now >> bit) & 1]);
        }
        s.buttons = now;
        if (changes.length > 0) send(core, changes);
      },
    });
    return { started: () => registration.activate() };
  });

export const virtioMousePci = pointerType('virtio-mouse-pci', 0x090200, MOUSE, false);
export const virtioTabletPci = pointerType('virtio-tablet-pci', 0x098000, TABLET, true);
