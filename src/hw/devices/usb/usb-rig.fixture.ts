/** A UHCI with devices on a bare memory, and as much of a driver as tests need. */
import { VirtualClock } from '../../core/clock.ts';
import { type AnyDeviceType, createDevice, type Device } from '../../core/device.ts';
import { createDma } from '../../core/dma.ts';
import type { InputRegistry, KeyboardDevice, PointerDevice } from '../../core/input-devices.ts';
import { AddressSpace } from '../../core/memory.ts';
import { PORT_COUNT, PortSpace } from '../../core/ports.ts';
import { Container, ramRegion } from '../../core/region.ts';
import { resetAll } from '../../core/reset.ts';
import { piix3Uhci } from './uhci.ts';
import { PID, UsbBus } from './usb.ts';

const RAM_BYTES = 0x20000;
const FRAME_LIST = 0x1000;
const QUEUE = 0x2000;
const DESCRIPTORS = 0x3000;
const DATA = 0x4000;
const BASE = 0xc000;

const MS = 1e6;
const ACTIVE = 1 << 23;
/** Stalled, or nobody answered. */
const FAILED = (1 << 22) | (1 << 18);

export const REG = {
  USBCMD: 0,
  USBSTS: 2,
  USBINTR: 4,
  FRNUM: 6,
  FLBASEADD: 8,
  SOFMOD: 12,
  PORTSC1: 16,
  PORTSC2: 18,
} as const;

export function usbRig(...types: readonly (readonly [AnyDeviceType, Record<string, unknown>?])[]) {
  const clock = new VirtualClock();
  const ram = new Uint8Array(RAM_BYTES);
  const view = new DataView(ram.buffer);
  const system = new Container('system', 2 ** 32);
  system.add(0, ramRegion('ram', RAM_BYTES, 0));
  const memory = new AddressSpace(system, { bytes: ram, written() {} });
  const io = new Container('io', PORT_COUNT);
  const ports = new PortSpace(io);
  const usbBus = new UsbBus('usb-bus.0');
  const keyboards: KeyboardDevice[] = [];
  const pointers: PointerDevice[] = [];
  const activated: string[] = [];
  const inputs: InputRegistry = {
    addKeyboard(keyboard) {
      keyboards.push(keyboard);
      return { activate() {} };
    },
    addPointer(pointer) {
      pointers.push(pointer);
      return { activate: () => void activated.push(pointer.name) };
    },
  };
  const lights: number[] = [];
  let irq = false;
  const uhci = createDevice(piix3Uhci, { id: 'usb', clock, props: { dma: createDma(memory), usbBus } });
  uhci.parts.pci.plug({ memory: system, io, interrupt: (_pin, level) => void (irq = level) });
  const devices: readonly Device[] = [
    uhci,
    ...types.map(([type, props], i) =>
      createDevice(type, {
        id: `${type.type}.${i}`,
        clock,
        props: { parent: usbBus, inputs, leds: (leds: number) => void lights.push(leds), ...props },
      }),
    ),
  ];
  function enable(): void {
    uhci.parts.pci.write(0x20, BASE, 4);
    uhci.parts.pci.write(0x04, 0x05, 2);
  }
  resetAll(devices);
  enable();

  const rig = {
    clock,
    ram,
    view,
    devices,
    usbBus,
    keyboards,
    pointers,
    activated,
    lights,
    uhci,
    get irq() {
      return irq;
    },
    in: (register: number, size = 2) => ports.read(BASE + register, size),
    out: (register: number, value: number, size = 2) => ports.write(BASE + register, value, size),
    reset() {
      resetAll(devices);
      enable();
    },
    advance(ms: number) {
      clock.advanceTo(clock.now() + ms * MS);
    },
    /** An empty schedule but for one queue in every frame; runs. */
    start() {
      for (let i = 0; i < 1024; i++) view.setUint32(FRAME_LIST + 4 * i, QUEUE | 2, true);
      view.setUint32(QUEUE, 1, true);
      view.setUint32(QUEUE + 4, 1, true);
      rig.out(REG.FLBASEADD, FRAME_LIST, 4);
      rig.out(REG.USBINTR, 0x0f);
      rig.out(REG.USBCMD, 0x01);
    },
    /** As a driver resets a port and enables it. */
    resetPort(register: number) {
      rig.out(register, 0x0200);
      rig.advance(50);
      rig.out(register, 0);
      rig.out(register, 0x0004);
      rig.out(register, 0x000e);
    },
    /**
     * Puts transactions of one endpoint into the queue and runs it until it is done, for 20 ms at most. The bytes that
     * came in, and the controls of the descriptors.
     */
    run(
      address: number,
      endpoint: number,
      packets: readonly { pid: number; data?: readonly number[]; room?: number }[],
    ) {
      for (const [i, { pid, data = [], room = 0 }] of packets.entries()) {
        const at = DESCRIPTORS + 32 * i;
        const buffer = DATA + 0x800 * i;
        const length = pid === PID.IN ? room : data.length;
        ram.set(data, buffer);
        const isLast = i === packets.length - 1;
        view.setUint32(at, isLast ? 1 : (at + 32) | 4, true);
        view.setUint32(at + 4, ACTIVE | (3 << 27) | (isLast ? 1 << 24 : 0) | (pid === PID.IN ? 1 << 29 : 0), true);
        view.setUint32(at + 8, ((((length - 1) & 0x7ff) << 21) | (endpoint << 15) | (address << 8) | pid) >>> 0, true);
        view.setUint32(at + 12, buffer, true);
      }
      view.setUint32(QUEUE + 4, DESCRIPTORS, true);
      const control = (i: number): number => view.getUint32(DESCRIPTORS + 32 * i + 4, true);
      for (let ms = 0; ms < 20; ms++) {
        rig.advance(1);
        if (view.getUint32(QUEUE + 4, true) & 1) break;
      }
      view.setUint32(QUEUE + 4, 1, true);
      const controls = packets.map((_, i) => control(i));
      const received = packets.flatMap(({ pid }, i) => {
        const actual = ((controls[i]! & 0x7ff) + 1) & 0x7ff;
        return pid === PID.IN && !(controls[i]! & ACTIVE)
          ? [...ram.subarray(DATA + 0x800 * i, DATA + 0x800 * i + actual)]
          : [];
      });
      return { controls, received };
    },
    /** A control transfer; undefined: it was stalled, or nobody answered. */
    control(address: number, setup: readonly number[], data: readonly number[] = []): number[] | undefined {
      const length = setup[6]! | (setup[7]! << 8);
      const isIn = (setup[0]! & 0x80) !== 0;
      const packets: { pid: number; data?: readonly number[]; room?: number }[] = [{ pid: PID.SETUP, data: setup }];
      if (!isIn) for (let i = 0; i < length; i += 8) packets.push({ pid: PID.OUT, data: data.slice(i, i + 8) });
      if (!isIn) {
        const { controls } = rig.run(address, 0, [...packets, { pid: PID.IN, room: 0 }]);
        return controls.some((control) => control & FAILED) ? undefined : [];
      }
      const first = rig.run(address, 0, packets);
      if (first.controls[0]! & FAILED) return undefined;
      const received: number[] = [];
      for (;;) {
        const part = rig.run(address, 0, [{ pid: PID.IN, room: 8 }]);
        if (part.controls[0]! & FAILED) return undefined;
        received.push(...part.received);
        if (part.received.length < 8 || received.length >= length) break;
      }
      rig.run(address, 0, [{ pid: PID.OUT, data: [] }]);
      return received;
    },
    descriptor: (address: number, kind: number, index = 0, length = 255) =>
      rig.control(address, [0x80, 6, index, kind, 0, 0, length & 0xff, length >> 8]),
    /** Address and configuration 1. */
    setUp(address: number) {
      rig.control(0, [0, 5, address, 0, 0, 0, 0, 0]);
      rig.control(address, [0, 9, 1, 0, 0, 0, 0, 0]);
    },
    /** A report of the interrupt endpoint; undefined: nothing new. */
    poll(address: number, length = 8): number[] | undefined {
      const { received, controls } = rig.run(address, 1, [{ pid: PID.IN, room: length }]);
      return controls[0]! & ACTIVE ? undefined : received;
    },
    save: () => devices.map((device) => device.save()),
    load(states: readonly Uint8Array[]) {
      for (const [i, device] of devices.entries()) device.fill(states[i]!);
      for (const device of devices) device.sync();
    },
  };
  return rig;
}
