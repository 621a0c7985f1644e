/**
 * QEMU's pc-testdev, which kvm-unit-tests uses: a latch to test port sizes, interrupt lines under the guest's control and
 * a page of device memory. Not modelled: the flush port's unmapping of a page (writes are accepted and do nothing).
 */
import { defineDevice } from '../../core/device.ts';
import type { IrqLine } from '../../core/irq.ts';
import { prop } from '../../core/props.ts';
import { BYTE_WIDE, ioRegion } from '../../core/region.ts';
import { array, bool, bytes, u32, vmstate } from '../../core/state.ts';

const IRQ_COUNT = 24;
const MEMORY_SIZE = 0x10000;

export const PC_TESTDEV_MEMORY_AT = 0xff00_0000;

export const pcTestdev = defineDevice({
  type: 'pc-testdev',
  desc: '',
  bus: 'ISA',
  props: {
    /** Lines of the system's interrupt inputs, by number. */
    lines: prop.code<readonly IrqLine[]>([]),
  },
  irqs: [],
  state: vmstate('pc-testdev', 1, {
    latch: u32(),
    levels: array(IRQ_COUNT, bool()),
    memory: bytes(MEMORY_SIZE),
  }),
  isa: () => ({ ports: { latch: 0xe0, flush: 0xe4, latchBytes: 0xe8, irqs: 0x2000 } }),
  create(s, { lines }) {
    const mask = (size: number) => (size === 4 ? 0xffff_ffff : (1 << (size * 8)) - 1);
    const latchOps = {
      read: (offset: number, size: number) => ((s.latch >>> ((offset & 3) * 8)) & mask(size)) >>> 0,
      write(offset: number, value: number, size: number) {
        const shift = (offset & 3) * 8;
        const field = mask(size) << shift;
        s.latch = ((s.latch & ~field) | ((value << shift) & field)) >>> 0;
      },
    };
    const memory = new DataView(s.memory.buffer);
    return {
      regions: {
        latch: ioRegion('pc-testdev-ioport', 4, latchOps),
        latchBytes: ioRegion('pc-testdev-ioport-byte', 4, latchOps, BYTE_WIDE),
        flush: ioRegion('pc-testdev-flush-page', 4, { read: () => 0, write() {} }, { valid: { min: 4, max: 4 } }),
        irqs: ioRegion(
          'pc-testdev-irq-line',
          IRQ_COUNT,
          {
            read: () => 0,
            write(offset, value) {
              s.levels[offset] = value !== 0;
              lines[offset]?.set(value !== 0);
            },
          },
          { valid: { min: 1, max: 1 } },
        ),
        memory: ioRegion('pc-testdev-iomem', MEMORY_SIZE, {
          read(offset, size) {
            if (size === 1) return memory.getUint8(offset);
            return size === 2 ? memory.getUint16(offset, true) : memory.getUint32(offset, true);
          },
          write(offset, value, size) {
            if (size === 1) memory.setUint8(offset, value);
            else if (size === 2) memory.setUint16(offset, value, true);
            else memory.setUint32(offset, value, true);
          },
        }),
      },
      sync() {
        for (const [n, level] of s.levels.entries()) lines[n]?.set(level);
      },
    };
  },
});
