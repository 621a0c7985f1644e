import { interruptController, isaParts } from './isa-parts.ts';
import { defineBoard } from './machine.ts';

const GiB = 2 ** 30;

/** A PC AT without PCI. Its ROMs are RAM that is filled before start, as on QEMU's board of this name. */
export const isapc = defineBoard({
  name: 'isapc',
  desc: 'ISA-only PC',
  target: 'i386',
  defaultCpu: '486',
  maxCpus: 1,
  firmware: 'bios.bin',
  bus: 'isa',
  lowRam: { limit: 3.5 * GiB, cut: 3.5 * GiB },
  maxRamBytes: 3.5 * GiB,
  parts: [
    interruptController,
    ...isaParts,
    { id: 'ide0', type: 'isa-ide', props: { iobase: 0x1f0, iobase2: 0x3f6, irq: 14, index: 0 } },
    { id: 'ide1', type: 'isa-ide', props: { iobase: 0x170, iobase2: 0x376, irq: 15, index: 1 } },
  ],
  maxSerials: 4,
  vga: { std: { id: 'vga', type: 'isa-vga' } },
  directBoot: { ports: [] },
});
