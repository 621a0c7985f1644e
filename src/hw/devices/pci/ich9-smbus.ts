/**
 * 82801IB ICH9, device 31 function 3: SMBus host controller. Document: Intel ICH9 Family Datasheet, 316972-004, chapter 19.
 * No device answers on the bus: the modules' SPD memories are not modelled, nor are interrupts.
 */
import { defineDevice } from '../../core/device.ts';
import { BYTE_WIDE, ioRegion } from '../../core/region.ts';
import { bytes, vmstate } from '../../core/state.ts';
import { CONFIG_BYTES, HEADER_MULTIFUNCTION } from './config.ts';
import { PciFunction } from './function.ts';

const IO_BYTES = 64;
/** §19.2 */
const REG = { HST_STS: 0x00, HST_CNT: 0x02 } as const;
const STATUS = { INTERRUPT: 0x02, DEVICE_ERROR: 0x04 } as const;
const CONTROL_START = 0x40;

export const ich9Smbus = defineDevice({
  type: 'ICH9-SMB',
  desc: 'ICH9 SMBUS Bridge',
  bus: 'PCI',
  props: {},
  irqs: [],
  state: vmstate('ich9_smb', 1, { config: bytes(CONFIG_BYTES), registers: bytes(IO_BYTES) }),
  create(s) {
    const registers = ioRegion(
      'pm-smbus',
      IO_BYTES,
      {
        read: (offset) => s.registers[offset] ?? 0,
        write(offset, value) {
          if (offset === REG.HST_STS) {
            s.registers[offset] = (s.registers[offset] ?? 0) & ~value;
            return;
          }
          s.registers[offset] = offset === REG.HST_CNT ? value & ~CONTROL_START : value;
          if (offset === REG.HST_CNT && value & CONTROL_START)
            s.registers[REG.HST_STS] = STATUS.DEVICE_ERROR | STATUS.INTERRUPT;
        },
      },
      BYTE_WIDE,
    );
    const pci = new PciFunction(s.config, {
      vendorId: 0x8086,
      deviceId: 0x2930,
      revision: 2,
      classCode: 0x0c0500,
      headerType: HEADER_MULTIFUNCTION,
      interruptPin: 1,
      bars: [{ index: 4, kind: 'io', region: registers }],
    });
    return { regions: {}, pci, reset: () => pci.reset(), sync: () => pci.sync() };
  },
});
