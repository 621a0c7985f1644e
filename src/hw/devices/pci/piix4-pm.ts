/**
 * 82371AB PIIX4, function 3: power management. Document: Intel 290562-001, April 1997.
 * The general-purpose event block stands at a port of its own, as in QEMU, and nothing raises an event there.
 * Not modelled: SMBus, device monitors, SMI. The APM control port turns ACPI on and off by itself, as in QEMU.
 */
import { defineDevice } from '../../core/device.ts';
import { prop } from '../../core/props.ts';
import { BYTE_WIDE, type Container, ioRegion } from '../../core/region.ts';
import { bytes, u8, vmstate } from '../../core/state.ts';
import { createPm1, gpeRegion, pm1Fields } from './acpi-pm1.ts';
import { CONFIG_BYTES, STATUS } from './config.ts';
import { PciFunction } from './function.ts';

const PMBA = 0x40; // §7.1.10
const PMREGMISC = 0x80; // §7.1.21
const PMREGMISC_PMIOSE = 0x01;
/** §7.1.13, bit 25 of DEVACTB: set, it tells SeaBIOS that SMM is set up already, as QEMU does with `smm=off`. */
const DEVACTB_BYTE3 = 0x5b;
const DEVACTB_APMC_EN = 0x02;

/** What the firmware's tables tell the guest to write to the APM control port. */
export const ACPI_ENABLE_COMMAND = 0xf1;
export const ACPI_DISABLE_COMMAND = 0xf0;

/** SLP_TYP values, as the firmware's _S3, _S4 and _S5 name them. */
export const SLEEP_TYPE = { softOff: 0, suspend: 1, hibernate: 2 } as const;

export const SCI_IRQ = 9;
export const GPE0_AT = 0xafe0;
export const GPE0_BYTES = 4;

export const piix4Pm = defineDevice({
  type: 'PIIX4_PM',
  desc: 'PM',
  bus: 'PCI',
  props: {
    io: prop.required<Container>(),
    requestShutdown: prop.required<() => void>(),
    requestSuspend: prop.required<() => void>(),
    /** How many serial ports the board has; firmware reads it in the device-activity registers. */
    serialPorts: prop.code(0),
  },
  irqs: ['sci'],
  isa: () => ({ ports: { apm: 0xb2, gpe0: GPE0_AT }, irqs: { sci: SCI_IRQ } }),
  state: vmstate('piix4_pm', 4, {
    config: bytes(CONFIG_BYTES),
    pm1: pm1Fields,
    apmc: u8(),
    apms: u8(),
    gpe0: bytes(GPE0_BYTES),
  }),
  create(s, { io, requestShutdown, requestSuspend, serialPorts, clock, id, log, sci }) {
    const pci = new PciFunction(s.config, {
      vendorId: 0x8086,
      deviceId: 0x7113,
      revision: 3,
      classCode: 0x068000,
      status: STATUS.DEVSEL_MEDIUM | STATUS.FAST_BACK_TO_BACK,
      interruptPin: 1,
      specific: {
        [PMBA]: 0x01,
        [DEVACTB_BYTE3]: DEVACTB_APMC_EN,
        95: 0x10, // DEVRESE: parallel port (none), audio
        99: 0x60, // DEVRESF
        103: (serialPorts > 0 ? 0x08 : 0) | (serialPorts > 1 ? 0x90 : 0), // DEVRESG
        144: 0x01, // SMBBA
        145: 0xb1,
        210: 0x09, // SMBHSTCFG
      },
    });

    function sleep(type: number): void {
      if (type === SLEEP_TYPE.softOff || type === SLEEP_TYPE.hibernate) requestShutdown();
      else if (type === SLEEP_TYPE.suspend) requestSuspend();
      else log('unimp', `${id}: sleep type ${type}`);
    }
    const pm1 = createPm1(s.pm1, { clock, name: 'piix4-pm', sci, sleep });
    const mapping = io.add(0, pm1.region, { enabled: false });

    function place(): void {
      const at = ((s.config[PMBA] ?? 0) | ((s.config[PMBA + 1] ?? 0) << 8)) & 0xffc0;
      mapping.update({ at, enabled: ((s.config[PMREGMISC] ?? 0) & PMREGMISC_PMIOSE) !== 0 });
    }
    pci.onWrite = place;

    const apm = ioRegion(
      'apm-io',
      2,
      {
        read: (offset) => (offset === 0 ? s.apmc : s.apms),
        write(offset, value) {
          if (offset !== 0) {
            s.apms = value;
            return;
          }
          s.apmc = value;
          if (value === ACPI_ENABLE_COMMAND) pm1.setAcpiEnabled(true);
          if (value === ACPI_DISABLE_COMMAND) pm1.setAcpiEnabled(false);
        },
      },
      BYTE_WIDE,
    );

    return {
      regions: { apm, gpe0: gpeRegion(s.gpe0) },
      pci,
      power: pm1,
      reset: () => pci.reset(),
      sync() {
        pci.sync();
        place();
        pm1.sync();
      },
    };
  },
});
