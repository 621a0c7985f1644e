/**
 * Intel ICH9's SATA controller in AHCI mode. Documents: Serial ATA AHCI 1.3 (§ names), Intel 316972-004 (ICH9), chapter 15.
 * Not modelled: message signalled interrupts, port multipliers, hot plug, power management, command completion
 * coalescing, enclosure management, legacy IDE mode.
 */
import { defineDevice } from '../../core/device.ts';
import type { Dma } from '../../core/dma.ts';
import { prop } from '../../core/props.ts';
import { ioRegion } from '../../core/region.ts';
import { array, bytes, u32, vmstate } from '../../core/state.ts';
import { CONFIG_BYTES } from '../pci/config.ts';
import { PciFunction } from '../pci/function.ts';
import { AhciPort } from './ahci-port.ts';
import { CAP, GHC, HOST, PORT_BYTES, PORTS_AT, type PortState, portState, VERSION } from './ahci-state.ts';

const PORTS = 6;
const MEMORY_BYTES = 0x1000;
const INDEX_PORTS = 32;
/** §2.2: index and data registers within the I/O window. */
const INDEX_AT = 0x10;
const SATA_CAPABILITY = { id: 0x12, at: 0xa8 } as const;
const ADDRESS_MAP = 0x90;

export const ahci = defineDevice({
  type: 'ich9-ahci',
  desc: '',
  bus: 'PCI',
  props: {
    dma: prop.required<Dma>(),
    /** What the ports' buses are called, before a number; none: as the controller itself. */
    buses: prop.code(''),
  },
  irqs: [],
  state: vmstate('ich9_ahci', 1, {
    config: bytes(CONFIG_BYTES),
    ghc: u32(GHC.AHCI),
    index: u32(),
    ports: array(PORTS, portState),
  }),
  create(s, { id, dma, buses, log }) {
    const ports = s.ports.map(
      (state, n) =>
        new AhciPort(state as PortState, {
          name: `${buses || id}.${n}`,
          node: n,
          number: n * 2 + 1,
          memory: dma,
          log,
          interruptChanged: () => updateInterrupt(),
        }),
    );
    /** §3.1.3: a bit for each port that has something to say. */
    const interruptStatus = (): number => ports.reduce((bits, port, n) => bits | (port.interrupts ? 1 << n : 0), 0);
    function updateInterrupt(): void {
      pci.intx.set(interruptStatus() !== 0 && (s.ghc & GHC.INTERRUPTS) !== 0);
    }
    function resetAll(): void {
      s.ghc = GHC.AHCI;
      for (const port of ports) port.reset();
    }
    const portAt = (offset: number): AhciPort | undefined =>
      offset < PORTS_AT ? undefined : ports[Math.floor((offset - PORTS_AT) / PORT_BYTES)];

    function readRegister(offset: number): number {
      switch (offset) {
        case HOST.CAP:
          return (CAP | (PORTS - 1)) >>> 0;
        case HOST.GHC:
          return s.ghc;
        case HOST.IS:
          return interruptStatus();
        case HOST.PI:
          return (1 << PORTS) - 1;
        case HOST.VS:
          return VERSION;
        default:
          return portAt(offset)?.read(offset % PORT_BYTES) ?? 0;
      }
    }
    function writeRegister(offset: number, value: number): void {
      if (offset === HOST.GHC) {
        if (value & GHC.RESET) resetAll();
        else s.ghc = ((value & GHC.INTERRUPTS) | GHC.AHCI) >>> 0;
        updateInterrupt();
      } else {
        portAt(offset)?.write(offset % PORT_BYTES, value);
      }
    }
    const memory = ioRegion('ahci', MEMORY_BYTES, {
      read: (offset) => readRegister(offset & ~3) >>> (8 * (offset & 3)),
      write(offset, value) {
        if ((offset & 3) === 0) writeRegister(offset, value);
      },
    });
    const indexed = ioRegion('ahci-idp', INDEX_PORTS, {
      read(offset) {
        if (offset === INDEX_AT) return s.index;
        return offset === INDEX_AT + 4 ? readRegister(s.index) : 0;
      },
      write(offset, value) {
        if (offset === INDEX_AT) s.index = value & (MEMORY_BYTES - 1) & ~3;
        else if (offset === INDEX_AT + 4) writeRegister(s.index, value);
      },
    });

    const pci = new PciFunction(s.config, {
      vendorId: 0x8086,
      deviceId: 0x2922,
      revision: 0x02,
      classCode: 0x010601,
      interruptPin: 1,
      bars: [
        { index: 4, kind: 'io', region: indexed },
        { index: 5, kind: 'memory', region: memory },
      ],
      // Revision 1.0, index and data registers in BAR 4 at 10h.
      capabilities: [{ id: SATA_CAPABILITY.id, at: SATA_CAPABILITY.at, body: [0x10, 0x00, 0x48, 0, 0, 0] }],
      specific: { [ADDRESS_MAP]: 0x40 },
    });
    return {
      regions: { memory, indexed },
      pci,
      buses: ports,
      reset() {
        pci.reset();
        resetAll();
      },
      sync() {
        pci.sync();
        updateInterrupt();
      },
    };
  },
});
