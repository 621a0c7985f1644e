/**
 * What all USB devices share: the default control pipe with its three stages, the standard requests, the address.
 * Document: USB 2.0, §8.5.3 (control transfers) and §9.4 (standard requests).
 * Not modelled: data toggles and CRCs, which no controller here gets wrong.
 */
import { below, bool, bytes, type Fields, type StateOf, struct, u8, u16 } from '../../core/state.ts';
import {
  ATTRIBUTES,
  configurationDescriptor,
  DESCRIPTOR,
  deviceDescriptor,
  stringDescriptor,
  type UsbInfo,
} from './descriptors.ts';
import { ANSWER, PID, type UsbBus, type UsbDevice, type UsbPort, type UsbSpeed } from './usb.ts';

/** §9.3, bmRequestType: direction, type, recipient. */
export const REQUEST_TYPE = { IN: 0x80, CLASS: 0x20, INTERFACE: 0x01, ENDPOINT: 0x02, OTHER: 0x03 } as const;
const REQUEST = {
  GET_STATUS: 0,
  CLEAR_FEATURE: 1,
  SET_FEATURE: 3,
  SET_ADDRESS: 5,
  GET_DESCRIPTOR: 6,
  GET_CONFIGURATION: 8,
  SET_CONFIGURATION: 9,
  GET_INTERFACE: 10,
  SET_INTERFACE: 11,
} as const;
const FEATURE_REMOTE_WAKEUP = 1;

const STAGE = { IDLE: 0, DATA_IN: 1, DATA_OUT: 2, STATUS: 3 } as const;
/** No transfer here has more data. */
const CONTROL_BYTES = 512;
const SETUP_BYTES = 8;

const fields = {
  address: u8(),
  configuration: u8(),
  remoteWakeup: bool(),
  /** An endpoint that the host has halted: bit n. */
  halted: u16(),
  setup: bytes(SETUP_BYTES),
  stage: below(4),
  /** Bytes of the data stage, and how far it is. */
  length: u16(),
  done: u16(),
  data: bytes(CONTROL_BYTES),
} satisfies Fields;

/** A field of the state of every USB device. */
export const usbState = struct(fields);
export type UsbState = StateOf<typeof fields>;

export interface ControlRequest {
  /** bmRequestType and bRequest. */
  readonly type: number;
  readonly request: number;
  readonly value: number;
  readonly index: number;
  readonly length: number;
  /** Of a transfer to the device. */
  readonly data: Uint8Array;
}

export interface UsbBehaviour {
  readonly info: UsbInfo;
  readonly speed: UsbSpeed;
  /** Requests that are not standard, or standard ones that only this device knows: the data, nothing, or false to stall. */
  control(request: ControlRequest): readonly number[] | boolean;
  /** Data of an endpoint other than 0. */
  transact(pid: number, endpoint: number, data: Uint8Array): number;
  /** The device's own part of a reset of the bus. */
  busReset(): void;
  find?(address: number): UsbDevice | undefined;
}

export class UsbFunction implements UsbDevice {
  readonly id: string;
  readonly port: UsbPort;
  private readonly s: UsbState;
  private readonly behaviour: UsbBehaviour;

  /** Attaches the device to its bus. */
  constructor(id: string, state: UsbState, bus: UsbBus, path: string, behaviour: UsbBehaviour) {
    this.id = id;
    this.s = state;
    this.behaviour = behaviour;
    this.port = bus.claim(path, this.product);
    this.port.device = this;
  }

  get product(): string {
    const { strings, stringOf } = this.behaviour.info;
    return strings[stringOf.product] ?? '';
  }
  get speed(): UsbSpeed {
    return this.behaviour.speed;
  }
  get address(): number {
    return this.s.address;
  }
  get configured(): boolean {
    return this.s.configuration !== 0;
  }

  /** There is something to report: the controller looks soon, and a suspended bus resumes. */
  notice(): void {
    this.port.notice();
    if (this.s.remoteWakeup) this.port.resume();
  }

  busReset(): void {
    const { s } = this;
    s.address = 0;
    s.configuration = 0;
    s.remoteWakeup = false;
    s.halted = 0;
    s.stage = STAGE.IDLE;
    this.behaviour.busReset();
  }

  find(address: number): UsbDevice | undefined {
    return this.s.address === address ? this : this.behaviour.find?.(address);
  }

  transact(pid: number, endpoint: number, data: Uint8Array): number {
    if (endpoint === 0) return this.controlPipe(pid, data);
    if (!this.configured || this.s.halted & (1 << endpoint)) return ANSWER.STALL;
    return this.behaviour.transact(pid, endpoint, data);
  }

  private controlPipe(pid: number, data: Uint8Array): number {
    switch (pid) {
      case PID.SETUP:
        return this.setupStage(data);
      case PID.IN:
        return this.inStage(data);
      case PID.OUT:
        return this.outStage(data);
      default:
        return ANSWER.STALL;
    }
  }

  private setupStage(data: Uint8Array): number {
    const { s } = this;
    if (data.length !== SETUP_BYTES) return ANSWER.STALL;
    s.setup.set(data);
    s.done = 0;
    const { type, length } = this.request();
    if (type & REQUEST_TYPE.IN) {
      const answer = this.answer();
      if (answer === false) return this.stall();
      const given = answer === true ? [] : answer.slice(0, Math.min(length, CONTROL_BYTES));
      s.data.set(given);
      s.length = given.length;
      s.stage = STAGE.DATA_IN;
    } else {
      if (length > CONTROL_BYTES) return this.stall();
      s.length = length;
      s.stage = length === 0 ? STAGE.STATUS : STAGE.DATA_OUT;
    }
    return SETUP_BYTES;
  }

  private inStage(room: Uint8Array): number {
    const { s } = this;
    if (s.stage === STAGE.STATUS) {
      s.stage = STAGE.IDLE;
      return this.answer() === false ? this.stall() : 0;
    }
    if (s.stage !== STAGE.DATA_IN) return ANSWER.STALL;
    const part = s.data.subarray(s.done, Math.min(s.length, s.done + room.length));
    room.set(part);
    s.done += part.length;
    return part.length;
  }

  private outStage(data: Uint8Array): number {
    const { s } = this;
    if (s.stage === STAGE.DATA_IN) {
      s.stage = STAGE.IDLE; // the status stage; the host may cut the data short
      return data.length;
    }
    if (s.stage !== STAGE.DATA_OUT) return ANSWER.STALL;
    const part = data.subarray(0, s.length - s.done);
    s.data.set(part, s.done);
    s.done += part.length;
    if (s.done === s.length) s.stage = STAGE.STATUS;
    return data.length;
  }

  private stall(): number {
    this.s.stage = STAGE.IDLE;
    return ANSWER.STALL;
  }

  private request(): ControlRequest {
    const { setup, data, length } = this.s;
    const word = (at: number): number => (setup[at] ?? 0) | ((setup[at + 1] ?? 0) << 8);
    return {
      type: setup[0] ?? 0,
      request: setup[1] ?? 0,
      value: word(2),
      index: word(4),
      length: word(6),
      data: data.subarray(0, length),
    };
  }

  private answer(): readonly number[] | boolean {
    const request = this.request();
    if ((request.type & 0x60) !== 0) return this.behaviour.control(request);
    const known = this.standard(request);
    return known === undefined ? this.behaviour.control(request) : known;
  }

  /** §9.4. Undefined: not one of these. */
  private standard({ type, request, value, index }: ControlRequest): readonly number[] | boolean | undefined {
    const { s } = this;
    const { info } = this.behaviour;
    const recipient = type & 0x1f;
    switch (request) {
      case REQUEST.GET_STATUS:
        if (recipient === REQUEST_TYPE.ENDPOINT) return [(s.halted >> (index & 0xf)) & 1, 0];
        if (recipient === REQUEST_TYPE.INTERFACE) return [0, 0];
        return [(info.attributes & ATTRIBUTES.SELF_POWERED ? 1 : 0) | (s.remoteWakeup ? 2 : 0), 0];
      case REQUEST.CLEAR_FEATURE:
      case REQUEST.SET_FEATURE: {
        const set = request === REQUEST.SET_FEATURE;
        if (recipient === REQUEST_TYPE.ENDPOINT && value === 0) {
          const bit = 1 << (index & 0xf);
          s.halted = set ? s.halted | bit : s.halted & ~bit;
          return true;
        }
        if (recipient !== 0 || value !== FEATURE_REMOTE_WAKEUP) return undefined;
        s.remoteWakeup = set;
        return true;
      }
      case REQUEST.SET_ADDRESS:
        if (recipient !== 0) return undefined;
        s.address = value & 0x7f;
        return true;
      case REQUEST.GET_DESCRIPTOR:
        return recipient === 0 ? this.descriptor(value >> 8, value & 0xff) : undefined;
      case REQUEST.GET_CONFIGURATION:
        return [s.configuration];
      case REQUEST.SET_CONFIGURATION:
        if (value > 1) return false;
        s.configuration = value;
        s.halted = 0;
        return true;
      case REQUEST.GET_INTERFACE:
        return [0];
      case REQUEST.SET_INTERFACE:
        return value === 0;
      default:
        return undefined;
    }
  }

  private descriptor(kind: number, index: number): readonly number[] | boolean {
    const { info } = this.behaviour;
    switch (kind) {
      case DESCRIPTOR.DEVICE:
        return deviceDescriptor(info);
      case DESCRIPTOR.CONFIGURATION:
        return index === 0 ? configurationDescriptor(info) : false;
      case DESCRIPTOR.STRING:
        return stringDescriptor(info, index) ?? false;
      default:
        return false; // no device qualifier: these devices have one speed
    }
  }
}
