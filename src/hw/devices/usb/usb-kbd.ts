/** USB keyboard. Document: HID 1.11, appendices B.1 and C. */
import { keyByName } from '../../../input/keys.ts';
import { defineDevice } from '../../core/device.ts';
import { type InputRegistry, noInputs } from '../../core/input-devices.ts';
import { prop } from '../../core/props.ts';
import { bytes, fifo, u8, vmstate } from '../../core/state.ts';
import { KEYBOARD_REPORT } from './hid-reports.ts';
import type { UsbBus } from './usb.ts';
import { usbState } from './usb-function.ts';
import { createHid, type HidKind, hidState } from './usb-hid.ts';

const KIND: HidKind = {
  strings: { product: 4, configuration: 8, serial: 11 },
  bootProtocol: 1,
  report: KEYBOARD_REPORT,
  maxPacket: 8,
  interval: 10,
  maxPower: 50,
};
const FIRST_MODIFIER = 0xe0;
const LAST_MODIFIER = 0xe7;
/** Keys of a report; with more, all of them say that they are too many. */
const REPORTED_KEYS = 6;
const ROLL_OVER = 1;
const HELD_KEYS = 16;
/** Changes that wait, two bytes each: usage, down. */
const QUEUED_CHANGES = 32;

export const usbKbd = defineDevice({
  type: 'usb-kbd',
  desc: 'QEMU USB Keyboard',
  bus: 'usb-bus',
  props: {
    parent: prop.required<UsbBus>(),
    port: prop.string(''),
    serial: prop.string(''),
    inputs: prop.code<InputRegistry>(noInputs),
    leds: prop.code<(leds: number) => void>(() => {}),
  },
  irqs: [],
  state: vmstate('usb-kbd', 1, {
    usb: usbState,
    hid: hidState,
    changes: fifo(2 * QUEUED_CHANGES),
    modifiers: u8(),
    /** Usages of keys that are down, in the order in which they went down. */
    held: bytes(HELD_KEYS),
    leds: u8(),
  }),
  create(s, { id, clock, parent, port, serial, inputs, leds }) {
    function apply(usage: number, down: boolean): void {
      if (usage >= FIRST_MODIFIER && usage <= LAST_MODIFIER) {
        const bit = 1 << (usage - FIRST_MODIFIER);
        s.modifiers = down ? s.modifiers | bit : s.modifiers & ~bit;
        return;
      }
      const others = [...s.held].filter((held) => held !== 0 && held !== usage);
      const held = down ? [...others, usage].slice(-HELD_KEYS) : others;
      s.held.fill(0);
      s.held.set(held);
    }
    /** Usages of the LED page: bit 0 num lock, 1 caps lock, 2 scroll lock. */
    const showLeds = (): void => leds((s.leds & 4 ? 1 : 0) | (s.leds & 1 ? 2 : 0) | (s.leds & 2 ? 4 : 0));

    const usb = createHid(
      KIND,
      s,
      { id, clock, parent, port, serial },
      {
        get hasNews() {
          return !s.changes.empty;
        },
        report() {
          // One change a report: the host would not see a key that went down and up within one.
          if (!s.changes.empty) apply(s.changes.shift(), s.changes.shift() !== 0);
          const held = [...s.held].filter((usage) => usage !== 0);
          const shown = held.length > REPORTED_KEYS ? new Array<number>(REPORTED_KEYS).fill(ROLL_OVER) : held;
          return [s.modifiers, 0, ...shown, ...new Array<number>(REPORTED_KEYS - shown.length).fill(0)];
        },
        setReport([first = 0]) {
          s.leds = first & 7;
          showLeds();
        },
        polled() {},
        reset() {
          s.changes.clear();
          s.held.fill(0);
          s.modifiers = 0;
          s.leds = 0;
          showLeds();
        },
      },
    );
    inputs.addKeyboard(
      {
        name: 'QEMU HID Keyboard',
        key(name, down) {
          const usage = keyByName(name)?.usage;
          if (usage === undefined || s.changes.length + 2 > s.changes.depth) return;
          s.changes.push(usage);
          s.changes.push(down ? 1 : 0);
          usb.notice();
        },
        get busy() {
          return !s.changes.empty;
        },
      },
      { preferred: true },
    );
    return { regions: {}, usb, sync() {} };
  },
});
