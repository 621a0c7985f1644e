/**
 * 82801IB ICH9, device 31 function 0: the bridge to the ISA bus, with interrupt routing and power management. Document:
 * Intel I/O Controller Hub 9 (ICH9) Family Datasheet, 316972-004, August 2008.
 * Not modelled: TCO, GPIO, SMI; the SCI stays on IRQ 9.
 * A reset takes power management off the ports, as in QEMU; SeaBIOS 1.16 does not put it back when it resumes from S3.
 */
import { defineDevice } from '../../core/device.ts';
import type { IrqLine } from '../../core/irq.ts';
import { prop } from '../../core/props.ts';
import { BYTE_WIDE, Container, ioRegion } from '../../core/region.ts';
import { bytes, u8, vmstate } from '../../core/state.ts';
import { createPm1, gpeRegion, pm1Fields } from './acpi-pm1.ts';
import { CONFIG_BYTES, HEADER_MULTIFUNCTION, slotOf } from './config.ts';
import { PciFunction } from './function.ts';

const PMBASE = 0x40; // §13.1.13
const ACPI_CNTL = 0x44; // §13.1.14
const ACPI_CNTL_ENABLE = 0x80;
const PIRQ_REGISTERS = [0x60, 0x61, 0x62, 0x63, 0x68, 0x69, 0x6a, 0x6b] as const; // §13.1.21, PIRQA to PIRQH
const PIRQ_DISABLED = 0x80;
const RCBA = 0xf0; // §13.1.36
const RCBA_ENABLE = 0x01;

/** Offsets from PMBASE (§13.8.3). */
const PM_BYTES = 128;
const GPE0 = 0x20;
export const ICH9_GPE0_BYTES = 16;
const SMI = 0x30;
const SMI_BYTES = 8;
/** SMI_EN's APMC_EN: set, it tells SeaBIOS that SMM is set up already, as QEMU does with `smm=off`. */
const SMI_EN_APMC = 0x20;

/** Chip set configuration registers, behind RCBA: routes of the devices 25 to 31 (§10.1.45). */
const CHIPSET_BYTES = 0x4000;
const DEVICE_ROUTES: Readonly<Record<number, number>> = {
  31: 0x3140,
  29: 0x3144,
  28: 0x3146,
  27: 0x3148,
  26: 0x314c,
  25: 0x3150,
};
/** Pin A to PIRQA and so on. */
const STRAIGHT_ROUTE = 0x3210;

const RCR_RESET_CPU = 0x04; // §13.7.5, port 0xcf9
const ISA_IRQ_COUNT = 16;
const SCI_IRQ = 9;

/** What the firmware's tables tell the guest to write to the APM control port. */
export const ICH9_ACPI_ENABLE = 0x02;
export const ICH9_ACPI_DISABLE = 0x03;
const SLEEP_TYPE = { softOff: 0, suspend: 1, hibernate: 2 } as const;

export const ich9Lpc = defineDevice({
  type: 'ICH9-LPC',
  desc: 'ICH9 LPC bridge',
  bus: 'PCI',
  props: {
    io: prop.required<Container>(),
    system: prop.required<Container>(),
    /** Inputs of the interrupt controllers, by ISA IRQ number. */
    isaIrqs: prop.required<readonly IrqLine[]>(),
    requestReset: prop.required<() => void>(),
    requestShutdown: prop.required<() => void>(),
    requestSuspend: prop.required<() => void>(),
  },
  irqs: ['sci'],
  isa: () => ({ ports: { resetControl: 0xcf9, apm: 0xb2 }, irqs: { sci: SCI_IRQ } }),
  state: vmstate('ICH9LPC', 1, {
    config: bytes(CONFIG_BYTES),
    chipset: bytes(CHIPSET_BYTES),
    pm1: pm1Fields,
    gpe0: bytes(ICH9_GPE0_BYTES),
    smi: bytes(SMI_BYTES),
    apm: bytes(2),
    rcr: u8(),
  }),
  create(s, { io, system, isaIrqs, requestReset, requestShutdown, requestSuspend, clock, id, log, sci }) {
    const pci = new PciFunction(s.config, {
      vendorId: 0x8086,
      deviceId: 0x2918,
      revision: 2,
      classCode: 0x060100,
      headerType: HEADER_MULTIFUNCTION,
      specific: { [PMBASE]: 0x01, ...Object.fromEntries(PIRQ_REGISTERS.map((at) => [at, PIRQ_DISABLED])) },
    });
    const config = new DataView(s.config.buffer, s.config.byteOffset);
    const chipset = new DataView(s.chipset.buffer, s.chipset.byteOffset);

    function sleep(type: number): void {
      if (type === SLEEP_TYPE.softOff || type === SLEEP_TYPE.hibernate) requestShutdown();
      else if (type === SLEEP_TYPE.suspend) requestSuspend();
      else log('unimp', `${id}: sleep type ${type}`);
    }
    const pm1 = createPm1(s.pm1, { clock, name: 'ich9-pm', sci, sleep });
    const smi = ioRegion(
      'acpi-smi',
      SMI_BYTES,
      {
        read: (offset) => s.smi[offset] ?? 0,
        write(offset, value) {
          s.smi[offset] = offset < 4 ? value : (s.smi[offset] ?? 0) & ~value;
        },
      },
      BYTE_WIDE,
    );
    const pmRegion = new Container('ich9-pm', PM_BYTES);
    pmRegion.add(0, pm1.region);
    pmRegion.add(GPE0, gpeRegion(s.gpe0), { priority: 1 });
    pmRegion.add(SMI, smi, { priority: 1 });
    const pmMapping = io.add(0, pmRegion, { enabled: false });

    const chipsetRegion = ioRegion(
      'lpc-rcrb-mmio',
      CHIPSET_BYTES,
      {
        read: (offset) => s.chipset[offset] ?? 0,
        write(offset, value) {
          s.chipset[offset] = value;
        },
      },
      BYTE_WIDE,
    );
    const chipsetMapping = system.add(0, chipsetRegion, { priority: 1, enabled: false });

    function place(): void {
      const at = config.getUint16(PMBASE, true) & 0xff80;
      pmMapping.update({ at, enabled: (config.getUint8(ACPI_CNTL) & ACPI_CNTL_ENABLE) !== 0 && at !== 0 });
      const base = config.getUint32(RCBA, true);
      chipsetMapping.update({ at: base - (base % CHIPSET_BYTES), enabled: (base & RCBA_ENABLE) !== 0 });
    }

    /** Levels of PIRQA# to PIRQH#; the bus repeats them after reset and load. */
    const levels = new Array<boolean>(PIRQ_REGISTERS.length).fill(false);
    /** IRQs that a PIRQ was routed to when we last looked. */
    let routed = new Set<number>();
    function drive(): void {
      const now = new Map<number, boolean>();
      for (const [n, register] of PIRQ_REGISTERS.entries()) {
        const irq = s.config[register] ?? PIRQ_DISABLED;
        if (irq < ISA_IRQ_COUNT) now.set(irq, (levels[n] ?? false) || (now.get(irq) ?? false));
      }
      for (const irq of routed) if (!now.has(irq)) isaIrqs[irq]?.set(false);
      for (const [irq, level] of now) isaIrqs[irq]?.set(level);
      routed = new Set(now.keys());
    }
    const pirqs = levels.map(
      (_, n): IrqLine => ({
        set(level) {
          levels[n] = level;
          drive();
        },
      }),
    );
    pci.onWrite = () => {
      place();
      drive();
    };

    const resetControl = ioRegion(
      'lpc-reset-control',
      1,
      {
        read: () => s.rcr,
        write(_offset, value) {
          if (value & RCR_RESET_CPU) requestReset();
          else s.rcr = value & 0x0f;
        },
      },
      BYTE_WIDE,
    );
    const apm = ioRegion(
      'apm-io',
      2,
      {
        read: (offset) => s.apm[offset] ?? 0,
        write(offset, value) {
          s.apm[offset] = value;
          if (offset !== 0) return;
          if (value === ICH9_ACPI_ENABLE) pm1.setAcpiEnabled(true);
          if (value === ICH9_ACPI_DISABLE) pm1.setAcpiEnabled(false);
        },
      },
      BYTE_WIDE,
    );

    return {
      regions: { resetControl, apm },
      pci,
      power: pm1,
      pirqs,
      /** Slots are wired to PIRQE# to PIRQH#, rotated; devices of the ICH9 itself as its registers say, at their reset value. */
      route(devfn: number, pin: number): number {
        const slot = slotOf(devfn);
        const isOwn = DEVICE_ROUTES[slot] !== undefined;
        return isOwn ? pin - 1 : 4 + ((pin - 1 + (slot === 30 ? 0 : slot)) & 3);
      },
      reset() {
        pci.reset();
        s.smi[0] = SMI_EN_APMC;
        for (const at of Object.values(DEVICE_ROUTES)) chipset.setUint16(at, STRAIGHT_ROUTE, true);
      },
      sync() {
        pci.sync();
        place();
        drive();
        pm1.sync();
      },
    };
  },
});
