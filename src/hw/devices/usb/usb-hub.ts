/**
 * USB hub. Document: USB 2.0, chapter 11.
 * Not modelled: power switching and over-current, indicators, the transaction translator (it is a full-speed hub).
 */
import { VmError } from '../../../util/errors.ts';
import { defineDevice } from '../../core/device.ts';
import { prop } from '../../core/props.ts';
import { array, struct, u16, vmstate } from '../../core/state.ts';
import { ATTRIBUTES, DESCRIPTOR, type UsbInfo } from './descriptors.ts';
import { ANSWER, PID, type UsbBus, UsbPort } from './usb.ts';
import { type ControlRequest, REQUEST_TYPE, UsbFunction, usbState } from './usb-function.ts';

const MAX_PORTS = 8;

/** §11.24.2, table 11-16. */
const REQUEST = { GET_STATUS: 0, CLEAR_FEATURE: 1, SET_FEATURE: 3, GET_DESCRIPTOR: 6 } as const;
/** Table 11-17. */
const FEATURE = {
  PORT_CONNECTION: 0,
  PORT_ENABLE: 1,
  PORT_SUSPEND: 2,
  PORT_RESET: 4,
  PORT_POWER: 8,
  C_PORT_CONNECTION: 16,
  C_PORT_ENABLE: 17,
  C_PORT_SUSPEND: 18,
  C_PORT_OVER_CURRENT: 19,
  C_PORT_RESET: 20,
} as const;
/** Table 11-21. */
const STATUS = {
  CONNECTION: 0x001,
  ENABLE: 0x002,
  SUSPEND: 0x004,
  RESET: 0x010,
  POWER: 0x100,
  LOW_SPEED: 0x200,
} as const;
const CHANGE_ENDPOINT = 1;

const INFO: UsbInfo = {
  vendor: 0x0409,
  product: 0x55aa,
  release: 0x0101,
  usbRelease: 0x0110,
  deviceClass: 9,
  maxPacket0: 8,
  attributes: ATTRIBUTES.ALWAYS | ATTRIBUTES.SELF_POWERED | ATTRIBUTES.REMOTE_WAKEUP,
  maxPower: 0,
  interface: {
    class: 9,
    subClass: 0,
    protocol: 0,
    endpoints: [{ address: 0x80 | CHANGE_ENDPOINT, attributes: 3, maxPacket: 2, interval: 0xff }],
  },
  strings: { 1: 'QEMU', 2: 'QEMU USB Hub', 3: '314159' },
  stringOf: { manufacturer: 1, product: 2, serial: 3, configuration: 0 },
};

export const usbHub = defineDevice({
  type: 'usb-hub',
  desc: 'QEMU USB Hub',
  bus: 'usb-bus',
  props: {
    parent: prop.required<UsbBus>(),
    port: prop.string(''),
    serial: prop.string(''),
    ports: prop.u32(MAX_PORTS),
  },
  irqs: [],
  state: vmstate('usb-hub', 1, {
    usb: usbState,
    ports: array(MAX_PORTS, struct({ status: u16(STATUS.POWER), change: u16() })),
  }),
  create(s, { id, parent, port, serial, ports: count }) {
    if (count < 1 || count > MAX_PORTS) throw new VmError(`num_ports (${count}) out of range (1..${MAX_PORTS})`);
    const downstream: UsbPort[] = [];
    const usb = new UsbFunction(id, s.usb, parent, port, {
      info: { ...INFO, strings: { ...INFO.strings, ...(serial !== '' && { 3: serial }) } },
      speed: 'full',
      control,
      transact,
      busReset: attachAll,
      find(address) {
        for (const [n, { device }] of downstream.entries()) {
          const found = (s.ports[n]?.status ?? 0) & STATUS.ENABLE ? device?.find(address) : undefined;
          if (found !== undefined) return found;
        }
        return undefined;
      },
    });
    for (let n = 0; n < count; n++) {
      const path = `${usb.port.path}.${n + 1}`;
      downstream.push(new UsbPort(path, { notice: () => usb.port.notice(), resume: () => resume(n) }));
    }
    parent.addPorts(downstream);

    function attachAll(): void {
      for (const [n, { device }] of downstream.entries()) {
        device?.busReset();
        const state = s.ports[n];
        if (state === undefined) continue;
        state.status = STATUS.POWER | (device === undefined ? 0 : STATUS.CONNECTION);
        if (device?.speed === 'low') state.status |= STATUS.LOW_SPEED;
        state.change = device === undefined ? 0 : STATUS.CONNECTION;
      }
    }
    function resume(n: number): void {
      const state = s.ports[n];
      if (state !== undefined && state.status & STATUS.SUSPEND) {
        state.status &= ~STATUS.SUSPEND;
        state.change |= STATUS.SUSPEND;
      }
      usb.notice();
    }

    /** §11.12.4: bit 0 is the hub's own, bit n that of port n. */
    function transact(pid: number, endpoint: number, room: Uint8Array): number {
      if (pid !== PID.IN || endpoint !== CHANGE_ENDPOINT) return ANSWER.STALL;
      const bits = s.ports.reduce((all, { change }, n) => all | (change === 0 ? 0 : 2 << n), 0);
      if (bits === 0) return ANSWER.NAK;
      const length = Math.min(room.length, (count + 8) >> 3);
      for (let i = 0; i < length; i++) room[i] = bits >> (8 * i);
      return length;
    }

    function control({ type, request, value, index }: ControlRequest): readonly number[] | boolean {
      if ((type & 0x60) !== REQUEST_TYPE.CLASS) return false;
      const recipient = type & 0x1f;
      if (recipient === 0) return hubRequest(request, value);
      const n = (index & 0xff) - 1;
      const state = s.ports[n];
      if (recipient !== REQUEST_TYPE.OTHER || state === undefined || n >= count) return false;
      switch (request) {
        case REQUEST.GET_STATUS:
          return [state.status & 0xff, state.status >> 8, state.change & 0xff, state.change >> 8];
        case REQUEST.SET_FEATURE:
          return setFeature(n, state, value);
        case REQUEST.CLEAR_FEATURE:
          return clearFeature(state, value);
        default:
          return false;
      }
    }
    function hubRequest(request: number, value: number): readonly number[] | boolean {
      switch (request) {
        case REQUEST.GET_STATUS:
          return [0, 0, 0, 0];
        case REQUEST.GET_DESCRIPTOR: {
          if (value >> 8 !== DESCRIPTOR.HUB && value !== 0) return false;
          // All ports powered together, no over-current protection; all devices removable; 2 ms to good power.
          const bitmap = (count + 8) >> 3;
          return [
            ...[7 + 2 * bitmap, DESCRIPTOR.HUB, count, 0x0a, 0x00, 0x01, 0x00],
            ...new Array<number>(bitmap).fill(0),
            ...new Array<number>(bitmap).fill(0xff),
          ];
        }
        default:
          return request === REQUEST.CLEAR_FEATURE || request === REQUEST.SET_FEATURE;
      }
    }
    function setFeature(n: number, state: { status: number; change: number }, feature: number): boolean {
      const device = downstream[n]?.device;
      switch (feature) {
        case FEATURE.PORT_SUSPEND:
          state.status |= STATUS.SUSPEND;
          return true;
        case FEATURE.PORT_RESET:
          if (device === undefined) return true;
          device.busReset();
          state.status = (state.status | STATUS.ENABLE) & ~STATUS.SUSPEND;
          state.change |= STATUS.RESET;
          usb.notice();
          return true;
        case FEATURE.PORT_POWER:
          return true;
        default:
          return false;
      }
    }
    function clearFeature(state: { status: number; change: number }, feature: number): boolean {
      switch (feature) {
        case FEATURE.PORT_ENABLE:
          state.status &= ~STATUS.ENABLE;
          return true;
        case FEATURE.PORT_SUSPEND:
          if (state.status & STATUS.SUSPEND) state.change |= STATUS.SUSPEND;
          state.status &= ~STATUS.SUSPEND;
          return true;
        case FEATURE.PORT_POWER:
          return true;
        case FEATURE.C_PORT_CONNECTION:
        case FEATURE.C_PORT_ENABLE:
        case FEATURE.C_PORT_SUSPEND:
        case FEATURE.C_PORT_OVER_CURRENT:
        case FEATURE.C_PORT_RESET:
          state.change &= ~(1 << (feature - FEATURE.C_PORT_CONNECTION));
          return true;
        default:
          return false;
      }
    }

    return { regions: {}, usb, reset: attachAll, sync() {} };
  },
});
