/**
 * 82G33/Q35 MCH, device 0: the host bridge with the memory window on configuration space (PCIEXBAR). Document: Intel
 * 3 Series Express Chipset Family Datasheet, 316966-002, August 2007.
 * Not modelled: the graphics bridge (device 1), DRAM registers, extended SMRAM; nothing enters SMM.
 */
import { defineDevice } from '../../core/device.ts';
import { prop } from '../../core/props.ts';
import { type Container, ioRegion, type Region } from '../../core/region.ts';
import { bytes, survivesReset, vmstate } from '../../core/state.ts';
import type { PciBus } from './bus.ts';
import { CONFIG_BYTES } from './config.ts';
import { PciFunction } from './function.ts';
import { createPam, PAM_REGISTERS } from './pam.ts';

const PCIEXBAR = 0x60; // §5.1.15
const PCIEXBAR_ENABLE = 0x01;
const PCIEXBAR_BYTES = 8;
/** Bits 2:1: how many buses the window covers. */
const BUSES = [256, 128, 64] as const;
export const MMCONFIG_AT = 0xb000_0000;
const PAM0 = 0x90; // §5.1.16
const SMRAM = 0x9d; // §5.1.24
const ESMRAMC = 0x9e;

const BUS_BYTES = 2 ** 20;
const FUNCTION_BYTES = 4096;

export const q35Mch = defineDevice({
  type: 'mch',
  desc: 'Host bridge',
  bus: 'PCI',
  props: {
    bus: prop.required<PciBus>(),
    system: prop.required<Container>(),
    pciMemory: prop.required<Region>(),
    ram: prop.required<Region>(),
    transaction: prop.required<(change: () => void) => void>(),
  },
  irqs: [],
  state: vmstate('mch', 1, { config: survivesReset(bytes(CONFIG_BYTES)) }),
  create(s, { bus, ...wiring }) {
    const pci = new PciFunction(s.config, {
      vendorId: 0x8086,
      deviceId: 0x29c0,
      classCode: 0x060000,
      specific: { [PCIEXBAR + 3]: MMCONFIG_AT >>> 24, [SMRAM]: 0x02, [ESMRAMC]: 0x38 },
    });
    const updateWindows = createPam(s.config, PAM0, SMRAM, wiring);
    const config = new DataView(s.config.buffer, s.config.byteOffset);

    /** Functions of conventional PCI end after 256 bytes; only bus 0 is there. */
    const target = (offset: number) => {
      const isThere = offset < BUS_BYTES && offset % FUNCTION_BYTES < CONFIG_BYTES;
      return isThere ? bus.at(Math.floor(offset / FUNCTION_BYTES)) : undefined;
    };
    const window = ioRegion('pcie-mmcfg-mmio', BUSES[0] * BUS_BYTES, {
      read: (offset, size) => target(offset)?.read(offset % FUNCTION_BYTES, size) ?? 0xffff_ffff,
      write(offset, value, size) {
        target(offset)?.write(offset % FUNCTION_BYTES, value, size);
      },
    });
    const mapping = wiring.system.add(MMCONFIG_AT, window, { priority: 2, enabled: false });

    function updateMmconfig(): void {
      const low = config.getUint32(PCIEXBAR, true);
      const size = (BUSES[(low >> 1) & 3] ?? 0) * BUS_BYTES;
      const enabled = (low & PCIEXBAR_ENABLE) !== 0 && size > 0;
      const address = (config.getUint32(PCIEXBAR + 4, true) & 0xf) * 2 ** 32 + low;
      mapping.update(enabled ? { at: address - (address % size), enabled } : { enabled });
    }
    pci.onWrite = (offset, size) => {
      const touches = (start: number, length: number): boolean => offset < start + length && offset + size > start;
      if (touches(PCIEXBAR, PCIEXBAR_BYTES)) updateMmconfig();
      if (touches(PAM0, PAM_REGISTERS) || touches(SMRAM, 1)) updateWindows();
    };

    return {
      regions: {},
      pci,
      // The windows stay, for the resume from S3.
      reset() {
        const windows = s.config.slice(PAM0, PAM0 + PAM_REGISTERS);
        pci.reset();
        s.config.set(windows, PAM0);
      },
      sync() {
        pci.sync();
        updateWindows();
        updateMmconfig();
      },
    };
  },
});
