/**
 * The USB between a host controller and devices: ports, packets and their answers.
 * Document: Universal Serial Bus Specification, revision 2.0, chapters 8 and 9.
 */
import { VmError } from '../../../util/errors.ts';
import type { DeviceBus } from '../../core/device.ts';

export type UsbSpeed = 'low' | 'full' | 'high' | 'super';

/** §8.3.1: packet identifiers of the tokens. */
export const PID = { OUT: 0xe1, IN: 0x69, SETUP: 0x2d } as const;

/** What a device answers in place of a number of bytes. */
export const ANSWER = { NAK: -1, STALL: -2, BABBLE: -3, NO_DEVICE: -4 } as const;

export interface UsbDevice {
  readonly id: string;
  /** As `info usb` shows it. */
  readonly product: string;
  readonly speed: UsbSpeed;
  readonly address: number;
  /** The device is reset through its port. */
  busReset(): void;
  /**
   * One transaction. OUT and SETUP carry `data`; IN fills it. The number of bytes that were taken or given, or an
   * `ANSWER`.
   */
  transact(pid: number, endpoint: number, data: Uint8Array): number;
  /** The device with this address: itself, or one behind it. */
  find(address: number): UsbDevice | undefined;
}

export class UsbPort {
  /** As `port=` takes it: `1`, behind a hub `2.1`. */
  readonly path: string;
  /** A device may have something to say: its controller need not wait for its next look. */
  readonly notice: () => void;
  /** A device asks a suspended port to resume. */
  readonly resume: () => void;
  device: UsbDevice | undefined;

  constructor(path: string, { notice, resume }: { notice(): void; resume(): void }) {
    this.path = path;
    this.notice = notice;
    this.resume = resume;
  }
}

/** A controller's bus; hubs add their ports to it. */
export class UsbBus implements DeviceBus {
  readonly kind = 'usb-bus';
  readonly name: string;
  private readonly ports: UsbPort[] = [];

  constructor(name: string) {
    this.name = name;
  }

  addPorts(ports: readonly UsbPort[]): void {
    this.ports.push(...ports);
  }

  get freePorts(): number {
    return this.ports.filter(({ device }) => device === undefined).length;
  }
  get full(): boolean {
    return this.freePorts === 0;
  }

  /** The port that `port=` names, or the first free one. */
  claim(path: string, product: string): UsbPort {
    const port =
      path === '' ? this.ports.find(({ device }) => device === undefined) : this.ports.find((p) => p.path === path);
    if (port === undefined) {
      throw path === ''
        ? new VmError(`tried to attach usb device ${product} to a bus with no free ports`)
        : new VmError(`usb port ${path} (bus ${this.name}) not found (in use?)`);
    }
    if (port.device !== undefined) throw new VmError(`usb port ${path} (bus ${this.name}) not found (in use?)`);
    return port;
  }

  /** Devices with their ports' paths, in the order of the ports. */
  get devices(): readonly { readonly port: string; readonly device: UsbDevice }[] {
    return this.ports.flatMap(({ path, device }) => (device === undefined ? [] : [{ port: path, device }]));
  }
}

/** `Speed 12 Mb/s` of `info usb`. */
export const SPEED_TEXT: Readonly<Record<UsbSpeed, string>> = { low: '1.5', full: '12', high: '480', super: '5000' };
