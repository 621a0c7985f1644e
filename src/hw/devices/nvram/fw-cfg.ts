/**
 * QEMU's firmware configuration device, with its port and its DMA interface. Document: docs/specs/fw_cfg.rst.
 * Which items there are is a matter of the machine; those that a guest may write to, it writes by DMA.
 */
import { defineDevice, type FirmwareFile } from '../../core/device.ts';
import type { Dma } from '../../core/dma.ts';
import { hex } from '../../core/log.ts';
import { prop } from '../../core/props.ts';
import { ioRegion } from '../../core/region.ts';
import { u16, u32, vmstate } from '../../core/state.ts';
import { FW_CFG, type FwCfgItems, littleEndian } from './fw-cfg-items.ts';

const FEATURES = 0x1 | 0x2; // traditional interface, DMA
const DMA_CONTROL = { ERROR: 0x01, READ: 0x02, SKIP: 0x04, SELECT: 0x08, WRITE: 0x10 } as const;
const DMA_SIGNATURE = Array.from('QEMU CFG', (char) => char.charCodeAt(0));
/** The selector's bit for the write interface, which no longer exists; it does not belong to the item's number. */
const WRITE_CHANNEL = 0x4000;
const CHUNK = 4096;

export const fwCfg = defineDevice({
  type: 'fw_cfg_io',
  desc: 'Firmware configuration',
  props: {
    items: prop.required<FwCfgItems>(),
    dma: prop.required<Dma>(),
  },
  irqs: [],
  isa: () => ({ ports: { control: 0x510, dma: 0x514 } }),
  state: vmstate('fw_cfg', 2, { selected: u16(), offset: u32(), dmaHigh: u32() }),
  create(s, { items, dma, id, log }) {
    const features: FirmwareFile = { bytes: littleEndian(FEATURES, 4) };
    const none: FirmwareFile = { bytes: new Uint8Array() };
    const item = (): FirmwareFile => (s.selected === FW_CFG.ID ? features : (items.get(s.selected) ?? none));

    function select(key: number): void {
      s.selected = key & ~WRITE_CHANNEL;
      s.offset = 0;
    }
    function nextByte(): number {
      const byte = item().bytes[s.offset];
      if (byte === undefined) return 0;
      s.offset++;
      return byte;
    }

    const control = ioRegion(
      'fwcfg',
      2,
      {
        read: (_offset, size) => (size === 1 ? nextByte() : 0),
        write(_offset, value, size) {
          if (size === 2) select(value);
        },
      },
      { valid: { min: 1, max: 2 } },
    );

    /** Copies from the item to guest memory; zeros follow its end. */
    function transfer(gpa: number, length: number): void {
      const { bytes } = item();
      for (let done = 0; done < length; ) {
        const part = Math.min(CHUNK, length - done);
        const chunk = new Uint8Array(part);
        chunk.set(bytes.subarray(s.offset, s.offset + part));
        dma.write(gpa + done, chunk);
        s.offset = Math.min(bytes.length, s.offset + part);
        done += part;
      }
    }

    /** Copies from guest memory to the item. False: it is read-only, or it ends earlier. */
    function store(gpa: number, length: number): boolean {
      const { bytes, write } = item();
      if (write === undefined || length > bytes.length - s.offset) return false;
      const data = new Uint8Array(length);
      dma.read(gpa, data);
      write(s.offset, data);
      s.offset += length;
      return true;
    }

    /** Carries out the command at `gpa`: big-endian control, length, address (fw_cfg.rst, "DMA interface"). */
    function command(gpa: number): void {
      const request = new Uint8Array(16);
      dma.read(gpa, request);
      const view = new DataView(request.buffer);
      const control = view.getUint32(0);
      const length = view.getUint32(4);
      const target = view.getUint32(8) * 2 ** 32 + view.getUint32(12);
      let result = 0;
      if (control & DMA_CONTROL.SELECT) select(control >>> 16);
      if (control & DMA_CONTROL.READ) {
        transfer(target, length);
      } else if (control & DMA_CONTROL.WRITE) {
        if (!store(target, length)) {
          log(
            'guest_errors',
            `${id}: DMA write of ${length} bytes to item ${hex(s.selected)} at ${s.offset} is refused`,
          );
          result = DMA_CONTROL.ERROR;
        }
      } else if (control & DMA_CONTROL.SKIP) {
        s.offset = Math.min(item().bytes.length, s.offset + length);
      }
      const answer = new Uint8Array(4);
      new DataView(answer.buffer).setUint32(0, result);
      dma.write(gpa, answer);
    }

    const dmaRegion = ioRegion('fwcfg.dma', 8, {
      read: (offset, size) =>
        Array.from({ length: size }, (_, i) => (DMA_SIGNATURE[offset + i] ?? 0) << (8 * i)).reduce(
          (a, b) => a | b,
          0,
        ) >>> 0,
      // The address is big-endian; writing its lower half starts the command.
      write(offset, value, size) {
        if (size !== 4) return;
        if (offset === 0) {
          s.dmaHigh = swap32(value);
        } else {
          const high = s.dmaHigh;
          s.dmaHigh = 0;
          command(high * 2 ** 32 + swap32(value));
        }
      },
    });

    return { regions: { control, dma: dmaRegion }, sync() {} };
  },
});

const swap32 = (value: number): number =>
  ((value << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24)) >>> 0;
