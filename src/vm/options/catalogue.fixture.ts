import type { Catalogue } from './catalogue.ts';

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
      properties: [
        { name: 'iobase', type: 'uint32', default: 1281 },
        { name: 'iosize', type: 'uint32', default: 2 },
      ],
    },
    { name: 'pc-testdev', bus: 'ISA', category: 'Misc', properties: [] },
  ],
};
