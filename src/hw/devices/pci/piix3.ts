/**
 * 82371SB PIIX3, function 0: PCI-to-ISA bridge. Document: Intel 290550-002, April 1997.
 * It routes PCI interrupts to the interrupt controllers and resets the machine. The ISA devices behind it are parts
 * of their own; so are its other functions (IDE, USB).
 */
import { defineDevice } from '../../core/device.ts';
import type { IrqLine } from '../../core/irq.ts';
import { prop } from '../../core/props.ts';
import { BYTE_WIDE, ioRegion } from '../../core/region.ts';
import { bytes, u8, vmstate } from '../../core/state.ts';
import { CONFIG_BYTES, HEADER_MULTIFUNCTION, STATUS, slotOf } from './config.ts';
import { PciFunction } from './function.ts';

const PIRQRC = 0x60; // §2.2.8: PIRQRCA to PIRQRCD; bit 7 disables, bits 3:0 choose the IRQ
const PIRQ_COUNT = 4;
const ISA_IRQ_COUNT = 16;
const RCR_RESET_CPU = 0x04; // §2.5.5.3, port 0xcf9
const RCR_RESET_TYPE = 0x02;

/** How a PC's board wires INTA# to INTD# of its slots to PIRQA# to PIRQD#: rotated by one from slot to slot. */
export const piixRoute = (devfn: number, pin: number): number => (pin - 1 + slotOf(devfn) - 1) & 3;

export const piix3 = defineDevice({
  type: 'PIIX3',
  desc: 'ISA bridge',
  bus: 'PCI',
  props: {
    /** Inputs of the interrupt controllers, by ISA IRQ number. */
    isaIrqs: prop.required<readonly IrqLine[]>(),
    requestReset: prop.required<() => void>(),
  },
  irqs: [],
  isa: () => ({ ports: { resetControl: 0xcf9 } }),
  state: vmstate('PIIX3', 3, { config: bytes(CONFIG_BYTES), rcr: u8() }),
  create(s, { isaIrqs, requestReset }) {
    const pci = new PciFunction(s.config, {
      vendorId: 0x8086,
      deviceId: 0x7000,
      classCode: 0x060100,
      status: STATUS.DEVSEL_MEDIUM,
      headerType: HEADER_MULTIFUNCTION,
      specific: {
        76: 0x4d, // IORT: 8- and 16-bit recovery times
        78: 0x03, // XBCS: keyboard controller and RTC decoded
        [PIRQRC]: 0x80,
        [PIRQRC + 1]: 0x80,
        [PIRQRC + 2]: 0x80,
        [PIRQRC + 3]: 0x80,
        105: 0x02, // TOM
        112: 0x80, // MBIRQ0
        118: 0x0c, // MBDMA0
        119: 0x0c, // MBDMA1
        120: 0x02, // PCSC
        160: 0x08, // SMICNTL
        168: 0x0f, // CTLTMR
      },
    });

    /** Levels of PIRQA# to PIRQD#; the bus repeats them after reset and load. */
    const levels = new Array<boolean>(PIRQ_COUNT).fill(false);
    /** IRQs that a PIRQ was routed to when we last looked. */
    let routed = new Set<number>();

    function drive(): void {
      const now = new Map<number, boolean>();
      for (const [n, level] of levels.entries()) {
        const irq = s.config[PIRQRC + n] ?? 0x80;
        if (irq < ISA_IRQ_COUNT) now.set(irq, level || (now.get(irq) ?? false));
      }
      for (const irq of routed) if (!now.has(irq)) isaIrqs[irq]?.set(false);
      for (const [irq, level] of now) isaIrqs[irq]?.set(level);
      routed = new Set(now.keys());
    }
    pci.onWrite = (offset, size) => {
      if (offset < PIRQRC + PIRQ_COUNT && offset + size > PIRQRC) drive();
    };
    const pirqs = levels.map(
      (_, n): IrqLine => ({
        set(level) {
          levels[n] = level;
          drive();
        },
      }),
    );

    const resetControl = ioRegion(
      'piix3-reset-control',
      1,
      {
        read: () => s.rcr,
        write(_offset, value) {
          if (value & RCR_RESET_CPU) requestReset();
          else s.rcr = value & RCR_RESET_TYPE;
        },
      },
      BYTE_WIDE,
    );

    return {
      regions: { resetControl },
      pci,
      pirqs,
      route: piixRoute,
      reset: () => pci.reset(),
      sync() {
        pci.sync();
        drive();
      },
    };
  },
});
