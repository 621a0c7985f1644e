/**
 * 82371SB PIIX3, function 1: two IDE channels at the compatibility addresses, with a bus master each.
 * Document: Intel 290550-002, April 1997, §2.3 and §2.7.
 * Not modelled: the timing registers have no effect, and the channels decode their ports whatever IDETIM says (as QEMU).
 */
import { defineDevice } from '../../core/device.ts';
import type { Dma } from '../../core/dma.ts';
import type { IrqLine } from '../../core/irq.ts';
import { prop } from '../../core/props.ts';
import { Container } from '../../core/region.ts';
import { array, bytes, vmstate } from '../../core/state.ts';
import { CONFIG_BYTES, STATUS } from '../pci/config.ts';
import { PciFunction } from '../pci/function.ts';
import { BusMaster, busMasterState } from './bus-master.ts';
import { type ChannelState, channelState, IdeChannel } from './ide-channel.ts';

const BUS_MASTER_BYTES = 16;

export const piix3Ide = defineDevice({
  type: 'piix3-ide',
  desc: 'PIIX3 IDE controller',
  bus: 'PCI',
  props: { dma: prop.required<Dma>() },
  irqs: ['primary', 'secondary'],
  isa: () => ({
    ports: {
      primaryData: 0x1f0,
      primaryCommand: 0x1f1,
      primaryControl: 0x3f6,
      secondaryData: 0x170,
      secondaryCommand: 0x171,
      secondaryControl: 0x376,
    },
    irqs: { primary: 14, secondary: 15 },
  }),
  state: vmstate('piix3-ide', 3, {
    config: bytes(CONFIG_BYTES),
    channels: array(2, channelState),
    masters: array(2, busMasterState),
  }),
  create(s, { dma, primary, secondary }) {
    const busMasters = new Container('piix-bmdma-container', BUS_MASTER_BYTES);
    const channel = (n: 0 | 1, irq: IrqLine): IdeChannel => {
      const name = `ide.${n}`;
      const master = new BusMaster(s.masters[n] as BusMasterOf, dma, name);
      busMasters.add(n * 8, master.registers);
      busMasters.add(n * 8 + 4, master.address);
      const created = new IdeChannel(s.channels[n] as ChannelState, {
        name,
        index: n,
        node: n,
        setIrq: (level) => irq.set(level),
        onInterrupt: () => master.onInterrupt(),
        dma: master,
      });
      master.connect(created);
      return created;
    };
    type BusMasterOf = (typeof s.masters)[number];
    const channels = [channel(0, primary), channel(1, secondary)] as const;
    const pci = new PciFunction(s.config, {
      vendorId: 0x8086,
      deviceId: 0x7010,
      classCode: 0x010180,
      status: STATUS.FAST_BACK_TO_BACK | STATUS.DEVSEL_MEDIUM,
      bars: [{ index: 4, kind: 'io', region: busMasters }],
    });
    return {
      regions: {
        primaryData: channels[0].data,
        primaryCommand: channels[0].command,
        primaryControl: channels[0].control,
        secondaryData: channels[1].data,
        secondaryCommand: channels[1].command,
        secondaryControl: channels[1].control,
        busMasters,
      },
      pci,
      buses: channels,
      reset() {
        pci.reset();
        for (const each of channels) each.reset();
      },
      sync() {
        pci.sync();
        for (const each of channels) each.sync();
      },
    };
  },
});
