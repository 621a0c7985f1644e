/**
 * Two Intel 8237A DMA controllers with the AT's page registers. § names: Intel 8237A data sheet, order 231466-005.
 * A device registers a transfer function for its channel and raises DREQ; the controller then calls the function with
 * its position, as QEMU's ISA DMA does. Whole blocks move at once.
 * Not modelled: memory-to-memory transfers, cascaded masters other than the second controller, bus timing, the 8237's
 * compressed timing and priority rotation.
 */
import { defineDevice } from '../../core/device.ts';
import type { Dma } from '../../core/dma.ts';
import { prop } from '../../core/props.ts';
import { BYTE_WIDE, ioRegion } from '../../core/region.ts';
import { array, bool, bytes, ranged, type StateOf, struct, u8, u16, u32, vmstate } from '../../core/state.ts';

const channel = struct({
  baseAddress: u16(),
  baseCount: u16(),
  count: ranged(u32(), 0, 0x10000), // units done so far
  mode: u8(),
});
const controller = struct({
  command: u8(),
  status: u8(), // low: terminal counts, high: requests
  mask: u8(0x0f),
  flipFlop: bool(),
  channels: array(4, channel),
});
type Controller = StateOf<{ controller: typeof controller }>['controller'];

const state = vmstate('i8257', 2, {
  controllers: array(2, controller),
  pages: bytes(8), // page register of each channel: address bits 16 to 23
  pagesHigh: bytes(8), // 481h to 48Fh: bits 24 to 30
});

const COMMAND_DISABLE = 0x04;
const MODE_AUTO_INIT = 0x10;
const MODE_DOWN = 0x20;
/** Channel of the page register at 80h + index; -1: a plain latch without a channel. */
const PAGE_CHANNELS = [-1, 2, 3, 1, -1, -1, -1, 0, -1, 6, 7, 5, -1, -1, -1, 4] as const;

/**
 * Moves data between the device and `[position, length)` of the channel's block, both in bytes, with `readMemory` and
 * `writeMemory`; returns the new position.
 */
export type DmaTransfer = (position: number, length: number) => number;

/** What a device on the ISA bus sees of a DMA channel. */
export interface DmaChannel {
  onTransfer(transfer: DmaTransfer): void;
  /** Raises or drops DREQ. While it is raised and the channel is not masked, the transfer function is called. */
  request(level: boolean): void;
  /** Calls the transfer function again if the channel is active: the device has data or room again. */
  service(): void;
  /** Guest memory to device. */
  readMemory(position: number, into: Uint8Array): void;
  /** Device to guest memory. */
  writeMemory(position: number, from: Uint8Array): void;
  readonly autoInit: boolean;
}

export const i8237 = defineDevice({
  type: 'isa-i8257',
  desc: 'i8257 DMA controller pair',
  props: { dma: prop.required<Dma>() },
  irqs: [],
  state,
  isa: () => ({ ports: { low: 0x00, high: 0xc0, pages: 0x81, page0: 0x87, pagesUpper: 0x89, pagesHigh: 0x480 } }),
  create(s, { dma, log }) {
    const transfers = new Map<number, DmaTransfer>();
    let servicing = false;
    const unitShift = (n: number) => n >> 2; // the second controller counts words
    const controllerOf = (n: number) => s.controllers[n >> 2] as Controller;
    const channelOf = (n: number) => controllerOf(n).channels[n & 3] as Controller['channels'][number];
    const lengthOf = (n: number) => (channelOf(n).baseCount + 1) << unitShift(n);

    function isActive(n: number): boolean {
      const c = controllerOf(n);
      const bit = 1 << (n & 3);
      return !(c.command & COMMAND_DISABLE) && (c.status & (bit << 4)) !== 0 && !(c.mask & bit);
    }

    function service(n: number): void {
      const transfer = transfers.get(n);
      if (transfer === undefined || servicing || !isActive(n)) return;
      servicing = true; // a transfer that drops and raises DREQ does not nest
      try {
        const channel = channelOf(n);
        const c = controllerOf(n);
        const length = lengthOf(n);
        const position = Math.max(
          0,
          Math.min(length, transfer(Math.min(length, channel.count << unitShift(n)), length)),
        );
        channel.count = position >> unitShift(n);
        if (position < length) return;
        // §"Terminal count": reload, or mask the channel until it is programmed again.
        c.status |= 1 << (n & 3);
        if (channel.mode & MODE_AUTO_INIT) channel.count = 0;
        else c.mask |= 1 << (n & 3);
      } finally {
        servicing = false;
      }
    }
    function serviceAll(): void {
      for (const n of transfers.keys()) service(n);
    }

    /** Guest-physical address of a byte of the block. The page does not change when the low part wraps. */
    function addressOf(n: number, position: number): number {
      const unit = unitShift(n);
      const low = channelOf(n).baseAddress << unit;
      const page = ((s.pagesHigh[n] ?? 0) & 0x7f) * 0x1000000 + (((s.pages[n] ?? 0) & ~unit) << 16);
      const offset = channelOf(n).mode & MODE_DOWN ? low - position : low + position;
      return page + (offset & (unit ? 0x1ffff : 0xffff));
    }

    function readMemory(n: number, position: number, into: Uint8Array): void {
      const one = new Uint8Array(1);
      for (const i of into.keys()) {
        dma.read(addressOf(n, position + i), one);
        into[i] = one[0] ?? 0;
      }
    }
    function writeMemory(n: number, position: number, from: Uint8Array): void {
      for (const [i, byte] of from.entries()) dma.writeU8(addressOf(n, position + i), byte);
    }

    /** The low byte first, then the high one, §"First/Last Flip-Flop". */
    function flip(c: Controller): boolean {
      c.flipFlop = !c.flipFlop;
      return !c.flipFlop;
    }

    function readChannel(c: Controller, offset: number): number {
      const channel = c.channels[offset >> 1] as Controller['channels'][number];
      const done = channel.mode & MODE_DOWN ? -channel.count : channel.count;
      const value = offset & 1 ? channel.baseCount - channel.count : channel.baseAddress + done;
      return (flip(c) ? value >> 8 : value) & 0xff;
    }
    function writeChannel(c: Controller, offset: number, value: number): void {
      const channel = c.channels[offset >> 1] as Controller['channels'][number];
      const field = offset & 1 ? 'baseCount' : 'baseAddress';
      if (flip(c)) channel[field] = (channel[field] & 0xff) | (value << 8);
      else channel[field] = (channel[field] & 0xff00) | value;
      channel.count = 0;
    }

    function readControl(c: Controller, offset: number): number {
      if (offset === 0) {
        const value = c.status;
        c.status &= 0xf0; // reading clears the terminal counts
        return value;
      }
      return offset === 7 ? c.mask : 0;
    }
    function writeControl(c: Controller, offset: number, value: number): void {
      const bit = 1 << (value & 3);
      switch (offset) {
        case 0:
          if (value & ~(COMMAND_DISABLE | 0x20 | 0x10 | 0x08)) log('unimp', `i8257: command ${value} not supported`);
          c.command = value;
          break;
        case 1: // software request
          if (value & 4) c.status |= bit << 4;
          else c.status &= ~(bit << 4);
          c.status &= ~bit;
          break;
        case 2:
          c.mask = value & 4 ? c.mask | bit : c.mask & ~bit;
          break;
        case 3: {
          const channel = c.channels[value & 3] as Controller['channels'][number];
          channel.mode = value;
          break;
        }
        case 4:
          c.flipFlop = false;
          break;
        case 5: // master clear
          c.flipFlop = false;
          c.mask = 0x0f;
          c.status = 0;
          c.command = 0;
          break;
        case 6:
          c.mask = 0;
          break;
        default:
          c.mask = value & 0x0f;
      }
      // Commands, requests and masks can make a channel active; mode, flip-flop and master clear cannot.
      if (offset <= 2 || offset >= 6) serviceAll();
    }

    const chip = (name: string, c: Controller, stride: number) =>
      ioRegion(
        name,
        16 << stride,
        {
          read(offset) {
            const at = offset >> stride;
            return at < 8 ? readChannel(c, at) : readControl(c, at - 8);
          },
          write(offset, value) {
            const at = offset >> stride;
            if (at < 8) writeChannel(c, at, value);
            else writeControl(c, at - 8, value);
          },
        },
        BYTE_WIDE,
      );
    const pageRegion = (name: string, first: number, count: number, store: Uint8Array) =>
      ioRegion(
        name,
        count,
        {
          read: (offset) => store[PAGE_CHANNELS[first + offset] ?? -1] ?? 0,
          write(offset, value) {
            const n = PAGE_CHANNELS[first + offset] ?? -1;
            if (n >= 0) store[n] = value;
          },
        },
        BYTE_WIDE,
      );

    /** Channel 0 to 7; 4 cascades the first controller and serves no device. */
    function channelPort(n: number): DmaChannel {
      return {
        onTransfer: (transfer) => void transfers.set(n, transfer),
        request(level) {
          const c = controllerOf(n);
          const bit = 0x10 << (n & 3);
          c.status = level ? c.status | bit : c.status & ~bit;
          service(n);
        },
        service: () => service(n),
        readMemory: (position, into) => readMemory(n, position, into),
        writeMemory: (position, from) => writeMemory(n, position, from),
        get autoInit() {
          return (channelOf(n).mode & MODE_AUTO_INIT) !== 0;
        },
      };
    }

    return {
      regions: {
        low: chip('dma-low', s.controllers[0] as Controller, 0),
        high: chip('dma-high', s.controllers[1] as Controller, 1),
        pages: pageRegion('dma-page', 1, 3, s.pages),
        page0: pageRegion('dma-page', 7, 1, s.pages),
        pagesUpper: pageRegion('dma-page', 9, 7, s.pages),
        pagesHigh: pageRegion('dma-pageh', 0, 16, s.pagesHigh),
      },
      sync() {},
      channel: channelPort,
    };
  },
});
