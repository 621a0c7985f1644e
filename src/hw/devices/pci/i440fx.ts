/**
 * 82441FX PMC, the host bridge of the 440FX chip set. Document: Intel 290549-001, May 1996.
 * Not modelled: DRAM timing, error reporting; SMRAM opens and closes (D_OPEN), but nothing enters SMM.
 */
import { defineDevice } from '../../core/device.ts';
import { prop } from '../../core/props.ts';
import { aliasRegion, type Container, type Mapping, type Region } from '../../core/region.ts';
import { bytes, survivesReset, vmstate } from '../../core/state.ts';
import { CONFIG_BYTES } from './config.ts';
import { PciFunction } from './function.ts';

const PAM0 = 0x59; // §3.2.19, PAM0 to PAM6
const PAM_REGISTERS = 7;
const SMRAM = 0x72; // §3.2.23
const SMRAM_D_OPEN = 0x40;
const PAM_READ = 1;
const PAM_WRITE = 2;

/** The 13 windows: 64 KiB at 0xf0000 by the upper half of PAM0, then 16 KiB by each half of PAM1 to PAM6. */
const WINDOWS = [
  { at: 0xf0000, size: 0x10000, register: PAM0, shift: 4 },
  ...Array.from({ length: 12 }, (_, i) => ({
    at: 0xc0000 + i * 0x4000,
    size: 0x4000,
    register: PAM0 + 1 + (i >> 1),
    shift: (i & 1) * 4,
  })),
];

interface Window {
  readonly register: number;
  readonly shift: number;
  readonly pci: Mapping;
  readonly ramReadOnly: Mapping;
  readonly ram: Mapping;
}

export const i440fx = defineDevice({
  type: 'i440FX',
  desc: 'Host bridge',
  bus: 'PCI',
  props: {
    /** Guest-physical memory, into which the windows are placed. */
    system: prop.required<Container>(),
    /** What lies behind the bridge: PCI memory with the ROMs. */
    pciMemory: prop.required<Region>(),
    ram: prop.required<Region>(),
    transaction: prop.required<(change: () => void) => void>(),
  },
  irqs: [],
  state: vmstate('I440FX', 3, { config: survivesReset(bytes(CONFIG_BYTES)) }),
  create(s, { system, pciMemory, ram, transaction }) {
    const pci = new PciFunction(s.config, {
      vendorId: 0x8086,
      deviceId: 0x1237,
      revision: 2,
      classCode: 0x060000,
      specific: { 87: 0x10, [SMRAM]: 0x02 },
    });

    const smram = system.add(0xa0000, aliasRegion('smram-region', pciMemory, 0xa0000, 0x20000), { priority: 1 });
    const windows = WINDOWS.map(({ at, size, register, shift }): Window => {
      const place = (region: Region): Mapping => system.add(at, region, { priority: 1, enabled: false });
      return {
        register,
        shift,
        pci: place(aliasRegion('pam-pci', pciMemory, at, size)),
        ramReadOnly: place(aliasRegion('pam-rom', ram, at, size, { readonly: true })),
        ram: place(aliasRegion('pam-ram', ram, at, size)),
      };
    });

    /** Reads from RAM and writes to PCI is "shadowed ROM"; the reverse is treated as PCI only, as in QEMU. */
    function updateWindows(): void {
      transaction(() => {
        for (const { register, shift, pci, ramReadOnly, ram } of windows) {
          const mode = ((s.config[register] ?? 0) >> shift) & (PAM_READ | PAM_WRITE);
          pci.update({ enabled: (mode & PAM_READ) === 0 });
          ramReadOnly.update({ enabled: mode === PAM_READ });
          ram.update({ enabled: mode === (PAM_READ | PAM_WRITE) });
        }
        smram.update({ enabled: ((s.config[SMRAM] ?? 0) & SMRAM_D_OPEN) === 0 });
      });
    }
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
