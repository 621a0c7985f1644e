import type { Board } from './machine.ts';

/** What `-vga` stands for on a board with PCI. */
export const pciAdapters = (slot: number): Board['vga'] => ({
  std: { id: 'vga', type: 'VGA', pci: { slot, fn: 0 } },
  cirrus: { id: 'vga', type: 'cirrus-vga', pci: { slot, fn: 0 } },
});
