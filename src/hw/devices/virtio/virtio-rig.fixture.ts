/**
 * A virtio device on a PCI bus with RAM, and a driver as small as the specification allows: it sets the device up by
 * either interface, lays chains into rings and collects what comes back.
 */
import { VirtualClock } from '../../core/clock.ts';
import { createDevice, type DeviceType, loadDevices, type Parts } from '../../core/device.ts';
import { createDma } from '../../core/dma.ts';
import { Wire } from '../../core/irq.ts';
import { AddressSpace } from '../../core/memory.ts';
import { PORT_COUNT, PortSpace } from '../../core/ports.ts';
import type { Props, PropValues } from '../../core/props.ts';
import { Container, ramRegion } from '../../core/region.ts';
import { resetAll } from '../../core/reset.ts';
import type { Fields } from '../../core/state.ts';
import { createPciBus } from '../pci/bus.ts';
import { devfnOf } from '../pci/config.ts';
import type { PciFunction } from '../pci/function.ts';
import { FEATURE, STATUS } from './constants.ts';

const RAM_BYTES = 2 ** 22;
const IO_AT = 0xc000;
const BAR_AT = 0xfe00_0000;
const COMMON = BAR_AT;
const ISR_AT = BAR_AT + 0x1000;
const CONFIG_AT = BAR_AT + 0x2000;
const NOTIFY_AT = BAR_AT + 0x3000;
/** Where the driver has its rings (16 KiB a queue) and its buffers. */
const RINGS_AT = 0x10000;
const BUFFERS_AT = 0x20_0000;

/** What a driver gets back. */
export interface Answer {
  readonly head: number;
  readonly written: number;
  /** The device-writable parts, joined. */
  readonly bytes: Uint8Array;
}

type Interface = 'legacy' | 'modern';

export function virtioRig<D extends Parts & { readonly pci: PciFunction }, P extends Props>(
  type: DeviceType<Fields, P, never, D>,
  props: Partial<PropValues<P>>,
  ram = new Uint8Array(RAM_BYTES),
) {
  const clock = new VirtualClock();
  const system = new Container('system', 2 ** 32);
  const io = new Container('io', PORT_COUNT);
  system.add(0, ramRegion('ram', ram.length, 0));
  const memory = new AddressSpace(system, { bytes: ram, written() {} });
  const ports = new PortSpace(io);
  const wire = new Wire((level) => void (level && rig.interrupts++));
  const bus = createPciBus({ memory: system, io, route: () => 0, lines: [wire] });
  const log: string[] = [];
  const device = createDevice(type, {
    clock,
    log: (category, message) => void log.push(`${category}: ${message}`),
    props: { ...props, dma: createDma(memory) } as unknown as Partial<PropValues<P>>,
  });
  const { pci } = device.parts;
  bus.plug(devfnOf(4, 0), pci);
  resetAll([device]);
  const guest = new DataView(ram.buffer, ram.byteOffset);
  let mode: Interface = 'modern';
  const queues = new Map<number, ReturnType<typeof driverQueue>>();

  function driverQueue(index: number, size: number) {
    const desc = RINGS_AT + index * 0x4000;
    const avail = desc + 16 * size;
    const used = Math.ceil((avail + 6 + 2 * size) / 4096) * 4096;
    return { index, size, desc, avail, used, available: 0, seen: 0, next: 0, writable: new Map<number, number[][]>() };
  }
  const queueOf = (index: number) => {
    const queue = queues.get(index);
    if (queue === undefined) throw new Error(`the driver has not set queue ${index} up`);
    return queue;
  };
  let bufferAt = BUFFERS_AT;
  const allocate = (length: number): number => {
    if (bufferAt + length > ram.length) bufferAt = BUFFERS_AT;
    bufferAt += length;
    return bufferAt - length;
  };

  const rig = {
    device,
    state: device.state,
    model: (device.parts as unknown as { readonly model: unknown }).model,
    pci,
    memory,
    ports,
    clock,
    ram,
    guest,
    log,
    interrupts: 0,
    allocate,
    get irq() {
      return wire.level;
    },
    get status() {
      return mode === 'modern' ? memory.read(COMMON + 0x14, 1) : ports.read(IO_AT + 18, 1);
    },
    set status(value: number) {
      if (mode === 'modern') memory.write(COMMON + 0x14, value, 1);
      else ports.write(IO_AT + 18, value, 1);
    },
    /** Reading it ends the interrupt. */
    readIsr: () => (mode === 'modern' ? memory.read(ISR_AT, 1) : ports.read(IO_AT + 19, 1)),
    common: {
      read: (offset: number, size: number) => memory.read(COMMON + offset, size),
      write: (offset: number, value: number, size: number) => memory.write(COMMON + offset, value, size),
    },
    legacy: {
      read: (offset: number, size: number) => ports.read(IO_AT + offset, size),
      write: (offset: number, value: number, size: number) => ports.write(IO_AT + offset, value, size),
    },
    config: (offset: number, size: number) =>
      mode === 'modern' ? memory.read(CONFIG_AT + offset, size) : ports.read(IO_AT + 20 + offset, size),
    writeConfig(offset: number, value: number, size: number) {
      if (mode === 'modern') memory.write(CONFIG_AT + offset, value, size);
      else ports.write(IO_AT + 20 + offset, value, size);
    },
    /** Places the BARs and makes the device bus master. */
    enable() {
      pci.write(0x10, IO_AT, 4);
      pci.write(0x20, BAR_AT, 4);
      pci.write(0x24, 0, 4);
      pci.write(0x04, 7, 2);
    },
    offered(): bigint {
      if (mode === 'legacy') return BigInt(ports.read(IO_AT, 4));
      return [0, 1].reduce((bits, word) => {
        memory.write(COMMON, word, 4);
        return bits | (BigInt(memory.read(COMMON + 4, 4)) << BigInt(32 * word));
      }, 0n);
    },
    /** §3.1.1: the whole initialization; accepts those of `features` that are offered (default: all). */
    start({
      as = 'modern',
      features = () => true,
      sizes = {},
      skipQueues = false,
    }: {
      as?: Interface;
      features?: (bit: number) => boolean;
      sizes?: Readonly<Record<number, number>>;
      skipQueues?: boolean;
    } = {}) {
      mode = as;
      rig.enable();
      rig.status = 0;
      queues.clear();
      rig.status = STATUS.ACKNOWLEDGE;
      rig.status = STATUS.ACKNOWLEDGE | STATUS.DRIVER;
      const offered = rig.offered();
      let accepted = 0n;
      for (let bit = 0; bit < 64; bit++) {
        if ((offered >> BigInt(bit)) & 1n && (bit === FEATURE.VERSION_1 || features(bit)))
          accepted |= 1n << BigInt(bit);
      }
      if (mode === 'legacy') {
        ports.write(IO_AT + 4, Number(accepted & 0xffff_ffffn), 4);
      } else {
        for (const word of [0, 1]) {
          memory.write(COMMON + 8, word, 4);
          memory.write(COMMON + 0xc, Number((accepted >> BigInt(32 * word)) & 0xffff_ffffn), 4);
        }
        rig.status = STATUS.ACKNOWLEDGE | STATUS.DRIVER | STATUS.FEATURES_OK;
        if ((rig.status & STATUS.FEATURES_OK) === 0) throw new Error('the device refuses the features');
      }
      for (let index = 0; !skipQueues; index++) if (!rig.addQueue(index, sizes[index])) break;
      rig.status = rig.status | STATUS.DRIVER_OK;
      return rig;
    },
    addQueue(index: number, wanted?: number): boolean {
      if (mode === 'legacy') {
        ports.write(IO_AT + 14, index, 2);
        const size = ports.read(IO_AT + 12, 2);
        if (size === 0) return false;
        const queue = driverQueue(index, size);
        ram.fill(0, queue.desc, queue.desc + 0x4000);
        queues.set(index, queue);
        ports.write(IO_AT + 8, queue.desc / 4096, 4);
        return true;
      }
      memory.write(COMMON + 0x16, index, 2);
      const largest = memory.read(COMMON + 0x18, 2);
      if (largest === 0) return false;
      const queue = driverQueue(index, wanted ?? largest);
      ram.fill(0, queue.desc, queue.desc + 0x4000);
      queues.set(index, queue);
      memory.write(COMMON + 0x18, queue.size, 2);
      memory.write(COMMON + 0x20, queue.desc, 4);
      memory.write(COMMON + 0x28, queue.avail, 4);
      memory.write(COMMON + 0x30, queue.used, 4);
      memory.write(COMMON + 0x1c, 1, 2);
      return true;
    },
    queueOf,
    writeDescriptor(table: number, at: number, gpa: number, length: number, flags: number, next = 0) {
      guest.setBigUint64(table + 16 * at, BigInt(gpa), true);
      guest.setUint32(table + 16 * at + 8, length, true);
      guest.setUint16(table + 16 * at + 12, flags, true);
      guest.setUint16(table + 16 * at + 14, next, true);
    },
    /** Lays a chain down and makes it available; the head. Numbers are buffers for the device to write. */
    add(index: number, pieces: readonly (Uint8Array | number)[], { indirect = false } = {}): number {
      const queue = queueOf(index);
      const entries = pieces.map((data) => {
        const length = typeof data === 'number' ? data : data.length;
        const gpa = allocate(length);
        if (typeof data !== 'number') ram.set(data, gpa);
        return { gpa, length, write: typeof data === 'number' };
      });
      const writable = entries.filter(({ write }) => write).map(({ gpa, length }) => [gpa, length]);
      let head: number;
      if (indirect) {
        const table = allocate(16 * entries.length);
        for (const [i, { gpa, length, write }] of entries.entries()) {
          const more = i < entries.length - 1;
          rig.writeDescriptor(table, i, gpa, length, (write ? 2 : 0) | (more ? 1 : 0), i + 1);
        }
        head = queue.next++ % queue.size;
        rig.writeDescriptor(queue.desc, head, table, 16 * entries.length, 4);
      } else {
        head = queue.next % queue.size;
        for (const [i, { gpa, length, write }] of entries.entries()) {
          const more = i < entries.length - 1;
          const at = queue.next++ % queue.size;
          rig.writeDescriptor(queue.desc, at, gpa, length, (write ? 2 : 0) | (more ? 1 : 0), queue.next % queue.size);
        }
      }
      queue.writable.set(head, writable);
      rig.makeAvailable(index, head);
      return head;
    },
    makeAvailable(index: number, head: number) {
      const queue = queueOf(index);
      guest.setUint16(queue.avail + 4 + 2 * (queue.available % queue.size), head, true);
      queue.available = (queue.available + 1) & 0xffff;
      guest.setUint16(queue.avail + 2, queue.available, true);
    },
    notify(index: number) {
      if (mode === 'modern') memory.write(NOTIFY_AT + 4 * index, index, 2);
      else ports.write(IO_AT + 16, index, 2);
    },
    /** All that came back since the last time. */
    collect(index: number): Answer[] {
      const queue = queueOf(index);
      const answers: Answer[] = [];
      while (queue.seen !== guest.getUint16(queue.used + 2, true)) {
        const at = queue.used + 4 + 8 * (queue.seen % queue.size);
        const head = guest.getUint32(at, true);
        const parts = queue.writable.get(head) ?? [];
        const bytes = joined(...parts.map(([gpa = 0, length = 0]) => ram.slice(gpa, gpa + length)));
        answers.push({ head, written: guest.getUint32(at + 4, true), bytes });
        queue.seen = (queue.seen + 1) & 0xffff;
      }
      return answers;
    },
    /** One request whose answer comes at once, or when `meanwhile` has run. */
    ask(index: number, pieces: readonly (Uint8Array | number)[], meanwhile = (): void => {}): Answer {
      rig.add(index, pieces);
      rig.notify(index);
      meanwhile();
      const [answer] = rig.collect(index);
      if (answer === undefined) throw new Error('no answer');
      return answer;
    },
    reset: () => resetAll([device]),
    /** Another device like this one, on a copy of this one's memory, with this one's state. */
    reloaded(otherProps: Partial<PropValues<P>> = props) {
      const other = virtioRig(type, otherProps, ram.slice());
      loadDevices([{ device: other.device, bytes: device.save() }]);
      other.adopt(mode, queues);
      return other;
    },
    adopt(as: Interface, from: typeof queues) {
      mode = as;
      for (const [index, queue] of from) queues.set(index, { ...queue, writable: new Map(queue.writable) });
    },
  };
  return rig;
}

/** Little-endian bytes of numbers with their sizes: `le([1, 4], [2, 8])`. */
export function le(...fields: readonly (readonly [value: number, bytes: number])[]): Uint8Array {
  const out = new Uint8Array(fields.reduce((n, [, size]) => n + size, 0));
  let at = 0;
  for (const [value, size] of fields) {
    for (let i = 0; i < size; i++) out[at++] = Math.floor(value / 2 ** (8 * i)) % 256;
  }
  return out;
}

export function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((n, { length }) => n + length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
