/**
 * virtio console device with its ports: Virtual I/O Device specification 1.1, §5.3. Names, ports and messages are
 * QEMU's: port 0 is for a console, ports without a console are `virtserialport`s.
 * Not modelled: console sizes (VIRTIO_CONSOLE_F_SIZE; QEMU does not offer it either), taking ports away.
 */
import { VmError } from '../../../util/errors.ts';
import type { DeviceBus } from '../../core/device.ts';
import { prop } from '../../core/props.ts';
import { array, bool } from '../../core/state.ts';
import { DEVICE_ID } from './constants.ts';
import type { VirtioCore } from './core.ts';
import { defineVirtioPci } from './virtio-pci.ts';

const MAX_PORTS = 31;
const QUEUE_SIZE = 128;
const CONTROL_QUEUE_SIZE = 32;
const CONTROL = { RECEIVE: 2, TRANSMIT: 3 } as const; // §5.3.2
const F = { MULTIPORT: 1, EMERG_WRITE: 2 } as const; // §5.3.3
const CONFIG_BYTES = 12;
const EMERG_WR = 8;
/** §5.3.6.2 */
const EVENT = { DEVICE_READY: 0, DEVICE_ADD: 1, PORT_READY: 3, CONSOLE_PORT: 4, PORT_OPEN: 6, PORT_NAME: 7 } as const;
const CONTROL_BYTES = 8;
/** No more of a buffer is taken at once: what the guest writes is handed on in parts. */
const PART_BYTES = 0x1_0000;

/** A port's own end. */
export interface SerialPort {
  readonly isConsole: boolean;
  readonly name: string;
  /** Somebody listens at the host's end. */
  readonly isOpen: boolean;
  /** Bytes that the guest wrote. */
  write(bytes: Uint8Array): void;
  /** The guest can take more. */
  accept(): void;
}

/** The bus's end of a port. */
export interface PortLink {
  /** How many bytes the guest takes now. */
  room(): number;
  receive(bytes: Uint8Array): void;
  /** The host's end was opened or closed. */
  hostChanged(): void;
}

export interface VirtioSerialBus extends DeviceBus {
  readonly kind: 'virtio-serial-bus';
  /** Number -1: the first free one. Throws a VmError if there is no such place. */
  plug(port: SerialPort, number: number): PortLink;
}

/** §5.3.2: a port's queue for data to the driver; the next one is for data from it. Ports from 1 on follow the control queues. */
const receiveQueueOf = (port: number): number => (port === 0 ? 0 : 2 + 2 * port);
const portOfQueue = (queue: number): number => (queue < 2 ? 0 : (queue >> 1) - 1);

export const virtioSerialPci = defineVirtioPci({
  type: 'virtio-serial-pci',
  deviceId: DEVICE_ID.CONSOLE,
  transitionalId: 0x1003,
  classCode: 0x078000,
  maxQueues: 2 * (MAX_PORTS + 1),
  props: {
    max_ports: prop.u32(MAX_PORTS),
    'emergency-write': prop.bool(true),
  },
  state: {
    /** Which ports somebody in the guest has open. */
    guestOpen: array(MAX_PORTS, bool()),
  },
  create(s, { id, max_ports: maxPorts, 'emergency-write': hasEmergencyWrite }, core) {
    if (maxPorts < 1 || maxPorts > MAX_PORTS) {
      throw new VmError(`maximum number of ports cannot be ${maxPorts}`, { hint: `1 to ${MAX_PORTS}` });
    }
    const ports = new Map<number, SerialPort>();
    const isMultiport = (): boolean => core.has(F.MULTIPORT);

    function sendControl(port: number, event: number, value: number, text = ''): void {
      const queue = core.queue(CONTROL.RECEIVE);
      const chain = queue?.pop();
      if (queue === undefined || chain === undefined) return;
      const name = new TextEncoder().encode(text);
      const message = new Uint8Array(CONTROL_BYTES + name.length);
      const view = new DataView(message.buffer);
      view.setUint32(0, port, true);
      view.setUint16(4, event, true);
      view.setUint16(6, value, true);
      message.set(name, CONTROL_BYTES);
      queue.finish(chain, chain.writable.write(0, message));
    }

    function handleControl(view: DataView): void {
      const number = view.getUint32(0, true);
      const event = view.getUint16(4, true);
      const value = view.getUint16(6, true);
      if (event === EVENT.DEVICE_READY) {
        if (value === 0) core.guestError('Guest failure in adding device');
        else for (const each of ports.keys()) sendControl(each, EVENT.DEVICE_ADD, 1);
        return;
      }
      const port = ports.get(number);
      if (port === undefined) {
        core.guestError(`Unexpected port id ${number}`);
      } else if (event === EVENT.PORT_READY) {
        if (value === 0) core.guestError(`Guest failure in adding port ${number}`);
        else announce(number, port);
      } else if (event === EVENT.PORT_OPEN) {
        s.guestOpen[number] = value !== 0;
        if (value !== 0) port.accept();
      }
    }
    function announce(number: number, port: SerialPort): void {
      if (port.isConsole) sendControl(number, EVENT.CONSOLE_PORT, 1);
      if (port.name !== '') sendControl(number, EVENT.PORT_NAME, 1, port.name);
      if (port.isOpen) sendControl(number, EVENT.PORT_OPEN, 1);
    }

    function takeControl(): void {
      const queue = core.queue(CONTROL.TRANSMIT);
      for (let chain = queue?.pop(); queue !== undefined && chain !== undefined; chain = queue.pop()) {
        if (chain.readable.length >= CONTROL_BYTES) handleControl(chain.readable.view(0, CONTROL_BYTES));
        else core.guestError('control message too short');
        queue.finish(chain, 0);
      }
    }
    function takeOutput(index: number): void {
      const queue = core.queue(index);
      const port = ports.get(portOfQueue(index));
      for (let chain = queue?.pop(); queue !== undefined && chain !== undefined; chain = queue.pop()) {
        const { readable } = chain;
        for (let at = 0; port?.isOpen && at < readable.length; at += PART_BYTES) {
          port.write(readable.bytes(at, PART_BYTES));
        }
        queue.finish(chain, 0);
      }
    }

    const bus: VirtioSerialBus = {
      kind: 'virtio-serial-bus',
      name: `${id}.0`,
      get full() {
        return ports.size >= maxPorts;
      },
      plug(port, wanted) {
        const number = wanted === -1 ? freeNumber(port.isConsole) : wanted;
        if (number >= maxPorts) {
          throw new VmError(`virtio-serial-bus: Out-of-range port id specified, max. allowed: ${maxPorts - 1}`);
        }
        if (ports.has(number)) throw new VmError(`virtio-serial-bus: A port already exists at id ${number}`);
        for (const { name } of ports.values()) {
          if (name !== '' && name === port.name)
            throw new VmError(`virtio-serial-bus: A port already exists by name ${name}`);
        }
        ports.set(number, port);
        return {
          room() {
            if (isMultiport() && !s.guestOpen[number]) return 0;
            if (!isMultiport() && number > 0) return 0;
            return core.queue(receiveQueueOf(number))?.peek()?.writable.length ?? 0;
          },
          receive: (bytes) => give(core, receiveQueueOf(number), bytes),
          hostChanged: () => isMultiport() && sendControl(number, EVENT.PORT_OPEN, port.isOpen ? 1 : 0),
        };
      },
    };
    /** Number 0 is kept for a console. */
    function freeNumber(isConsole: boolean): number {
      let number = isConsole ? 0 : 1;
      while (ports.has(number)) number++;
      if (number < maxPorts) return number;
      throw new VmError('virtio-serial-bus: Maximum port limit for this device reached');
    }

    return {
      buses: [bus],
      model: {
        features: [...(maxPorts > 1 ? [F.MULTIPORT] : []), ...(hasEmergencyWrite ? [F.EMERG_WRITE] : [])],
        queueSizes: Array.from({ length: 2 * (maxPorts + 1) }, (_, index) =>
          index === CONTROL.RECEIVE || index === CONTROL.TRANSMIT ? CONTROL_QUEUE_SIZE : QUEUE_SIZE,
        ),
        configBytes: CONFIG_BYTES,
        readConfig(view) {
          view.setUint32(4, maxPorts, true);
          view.setUint32(EMERG_WR, 0, true);
        },
        writeConfig(view) {
          const byte = view.getUint32(EMERG_WR, true) & 0xff;
          if (hasEmergencyWrite && byte !== 0) ports.get(0)?.write(Uint8Array.of(byte));
        },
        notified(index) {
          if (index === CONTROL.TRANSMIT) takeControl();
          else if (index === CONTROL.RECEIVE) return;
          else if (index & 1) takeOutput(index);
          else ports.get(portOfQueue(index))?.accept();
        },
      },
    };
  },
});

/** Bytes for the guest, as far as its buffers go: a receiver gives no more than there was room for. */
function give(core: VirtioCore, index: number, bytes: Uint8Array): void {
  const queue = core.queue(index);
  let done = 0;
  while (done < bytes.length) {
    const chain = queue?.pop();
    if (queue === undefined || chain === undefined) break;
    const written = chain.writable.write(0, bytes.subarray(done));
    done += written;
    queue.push(chain, written);
  }
  queue?.notify();
}
