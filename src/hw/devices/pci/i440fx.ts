/**
 * 82441FX PMC, the host bridge of the 440FX chip set. Document: Intel 290549-001, May 1996.
 * Not modelled: DRAM timing, error reporting; SMRAM opens and closes (D_OPEN), but nothing enters SMM.
 */
import { defineDevice } from '../../core/device.ts';
import { prop } from '../../core/props.ts';
import type { Container, Region } from '../../core/region.ts';
import { bytes, survivesReset, vmstate } from '../../core/state.ts';
import { CONFIG_BYTES } from './config.ts';
import { PciFunction } from './function.ts';
import { createPam, PAM_REGISTERS } from './pam.ts';

const PAM0 = 0x59; // §3.2.19, PAM0 to PAM6
const SMRAM = 0x72; // §3.2.23

export const i440fx = defineDevice({
  type: 'i440FX',
  desc: 'Host bridge',
  bus: 'PCI',
  props: {
    system: prop.required<Container>(),
    pciMemory: prop.required<Region>(),
    ram: prop.required<Region>(),
    transaction: prop.required<(change: () => void) => void>(),
  },
  irqs: [],
  state: vmstate('I440FX', 3, { config: survivesReset(bytes(CONFIG_BYTES)) }),
  create(s, wiring) {
    const pci = new PciFunction(s.config, {
      vendorId: 0x8086,
      deviceId: 0x1237,
      revision: 2,
      classCode: 0x060000,
      specific: { 87: 0x10, [SMRAM]: 0x02 },
    });
    const updateWindows = createPam(s.config, PAM0, SMRAM, wiring);
    pci.onWrite = (offset, size) => {
      const touches = (start: number, length: number): boolean => offset < start + length && offset + size > start;
      if (touches(PAM0, PAM_REGISTERS) || touches(SMRAM, 1)) updateWindows();
    };

    return {
      regions: {},
      pci,
      // The windows stay, as in QEMU: SeaBIOS knows a resume from S3 by what it left in shadowed memory.
      reset() {
        const windows = s.config.slice(PAM0, PAM0 + PAM_REGISTERS);
        pci.reset();
        s.config.set(windows, PAM0);
      },
      sync() {
        pci.sync();
        updateWindows();
      },
    };
  },
});
