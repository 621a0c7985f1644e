import { ACPI_DISABLE_COMMAND, ACPI_ENABLE_COMMAND, GPE0_AT, GPE0_BYTES, SCI_IRQ } from '../devices/pci/piix4-pm.ts';
import { interruptController, isaParts } from './isa-parts.ts';
import { defineBoard, type PortWrite } from './machine.ts';
import { pciAdapters } from './pci-adapters.ts';

const GiB = 2 ** 30;

/** SeaBIOS's choices: PIRQA# and PIRQB# to IRQ 10, the others to 11; power management at 0x600. */
const PIRQ_IRQS = [10, 10, 11, 11];
/** The same as PIRQRCA to PIRQRCD have it. */
const PIRQ_ROUTES = PIRQ_IRQS.reduceRight((value, irq) => (value << 8) | irq, 0);
const PM_BASE = 0x600;
const ELCR_SLAVE = 0x4d1;

/** A 32-bit write to a configuration register by mechanism #1. */
export const configWrite = (slot: number, fn: number, register: number, value: number): PortWrite[] => [
  { port: 0xcf8, value: 0x8000_0000 + (slot << 11) + (fn << 8) + register, size: 4 },
  { port: 0xcfc, value, size: 4 },
];

/** The PC with Intel's 440FX chip set. Slots, functions and identifications are guest ABI: they equal QEMU's. */
export const pc = defineBoard({
  name: 'pc-i440fx-2.8',
  desc: 'Standard PC (i440FX + PIIX, 1996)',
  alias: 'pc',
  isDefault: true,
  target: 'i386',
  defaultCpu: 'qemu32',
  maxCpus: 1,
  firmware: 'bios-256k.bin',
  bus: 'pci',
  pci: { name: 'pci.0', router: 'piix3' },
  lowRam: { limit: 3.5 * GiB, cut: 3 * GiB },
  maxRamBytes: 64 * GiB,
  usb: { id: 'usb', type: 'piix3-usb-uhci', pci: { slot: 1, fn: 2 } },
  parts: [
    interruptController,
    { id: 'piix3', type: 'PIIX3', pci: { slot: 1, fn: 0 } },
    { id: 'pcihost', type: 'i440FX-pcihost' },
    { id: 'i440fx', type: 'i440FX', pci: { slot: 0, fn: 0 } },
    { id: 'piix3-ide', type: 'piix3-ide', pci: { slot: 1, fn: 1 } },
    { id: 'hpet', type: 'hpet' },
    { id: 'piix4_pm', type: 'PIIX4_PM', pci: { slot: 1, fn: 3 } },
    ...isaParts,
  ],
  maxSerials: 4,
  vga: pciAdapters(2),
  directBoot: {
    ports: [
      ...configWrite(0, 0, 0x58, 0), // PAM0 to PAM6: the ROM is shown, whatever the last run left
      ...configWrite(0, 0, 0x5c, 0),
      ...configWrite(1, 0, 0x60, PIRQ_ROUTES),
      { port: ELCR_SLAVE, value: 0x0c, size: 1 }, // IRQ 10 and 11 are levels
      ...configWrite(1, 1, 0x40, 0x8000_8000), // IDETIM: both channels are decoded
      ...configWrite(1, 3, 0x40, PM_BASE | 1), // PMBA
      ...configWrite(1, 3, 0x80, 1), // PMREGMISC: PMIOSE
      ...configWrite(1, 3, 0x3c, SCI_IRQ | (1 << 8)), // interrupt line and pin
    ],
  },
  acpi: {
    pmBase: PM_BASE,
    sciIrq: SCI_IRQ,
    acpiEnable: ACPI_ENABLE_COMMAND,
    acpiDisable: ACPI_DISABLE_COMMAND,
    gpe0: { port: GPE0_AT, bytes: GPE0_BYTES },
    fadtRevision: 1,
    isaBridge: {
      slot: 1,
      links: ['A', 'B', 'C', 'D'].map((letter, i) => ({ letter, register: 0x60 + i })),
      fixed: { irq: SCI_IRQ, pin: { slot: 1, pin: 0 } }, // power management's own
    },
    route: (slot, pin) => 'DABC'[(slot + pin) & 3] ?? '',
  },
});
