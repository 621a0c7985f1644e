/** A PCI bus with host bridge, PIIX3 and PIIX4 on a bare address space, as on machine `pc`. */
import { VirtualClock } from '../../core/clock.ts';
import { createDevice, type Device } from '../../core/device.ts';
import { type IrqLine, Wire } from '../../core/irq.ts';
import { AddressSpace } from '../../core/memory.ts';
import { PORT_COUNT, PortSpace } from '../../core/ports.ts';
import { Container, ioRegion, ramRegion, romRegion } from '../../core/region.ts';
import { resetAll } from '../../core/reset.ts';
import { createPciBus } from './bus.ts';
import { devfnOf } from './config.ts';
import { pciHost } from './host.ts';
import { i440fx } from './i440fx.ts';
import { piix3, piixRoute } from './piix3.ts';
import { piix4Pm } from './piix4-pm.ts';

const MiB = 2 ** 20;

export function pciRig() {
  const clock = new VirtualClock();
  const ramBytes = new Uint8Array(3 * MiB);
  const ram = ramRegion('pc.ram', 2 * MiB, 0);
  const system = new Container('system', 2 ** 32);
  const pciMemory = new Container('pci', 2 ** 32);
  const io = new Container('io', PORT_COUNT);
  system.add(0, ram);
  system.add(0, pciMemory, { priority: -1 });
  pciMemory.add(0xc0000, romRegion('rom', 0x40000, 2 * MiB), { priority: 1 });
  pciMemory.add(0xa0000, ioRegion('vga', 0x20000, { read: () => 0, write() {} }), { priority: 1 });
  ramBytes.fill(0xbb, 2 * MiB, 2 * MiB + 0x40000);
  const memory = new AddressSpace(system, { bytes: ramBytes, written() {} });
  const ports = new PortSpace(io);

  const isaLevels = new Array<boolean>(16).fill(false);
  const isaIrqs: IrqLine[] = isaLevels.map((_, n) => new Wire((level) => (isaLevels[n] = level)));
  const requests = { reset: 0, shutdown: 0, suspend: 0 };
  const sci = new Wire();

  const bridge = createDevice(piix3, { clock, props: { isaIrqs, requestReset: () => void requests.reset++ } });
  const bus = createPciBus({ memory: pciMemory, io, route: piixRoute, lines: bridge.parts.pirqs });
  const host = createDevice(pciHost, { clock, props: { bus } });
  const northBridge = createDevice(i440fx, {
    clock,
    props: { system, pciMemory, ram, transaction: (change) => memory.transaction(change) },
  });
  const pm = createDevice(piix4Pm, {
    clock,
    props: {
      io,
      requestShutdown: () => void requests.shutdown++,
      requestSuspend: () => void requests.suspend++,
      serialPorts: 1,
    },
    irqs: { sci },
  });
  bus.plug(devfnOf(0, 0), northBridge.parts.pci);
  bus.plug(devfnOf(1, 0), bridge.parts.pci);
  bus.plug(devfnOf(1, 3), pm.parts.pci);
  io.add(0xcf8, host.parts.regions.address);
  io.add(0xcfc, host.parts.regions.data);
  io.add(0xcf9, bridge.parts.regions.resetControl, { priority: 1 });
  io.add(0xb2, pm.parts.regions.apm);

  const devices: readonly Device[] = [host, northBridge, bridge, pm];
  resetAll(devices);
  const select = (slot: number, fn: number, register: number): void =>
    ports.write(0xcf8, (0x8000_0000 | (slot << 11) | (fn << 8) | register) >>> 0, 4);
  return {
    clock,
    memory,
    ports,
    io,
    pciMemory,
    bus,
    devices,
    pm,
    sci,
    isaLevels,
    requests,
    readConfig(slot: number, fn: number, register: number, size = 4): number {
      select(slot, fn, register & ~3);
      return ports.read(0xcfc + (register & 3), size);
    },
    writeConfig(slot: number, fn: number, register: number, value: number, size = 4): void {
      select(slot, fn, register & ~3);
      ports.write(0xcfc + (register & 3), value, size);
    },
  };
}
