/**
 * Programmable attribute map and SMRAM: what a host bridge shows of the 384 KiB from 0xa0000 on, RAM or what lies behind
 * it. 82441FX §3.2.19 and §3.2.23; Q35 has the same registers at other places. Nothing enters SMM.
 */
import { aliasRegion, type Container, type Mapping, type Region } from '../../core/region.ts';

export const PAM_REGISTERS = 7;
const SMRAM_D_OPEN = 0x40;
const PAM_READ = 1;
const PAM_WRITE = 2;

/** The 13 windows: 64 KiB at 0xf0000 by the upper half of PAM0, then 16 KiB by each half of PAM1 to PAM6. */
const WINDOWS = [
  { at: 0xf0000, size: 0x10000, register: 0, shift: 4 },
  ...Array.from({ length: 12 }, (_, i) => ({
    at: 0xc0000 + i * 0x4000,
    size: 0x4000,
    register: 1 + (i >> 1),
    shift: (i & 1) * 4,
  })),
];

export interface PamWiring {
  /** Guest-physical memory, into which the windows are placed. */
  readonly system: Container;
  /** What lies behind the bridge: PCI memory with the ROMs. */
  readonly pciMemory: Region;
  readonly ram: Region;
  transaction(change: () => void): void;
}

interface Window {
  readonly register: number;
  readonly shift: number;
  readonly pci: Mapping;
  readonly ramReadOnly: Mapping;
  readonly ram: Mapping;
}

/** Places the windows; the result shows what PAM0 to PAM6 and SMRAM, at these places of `config`, say. */
export function createPam(config: Uint8Array, pam0: number, smramAt: number, wiring: PamWiring): () => void {
  const { system, pciMemory, ram, transaction } = wiring;
  const smram = system.add(0xa0000, aliasRegion('smram-region', pciMemory, 0xa0000, 0x20000), { priority: 1 });
  const windows = WINDOWS.map(({ at, size, register, shift }): Window => {
    const place = (region: Region): Mapping => system.add(at, region, { priority: 1, enabled: false });
    return {
      register: pam0 + register,
      shift,
      pci: place(aliasRegion('pam-pci', pciMemory, at, size)),
      ramReadOnly: place(aliasRegion('pam-rom', ram, at, size, { readonly: true })),
      ram: place(aliasRegion('pam-ram', ram, at, size)),
    };
  });
  /** Reads from RAM and writes to PCI is "shadowed ROM"; the reverse is treated as PCI only, as in QEMU. */
  return () =>
    transaction(() => {
      for (const { register, shift, pci, ramReadOnly, ram } of windows) {
        const mode = ((config[register] ?? 0) >> shift) & (PAM_READ | PAM_WRITE);
        pci.update({ enabled: (mode & PAM_READ) === 0 });
        ramReadOnly.update({ enabled: mode === PAM_READ });
        ram.update({ enabled: mode === (PAM_READ | PAM_WRITE) });
      }
      smram.update({ enabled: ((config[smramAt] ?? 0) & SMRAM_D_OPEN) === 0 });
    });
}
