/**
 * QEMU's ramfb: a frame buffer in guest RAM, which firmware announces through fw_cfg. Document: QEMU's
 * include/standard-headers/drm/drm_fourcc.h (formats) and hw/display/ramfb.c's structure of the file `etc/ramfb`.
 */
import { type Display, SCANOUT, type Scanout, scanoutOf } from '../../../display/api.ts';
import { type DeviceMemory, defineDevice } from '../../core/device.ts';
import { hex } from '../../core/log.ts';
import { prop } from '../../core/props.ts';
import { bytes, vmstate } from '../../core/state.ts';

const BIOS = 'vgabios-ramfb.bin';
/** Big-endian: address (8 bytes), format, flags, width, height, bytes a row. */
const CONFIG_BYTES = 28;
const FORMATS: Readonly<Record<string, { readonly kind: number; readonly bytes: number }>> = {
  XR24: { kind: SCANOUT.XRGB8888, bytes: 4 },
  AR24: { kind: SCANOUT.XRGB8888, bytes: 4 },
  RG24: { kind: SCANOUT.RGB888, bytes: 3 },
  RG16: { kind: SCANOUT.RGB565, bytes: 2 },
  XR15: { kind: SCANOUT.RGB555, bytes: 2 },
};
const MAX_PIXELS = 4096;
const NOTHING = scanoutOf({ kind: SCANOUT.BLANK, width: 640, height: 480 });

/** Where guest-physical memory lies in the machine's memory, if all of it is RAM in one piece. */
export type RamAt = (gpa: number, length: number) => number | undefined;

export const ramfb = defineDevice({
  type: 'ramfb',
  desc: 'ram framebuffer standalone device',
  bus: 'System',
  props: {
    memory: prop.required<Readonly<Record<'rom', DeviceMemory>>>(),
    ramAt: prop.required<RamAt>(),
  },
  irqs: [],
  state: vmstate('ramfb', 1, { config: bytes(CONFIG_BYTES) }),
  memory: () => ({ rom: { file: BIOS } }),
  create(s, { memory, ramAt, log }) {
    const view = new DataView(s.config.buffer, s.config.byteOffset, CONFIG_BYTES);

    /** The picture, or why there is none. */
    function picture(): Scanout | string {
      const address = Number(view.getBigUint64(0));
      const fourcc = String.fromCharCode(...[0, 8, 16, 24].map((shift) => (view.getUint32(8) >>> shift) & 0xff));
      const [width, height, given] = [view.getUint32(16), view.getUint32(20), view.getUint32(24)];
      const format = Object.hasOwn(FORMATS, fourcc) ? FORMATS[fourcc] : undefined;
      if (format === undefined) return `format ${hex(view.getUint32(8), 8)}`;
      if (width === 0 || height === 0 || width > MAX_PIXELS || height > MAX_PIXELS) return `${width}x${height} pixels`;
      const stride = given === 0 ? width * format.bytes : given;
      if (stride < width * format.bytes || stride % 4 !== 0 || stride > MAX_PIXELS * 8) return `${stride} bytes a row`;
      const length = stride * height;
      const at = ramAt(address, length);
      if (at === undefined || at % 4 !== 0) return `address ${hex(address)}`;
      const memoryBytes = 2 ** Math.ceil(Math.log2(length));
      return scanoutOf({ kind: format.kind, width, height, stride, memoryOffset: at, memoryBytes });
    }

    const display: Display = {
      describe() {
        const shown = picture();
        return typeof shown === 'string' ? NOTHING : shown;
      },
    };
    return {
      regions: {},
      display,
      firmwareFiles: {
        'etc/ramfb': {
          bytes: s.config,
          write(offset, from) {
            s.config.set(from, offset);
            if (offset + from.length < CONFIG_BYTES) return;
            const shown = picture();
            if (typeof shown === 'string') log('guest_errors', `ramfb: ${shown}: not supported`);
          },
        },
        [`vgaroms/${BIOS}`]: { bytes: memory.rom.bytes },
      },
      sync() {},
    };
  },
});
