import { parseProps, prop } from '../../hw/core/props.ts';
import type { Catalogue } from './catalogue.ts';

const debugExitProps = { iobase: prop.u32(0x501), iosize: prop.u32(2) };

/** A small catalogue, so that tests of the parser don't depend on which devices exist. */
export const testCatalogue: Catalogue = {
  target: 'i386',
  version: '0.1.0',
  machines: [
    { name: 'pc', description: 'Standard PC (i440FX + PIIX, 1996)', isDefault: true },
    { name: 'isapc', description: 'ISA-only PC' },
    { name: 'board', description: 'Standard PC (i440FX + PIIX, 1996)', aliasOf: 'pc' },
  ],
  cpus: [
    { name: '486', description: '' },
    { name: 'qemu32', description: 'QEMU Virtual CPU version 2.5+' },
  ],
  devices: [
    {
      name: 'isa-debug-exit',
      bus: 'ISA',
      category: 'Misc',
      help: 'isa-debug-exit options: …\n',
      check: (texts) => void parseProps('isa-debug-exit', debugExitProps, texts, () => undefined),
    },
    { name: 'pc-testdev', bus: 'ISA', category: 'Misc', help: 'none\n', check() {} },
    { name: 'VGA', bus: 'PCI', category: 'Display', help: 'none\n', check() {} },
  ],
};
