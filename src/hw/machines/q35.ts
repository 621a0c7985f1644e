import { ICH9_ACPI_DISABLE, ICH9_ACPI_ENABLE, ICH9_GPE0_BYTES } from '../devices/pci/ich9-lpc.ts';
import { MMCONFIG_AT } from '../devices/pci/q35-mch.ts';
import { interruptController, isaParts } from './isa-parts.ts';
import { defineBoard } from './machine.ts';
import { configWrite } from './pc.ts';
import { pciAdapters } from './pci-adapters.ts';

const GiB = 2 ** 30;
const PM_BASE = 0x600;
const ELCR_SLAVE = 0x4d1;
/** SeaBIOS's choices for PIRQA# to PIRQD#, and again for PIRQE# to PIRQH#. */
const PIRQ_ROUTES = 0x0b0b_0a0a;
const LPC_SLOT = 0x1f;
/** The ICH9's own devices and where they are wired; the slots between are rotated over PIRQE# to PIRQH#. */
const FIRST_OWN_SLOT = 25;
const PCI_BRIDGE_SLOT = 30;

/** The PC with Intel's Q35 chip set. Slots, functions and identifications are guest ABI: they equal QEMU's. */
export const q35 = defineBoard({
  name: 'pc-q35-2.8',
  desc: 'Standard PC (Q35 + ICH9, 2009)',
  alias: 'q35',
  target: 'i386',
  defaultCpu: 'qemu32',
  maxCpus: 1,
  firmware: 'bios-256k.bin',
  bus: 'pci',
  pci: { name: 'pcie.0', router: 'lpc' },
  lowRam: { limit: 2.75 * GiB, cut: 2 * GiB },
  maxRamBytes: 64 * GiB,
  parts: [
    interruptController,
    { id: 'lpc', type: 'ICH9-LPC', pci: { slot: LPC_SLOT, fn: 0 } },
    { id: 'q35-pcihost', type: 'q35-pcihost' },
    { id: 'mch', type: 'mch', pci: { slot: 0, fn: 0 } },
    { id: 'hpet', type: 'hpet', props: { 'hpet-intcap': 0xff0104 } },
    { id: 'ahci', type: 'ich9-ahci', pci: { slot: LPC_SLOT, fn: 2 }, props: { buses: 'ide' } },
    { id: 'smbus', type: 'ICH9-SMB', pci: { slot: LPC_SLOT, fn: 3 } },
    ...isaParts.filter(({ type }) => type !== 'isa-fdc'),
  ],
  maxSerials: 4,
  ideUnits: 1,
  vga: pciAdapters(1),
  directBoot: {
    ports: [
      ...configWrite(0, 0, 0x90, 0), // PAM0 to PAM6: the ROM is shown, whatever the last run left
      ...configWrite(0, 0, 0x94, 0),
      ...configWrite(0, 0, 0x60, MMCONFIG_AT + 1),
      ...configWrite(LPC_SLOT, 0, 0x60, PIRQ_ROUTES),
      ...configWrite(LPC_SLOT, 0, 0x68, PIRQ_ROUTES),
      { port: ELCR_SLAVE, value: 0x0c, size: 1 }, // IRQ 10 and 11 are levels
      ...configWrite(LPC_SLOT, 0, 0x40, PM_BASE | 1),
      ...configWrite(LPC_SLOT, 0, 0x44, 0x80), // ACPI_CNTL: on, SCI on IRQ 9
    ],
  },
  acpi: {
    pmBase: PM_BASE,
    sciIrq: 9,
    acpiEnable: ICH9_ACPI_ENABLE,
    acpiDisable: ICH9_ACPI_DISABLE,
    gpe0: { port: PM_BASE + 0x20, bytes: ICH9_GPE0_BYTES },
    fadtRevision: 3,
    pciExpress: { address: MMCONFIG_AT, lastBus: 0xff },
    isaBridge: {
      slot: LPC_SLOT,
      links: [...'ABCDEFGH'].map((letter, i) => ({ letter, register: (i < 4 ? 0x60 : 0x64) + i })),
    },
    route(slot, pin) {
      if (slot === PCI_BRIDGE_SLOT) return 'EFGH'[pin] ?? '';
      return (slot >= FIRST_OWN_SLOT ? 'ABCD'[pin] : 'EFGH'[(slot + pin) & 3]) ?? '';
    },
  },
});
