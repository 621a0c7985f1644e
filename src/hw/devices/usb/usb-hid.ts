/** What keyboard, mouse and tablet share: their descriptors and class requests. Document: HID 1.11, chapter 7. */
import type { Clock } from '../../core/clock.ts';
import { type Fields, i64, type StateOf, struct, u8 } from '../../core/state.ts';
import { ATTRIBUTES, DESCRIPTOR, type UsbInfo } from './descriptors.ts';
import { ANSWER, PID, type UsbBus } from './usb.ts';
import { type ControlRequest, REQUEST_TYPE, UsbFunction, type UsbState } from './usb-function.ts';

const REQUEST = { GET_REPORT: 1, GET_IDLE: 2, GET_PROTOCOL: 3, SET_REPORT: 9, SET_IDLE: 10, SET_PROTOCOL: 11 } as const;
const GET_DESCRIPTOR = 6;
const ENDPOINT = 1;
const INTERRUPT = 3;
/** Unit of SET_IDLE. */
const IDLE_NS = 4_000_000;

const fields = {
  /** §7.2.4: a report comes after so many units of 4 ms though nothing happened; 0: never. */
  idle: u8(),
  protocol: u8(1),
  reportedNs: i64(),
} satisfies Fields;
export const hidState = struct(fields);
export type HidState = StateOf<typeof fields>;

/** All of these devices have the strings of all, as QEMU's. */
const STRINGS: Readonly<Record<number, string>> = {
  1: 'QEMU',
  2: 'QEMU USB Mouse',
  3: 'QEMU USB Tablet',
  4: 'QEMU USB Keyboard',
  5: '42',
  6: 'HID Mouse',
  7: 'HID Tablet',
  8: 'HID Keyboard',
  9: '89126',
  10: '28754',
  11: '68284',
};

export interface HidKind {
  /** Which of the strings are its own. */
  readonly strings: { readonly product: number; readonly configuration: number; readonly serial: number };
  /** Of the boot interface; 0: it is none. */
  readonly bootProtocol: number;
  readonly report: readonly number[];
  readonly maxPacket: number;
  readonly interval: number;
  readonly maxPower: number;
}

export interface HidBehaviour {
  readonly hasNews: boolean;
  /** The next report; takes it from the queue. */
  report(): readonly number[];
  /** The output report: lights. */
  setReport(data: Uint8Array): void;
  /** The host looks: this device is in use. */
  polled(): void;
  reset(): void;
}

interface Wiring {
  readonly id: string;
  readonly clock: Clock;
  readonly parent: UsbBus;
  readonly port: string;
  readonly serial: string;
}

export function createHid(
  kind: HidKind,
  s: { readonly usb: UsbState; readonly hid: HidState },
  { id, clock, parent, port, serial }: Wiring,
  behaviour: HidBehaviour,
): UsbFunction {
  const word = (value: number): readonly number[] => [value & 0xff, value >> 8];
  const hidDescriptor = [9, DESCRIPTOR.HID, ...word(0x0001), 0, 1, DESCRIPTOR.REPORT, ...word(kind.report.length)];
  const info: UsbInfo = {
    vendor: 0x0627,
    product: 0x0001,
    release: 0,
    usbRelease: 0x0200,
    maxPacket0: 8,
    attributes: ATTRIBUTES.ALWAYS | ATTRIBUTES.REMOTE_WAKEUP,
    maxPower: kind.maxPower,
    interface: {
      class: 3,
      subClass: kind.bootProtocol === 0 ? 0 : 1,
      protocol: kind.bootProtocol,
      extra: hidDescriptor,
      endpoints: [
        { address: 0x80 | ENDPOINT, attributes: INTERRUPT, maxPacket: kind.maxPacket, interval: kind.interval },
      ],
    },
    strings: serial === '' ? STRINGS : { ...STRINGS, [kind.strings.serial]: serial },
    stringOf: { manufacturer: 1, ...kind.strings },
  };

  function control({ type, request, value, data }: ControlRequest): readonly number[] | boolean {
    const kindOf = type & ~REQUEST_TYPE.IN;
    if (type === (REQUEST_TYPE.IN | REQUEST_TYPE.INTERFACE) && request === GET_DESCRIPTOR) {
      if (value >> 8 === DESCRIPTOR.REPORT) return kind.report;
      return value >> 8 === DESCRIPTOR.HID ? hidDescriptor : false;
    }
    if (kindOf !== (REQUEST_TYPE.CLASS | REQUEST_TYPE.INTERFACE)) return false;
    switch (request) {
      case REQUEST.GET_REPORT:
        behaviour.polled();
        return behaviour.report();
      case REQUEST.SET_REPORT:
        behaviour.setReport(data);
        return true;
      case REQUEST.GET_IDLE:
        return [s.hid.idle];
      case REQUEST.SET_IDLE:
        s.hid.idle = value >> 8;
        s.hid.reportedNs = clock.now();
        return true;
      case REQUEST.GET_PROTOCOL:
        return kind.bootProtocol === 0 ? false : [s.hid.protocol];
      case REQUEST.SET_PROTOCOL:
        if (kind.bootProtocol === 0) return false;
        s.hid.protocol = value & 1;
        return true;
      default:
        return false;
    }
  }

  function transact(pid: number, endpoint: number, room: Uint8Array): number {
    if (pid !== PID.IN || endpoint !== ENDPOINT) return ANSWER.STALL;
    behaviour.polled();
    const now = clock.now();
    const isDue = s.hid.idle !== 0 && now - s.hid.reportedNs >= s.hid.idle * IDLE_NS;
    if (!behaviour.hasNews && !isDue) return ANSWER.NAK;
    s.hid.reportedNs = now;
    const report = behaviour.report().slice(0, room.length);
    room.set(report);
    return report.length;
  }

  return new UsbFunction(id, s.usb, parent, port, {
    info,
    speed: 'full',
    control,
    transact,
    busReset() {
      s.hid.idle = 0;
      s.hid.protocol = 1;
      behaviour.reset();
    },
  });
}
