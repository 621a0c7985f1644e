/** USB mouse and tablet. Document: HID 1.11, appendix B.2; their reports are in hid-reports.ts. */
import type { PointerEvent } from '../../../input/pointer.ts';
import { defineDevice } from '../../core/device.ts';
import { type InputRegistry, noInputs } from '../../core/input-devices.ts';
import { prop } from '../../core/props.ts';
import { array, bool, i32, ranged, struct, u8, u16, vmstate } from '../../core/state.ts';
import { MOUSE_REPORT, TABLET_REPORT } from './hid-reports.ts';
import type { UsbBus } from './usb.ts';
import { usbState } from './usb-function.ts';
import { createHid, type HidKind, hidState } from './usb-hid.ts';

const MOUSE: HidKind = {
  strings: { product: 2, configuration: 6, serial: 9 },
  bootProtocol: 2,
  report: MOUSE_REPORT,
  maxPacket: 4,
  interval: 10,
  maxPower: 50,
};
const TABLET: HidKind = {
  strings: { product: 3, configuration: 7, serial: 10 },
  bootProtocol: 0,
  report: TABLET_REPORT,
  maxPacket: 8,
  interval: 10,
  maxPower: 50,
};

/** What waits for the host. Motion is added to the last of them while its buttons stay the same. */
const QUEUED = 16;
const MAX_MOTION = 0x7fff;

const fields = {
  usb: usbState,
  hid: hidState,
  /** For a tablet x and y are places, for a mouse motion. */
  events: array(QUEUED, struct({ x: i32(), y: i32(), dz: i32(), buttons: u8() })),
  count: ranged(u8(), 0, QUEUED),
  /** As last reported or, for a tablet, as last known. */
  x: u16(),
  y: u16(),
  buttons: u8(),
  /** The host has looked: this pointer was made the one in use. */
  polled: bool(),
};

const clamp = (value: number, limit: number): number => Math.max(-limit, Math.min(limit, value));

function pointerType(type: 'usb-mouse' | 'usb-tablet', kind: HidKind, absolute: boolean) {
  return defineDevice({
    type,
    desc: absolute ? 'QEMU USB Tablet' : 'QEMU USB Mouse',
    bus: 'usb-bus',
    props: {
      parent: prop.required<UsbBus>(),
      port: prop.string(''),
      serial: prop.string(''),
      inputs: prop.code<InputRegistry>(noInputs),
    },
    irqs: [],
    state: vmstate(type, 1, fields),
    create(s, { id, clock, parent, port, serial, inputs }) {
      const last = () => s.events[s.count - 1];

      function point({ dx = 0, dy = 0, x, y, dz = 0, buttons }: PointerEvent): void {
        const newest = last();
        const pressed = (buttons ?? newest?.buttons ?? s.buttons) & 0x1f;
        const at = absolute ? { x: x ?? newest?.x ?? s.x, y: y ?? newest?.y ?? s.y } : { x: dx, y: dy };
        if (newest !== undefined && (newest.buttons === pressed || s.count === QUEUED)) {
          newest.x = absolute ? at.x : clamp(newest.x + at.x, MAX_MOTION);
          newest.y = absolute ? at.y : clamp(newest.y + at.y, MAX_MOTION);
          newest.dz = clamp(newest.dz + dz, MAX_MOTION);
          newest.buttons = pressed;
        } else {
          s.count++;
          Object.assign(last() ?? {}, { ...at, dz: clamp(dz, MAX_MOTION), buttons: pressed });
        }
        usb.notice();
      }

      function report(): readonly number[] {
        const first = s.count > 0 ? s.events[0] : undefined;
        if (first === undefined) return absolute ? tabletReport(0) : [s.buttons, 0, 0, 0];
        const dz = clamp(first.dz, 127);
        first.dz -= dz;
        s.buttons = first.buttons;
        if (absolute) {
          s.x = first.x;
          s.y = first.y;
          if (first.dz === 0) drop();
          return tabletReport(-dz);
        }
        const dx = clamp(first.x, 127);
        const dy = clamp(first.y, 127);
        first.x -= dx;
        first.y -= dy;
        if (first.x === 0 && first.y === 0 && first.dz === 0) drop();
        return [s.buttons, dx & 0xff, dy & 0xff, -dz & 0xff];
      }
      const tabletReport = (wheel: number): readonly number[] => [
        ...[s.buttons & 7, s.x & 0xff, s.x >> 8, s.y & 0xff, s.y >> 8, wheel & 0xff],
      ];
      function drop(): void {
        for (let i = 1; i < s.count; i++) Object.assign(s.events[i - 1] ?? {}, s.events[i]);
        s.count--;
      }

      const usb = createHid(
        kind,
        s,
        { id, clock, parent, port, serial },
        {
          get hasNews() {
            return s.count > 0;
          },
          report,
          setReport() {},
          polled() {
            if (!s.polled) registration.activate();
            s.polled = true;
          },
          reset() {
            s.count = 0;
            s.buttons = 0;
            s.polled = false;
          },
        },
      );
      const registration = inputs.addPointer({
        name: absolute ? 'QEMU HID Tablet' : 'QEMU HID Mouse',
        absolute,
        point,
      });
      return { regions: {}, usb, point, sync() {} };
    },
  });
}

export const usbMouse = pointerType('usb-mouse', MOUSE, false);
export const usbTablet = pointerType('usb-tablet', TABLET, true);
