/**
 * Configuration mechanism #1 (PCI Local Bus Specification 3.0, §3.2.2.3.2): CONFIG_ADDRESS at 0xcf8, CONFIG_DATA at
 * 0xcfc. The window's low address bits are OR-ed into the register number, as QEMU does.
 */
import { defineDevice } from '../../core/device.ts';
import { prop } from '../../core/props.ts';
import { ioRegion } from '../../core/region.ts';
import { u32, vmstate } from '../../core/state.ts';
import type { PciBus } from './bus.ts';

const ENABLE = 0x8000_0000;

const hostOf = (type: string, section: string) =>
  defineDevice({
    type,
    desc: 'PCI host bridge: configuration mechanism #1',
    props: { bus: prop.required<PciBus>() },
    irqs: [],
    isa: () => ({ ports: { address: 0xcf8, data: 0xcfc } }),
    state: vmstate(section, 1, { configAddress: u32() }),
    create(s, { bus }) {
      const target = () => {
        if ((s.configAddress & ENABLE) === 0 || ((s.configAddress >> 16) & 0xff) !== 0) return undefined;
        return bus.at((s.configAddress >> 8) & 0xff);
      };
      const register = (offset: number): number => (s.configAddress & 0xff) | offset;

      const address = ioRegion('pci-conf-idx', 4, {
        read: () => s.configAddress,
        // Anything but a whole register passes on to the ports that lie under it.
        write(offset, value, size) {
          if (offset === 0 && size === 4) s.configAddress = value;
        },
      });
      const data = ioRegion('pci-conf-data', 4, {
        read: (offset, size) => target()?.read(register(offset), size) ?? 0xffff_ffff,
        write(offset, value, size) {
          target()?.write(register(offset), value, size);
        },
      });
      return { regions: { address, data }, sync() {} };
    },
  });

export const pciHost = hostOf('i440FX-pcihost', 'I440FX_PCIHOST');
export const q35Host = hostOf('q35-pcihost', 'Q35_PCIHOST');
