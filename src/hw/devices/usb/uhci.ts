/**
 * 82371SB PIIX3, function 2: USB host controller. Documents: Universal Host Controller Interface Design Guide, revision
 * 1.1 (Intel 297650-001, March 1996); Intel 290550-002, §2.8.
 * Not modelled: data toggles, bit stuffing and CRC errors, suspend of the whole bus, the keyboard's legacy support.
 * A frame begins each millisecond of guest time; while nothing happens on the bus several are run at once.
 */
import { defineDevice } from '../../core/device.ts';
import type { Dma } from '../../core/dma.ts';
import { prop } from '../../core/props.ts';
import { type AccessSizes, ioRegion } from '../../core/region.ts';
import { array, bytes, i64, timer, u8, u16, u32, vmstate } from '../../core/state.ts';
import { CFG, COMMAND, CONFIG_BYTES } from '../pci/config.ts';
import { PciFunction } from '../pci/function.ts';
import { runFrame } from './uhci-schedule.ts';
import { type UsbBus, UsbPort } from './usb.ts';

const FRAME_NS = 1_000_000;
/** Frames after the last one in which something happened that are still run one by one. */
const BUSY_FRAMES = 16;
/** Frames that are run at once while the bus is idle. */
const IDLE_FRAMES = 8;
/** A guest's clock may leap; older frames are as good as past. */
const MAX_LATE_FRAMES = 128;
const PORTS = 2;

/** §2.1: I/O registers. */
const REG = {
  USBCMD: 0x00,
  USBSTS: 0x02,
  USBINTR: 0x04,
  FRNUM: 0x06,
  FLBASEADD: 0x08,
  SOFMOD: 0x0c,
  PORTSC1: 0x10,
} as const;
const CMD = { RUN: 0x01, HCRESET: 0x02, GRESET: 0x04, EGSM: 0x08, FGR: 0x10 } as const;
const STS = { USBINT: 0x01, ERROR: 0x02, RESUME: 0x04, SYSTEM_ERROR: 0x08, PROCESS_ERROR: 0x10, HALTED: 0x20 } as const;
const INTR = { ERROR: 0x01, RESUME: 0x02, COMPLETE: 0x04, SHORT: 0x08 } as const;
/** §2.1.7. */
const PORT = {
  CONNECTED: 0x0001,
  CONNECT_CHANGE: 0x0002,
  ENABLED: 0x0004,
  ENABLE_CHANGE: 0x0008,
  RESUME: 0x0040,
  ALWAYS: 0x0080,
  LOW_SPEED: 0x0100,
  RESET: 0x0200,
  SUSPEND: 0x1000,
} as const;
const PORT_CHANGES = PORT.CONNECT_CHANGE | PORT.ENABLE_CHANGE;
const PORT_WRITABLE = PORT.ENABLED | PORT.RESUME | PORT.RESET | PORT.SUSPEND;

const WORDS: AccessSizes = { min: 1, max: 4 };

export const piix3Uhci = defineDevice({
  type: 'piix3-usb-uhci',
  desc: '',
  bus: 'PCI',
  props: { dma: prop.required<Dma>(), usbBus: prop.required<UsbBus>() },
  irqs: [],
  state: vmstate('uhci', 1, {
    config: bytes(CONFIG_BYTES),
    command: u16(),
    status: u16(STS.HALTED),
    interruptEnable: u16(),
    /** Why USBINT is set: bit 0 a completion, bit 1 a short packet. */
    causes: u8(),
    frame: u16(),
    frameList: u32(),
    sofModify: u8(0x40),
    ports: array(PORTS, u16()),
    /** When the frame of number `frame` begins. */
    frameNs: i64(),
    quietFrames: u8(),
    ticking: timer(),
  }),
  create(s, { id, clock, dma, usbBus, log }) {
    const bus = usbBus;
    const ports = s.ports.map((_, n) => new UsbPort(`${n + 1}`, { notice, resume: () => resumePort(n) }));
    bus.addPorts(ports);
    const ticking = clock.timer(id, s.ticking, tick);

    const registers = ioRegion('uhci', 32, { read, write }, { valid: WORDS, impl: { min: 2, max: 2 } });
    const pci = new PciFunction(s.config, {
      vendorId: 0x8086,
      deviceId: 0x7020,
      revision: 1,
      classCode: 0x0c0300,
      interruptPin: 4,
      bars: [{ index: 4, kind: 'io', region: registers }],
      specific: { 96: 0x10, 106: 0x01 },
    });

    function updateInterrupt(): void {
      const { status, interruptEnable: enabled, causes } = s;
      pci.intx.set(
        ((causes & 1) !== 0 && (enabled & INTR.COMPLETE) !== 0) ||
          ((causes & 2) !== 0 && (enabled & INTR.SHORT) !== 0) ||
          ((status & STS.ERROR) !== 0 && (enabled & INTR.ERROR) !== 0) ||
          ((status & STS.RESUME) !== 0 && (enabled & INTR.RESUME) !== 0) ||
          (status & (STS.SYSTEM_ERROR | STS.PROCESS_ERROR)) !== 0,
      );
    }

    // Frames

    const isStopped = (): boolean => (s.status & STS.HALTED) !== 0;
    let inFrame = false;
    function tick(): void {
      catchUp();
      schedule();
    }
    function schedule(): void {
      if (isStopped()) return;
      const ahead = s.quietFrames < BUSY_FRAMES ? 0 : IDLE_FRAMES - 1;
      ticking.set(s.frameNs + ahead * FRAME_NS);
    }
    /** Runs the frames that have begun by now. */
    function catchUp(): void {
      if (isStopped()) return;
      const now = clock.now();
      const late = Math.floor((now - s.frameNs) / FRAME_NS);
      if (late > MAX_LATE_FRAMES) skip(late - MAX_LATE_FRAMES);
      while (s.frameNs <= now && !isStopped()) frame();
    }
    function skip(frames: number): void {
      s.frame = (s.frame + frames) & 0x7ff;
      s.frameNs += frames * FRAME_NS;
    }
    function frame(): void {
      inFrame = true;
      if (pci.read(CFG.COMMAND, 2) & COMMAND.MASTER) {
        const end = runFrame(dma, (s.frameList + (s.frame & 0x3ff) * 4) >>> 0, deviceAt);
        s.quietFrames = end.transfers > 0 ? 0 : Math.min(255, s.quietFrames + 1);
        s.causes |= (end.completed ? 1 : 0) | (end.short ? 2 : 0);
        if (end.completed || end.short) s.status |= STS.USBINT;
        if (end.failed) s.status |= STS.ERROR;
        if (end.inconsistent) {
          log('guest_errors', `${id}: frame ${s.frame} has a schedule that cannot be`);
          s.status |= STS.PROCESS_ERROR;
          stop();
        }
        updateInterrupt();
      }
      skip(1);
      inFrame = false;
    }
    function deviceAt(address: number) {
      for (const [n, { device }] of ports.entries()) {
        if (device === undefined || ((s.ports[n] ?? 0) & PORT.ENABLED) === 0) continue;
        const found = device.find(address);
        if (found !== undefined) return found;
      }
      return undefined;
    }
    function stop(): void {
      s.command &= ~CMD.RUN;
      s.status |= STS.HALTED;
      ticking.cancel();
    }
    function start(): void {
      s.status &= ~STS.HALTED;
      s.quietFrames = 0;
      s.frameNs = clock.now() + FRAME_NS;
      schedule();
    }
    /** A device has news: look with the next frame. */
    function notice(): void {
      s.quietFrames = 0;
      if (isStopped() || inFrame) return;
      catchUp();
      schedule();
    }

    // Ports

    function attachPorts(): void {
      for (const [n, { device }] of ports.entries()) {
        const connected = device === undefined ? 0 : PORT.CONNECTED | PORT.CONNECT_CHANGE;
        s.ports[n] = PORT.ALWAYS | connected | (device?.speed === 'low' ? PORT.LOW_SPEED : 0);
      }
    }
    function resumePort(n: number): void {
      const port = s.ports[n] ?? 0;
      if ((port & PORT.SUSPEND) === 0 || port & PORT.RESUME) return;
      s.ports[n] = port | PORT.RESUME;
      resume();
    }
    function resume(): void {
      if (s.command & CMD.EGSM) s.command |= CMD.FGR;
      s.status |= STS.RESUME;
      updateInterrupt();
    }
    function writePort(n: number, value: number): void {
      const before = s.ports[n] ?? 0;
      const device = ports[n]?.device;
      if (value & PORT.RESET && !(before & PORT.RESET)) device?.busReset();
      let port = (before & ~PORT_WRITABLE) | (value & PORT_WRITABLE);
      if (device === undefined) port &= ~PORT.ENABLED; // only what is connected can be enabled
      s.ports[n] = port & ~(value & PORT_CHANGES);
    }
    function resetController(): void {
      stop();
      s.command = 0;
      s.status = STS.HALTED;
      s.causes = 0;
      s.interruptEnable = 0;
      s.frame = 0;
      s.frameList = 0;
      s.sofModify = 0x40;
      for (const { device } of ports) device?.busReset();
      attachPorts();
      updateInterrupt();
    }

    // Registers

    function read(offset: number): number {
      catchUp();
      switch (offset) {
        case REG.USBCMD:
          return s.command;
        case REG.USBSTS:
          return s.status;
        case REG.USBINTR:
          return s.interruptEnable;
        case REG.FRNUM:
          return s.frame;
        case REG.FLBASEADD:
          return s.frameList & 0xffff;
        case REG.FLBASEADD + 2:
          return s.frameList >>> 16;
        case REG.SOFMOD:
          return s.sofModify;
        default: {
          const port = s.ports[(offset - REG.PORTSC1) >> 1];
          return offset >= REG.PORTSC1 && port !== undefined ? port : 0xff7f; // as a port that is not there
        }
      }
    }
    function write(offset: number, value: number): void {
      catchUp();
      switch (offset) {
        case REG.USBCMD:
          writeCommand(value);
          break;
        case REG.USBSTS:
          s.status &= ~(value & 0x1f);
          if (value & STS.USBINT) s.causes = 0;
          updateInterrupt();
          break;
        case REG.USBINTR:
          s.interruptEnable = value & 0xf;
          updateInterrupt();
          break;
        case REG.FRNUM:
          if (isStopped()) s.frame = value & 0x7ff;
          break;
        case REG.FLBASEADD:
          s.frameList = ((s.frameList & 0xffff_0000) | (value & 0xf000)) >>> 0;
          break;
        case REG.FLBASEADD + 2:
          s.frameList = ((s.frameList & 0xffff) | (value << 16)) >>> 0;
          break;
        case REG.SOFMOD:
          s.sofModify = value & 0xff;
          break;
        default: {
          const n = (offset - REG.PORTSC1) >> 1;
          if (offset >= REG.PORTSC1 && n < PORTS) writePort(n, value);
        }
      }
    }
    function writeCommand(value: number): void {
      if (value & (CMD.HCRESET | CMD.GRESET)) {
        resetController();
        s.command = value & CMD.GRESET; // held until the guest ends it
        return;
      }
      const wasRunning = !isStopped();
      s.command = value & 0xff;
      if (value & CMD.RUN && !wasRunning) start();
      else if (!(value & CMD.RUN)) stop();
      // The guest ends a resume that it or a device began.
      if (!(value & CMD.EGSM)) s.command &= ~CMD.FGR;
    }

    return {
      regions: { registers },
      pci,
      buses: [bus],
      reset() {
        pci.reset();
        attachPorts();
      },
      sync() {
        pci.sync();
        updateInterrupt();
      },
    };
  },
});
