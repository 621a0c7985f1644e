/**
 * An IDE channel on the ISA bus, as the PC AT's fixed disk adapter decodes it: no bus master, so devices move data by
 * PIO. Document: ATA/ATAPI-6, T13/1410D revision 3b.
 */
import { defineDevice } from '../../core/device.ts';
import { prop } from '../../core/props.ts';
import { vmstate } from '../../core/state.ts';
import { channelState, IdeChannel } from './ide-channel.ts';

export const isaIde = defineDevice({
  type: 'isa-ide',
  desc: 'ISA IDE controller',
  props: {
    iobase: prop.u32(0x1f0),
    iobase2: prop.u32(0x3f6),
    irq: prop.u32(14),
    /** How many IDE buses the machine has before this one. */
    index: prop.code(0),
  },
  irqs: ['line'],
  isa: ({ iobase, iobase2, irq }) => ({
    ports: { data: iobase, command: iobase + 1, control: iobase2 },
    irqs: { line: irq },
  }),
  state: vmstate('isa-ide', 3, { channel: channelState }),
  create(s, { iobase, index, line }) {
    const channel = new IdeChannel(s.channel, {
      name: `ide.${index}`,
      index,
      node: 0,
      setIrq: (level) => line.set(level),
    });
    return {
      regions: { data: channel.data, command: channel.command, control: channel.control },
      buses: [channel],
      firmware: { name: `ide@${iobase.toString(16).padStart(4, '0')}` },
      reset: () => channel.reset(),
      sync: () => channel.sync(),
    };
  },
});
