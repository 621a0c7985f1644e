/** A PIIX3 IDE controller with what hangs on it, on a bare port space and 1 MiB of memory. */
import { type TestDrive, testDrive } from '../../../block/drive.fixture.ts';
import { VirtualClock } from '../../core/clock.ts';
import { createDevice, type Device, loadDevices } from '../../core/device.ts';
import { createDma } from '../../core/dma.ts';
import { Wire } from '../../core/irq.ts';
import { AddressSpace } from '../../core/memory.ts';
import { PORT_COUNT, PortSpace } from '../../core/ports.ts';
import { Container, ramRegion } from '../../core/region.ts';
import { resetAll } from '../../core/reset.ts';
import { ideCd } from './ide-cd.ts';
import { ideHd } from './ide-hd.ts';
import { piix3Ide } from './piix3-ide.ts';

const RAM_BYTES = 2 ** 20;
const BUS_MASTERS = 0xc000;

/** A disk whose sectors all differ. */
export function patternDisk(sectors: number): Uint8Array {
  const bytes = new Uint8Array(sectors * 512);
  const words = new Uint32Array(bytes.buffer);
  for (let i = 0; i < words.length; i++) words[i] = Math.imul(i, 0x9e3779b1);
  return bytes;
}

export interface IdeRigOptions {
  readonly disk?: TestDrive;
  /** A CD-ROM drive as unit 1. */
  readonly disc?: TestDrive;
  readonly ram?: Uint8Array;
  /** What devices saved in another rig on the same disk and memory; absent: they are reset. */
  readonly saved?: readonly Uint8Array[];
}

export function ideRig(options: IdeRigOptions = {}) {
  const { disk = testDrive(patternDisk(4096)), disc, ram = new Uint8Array(RAM_BYTES), saved } = options;
  const system = new Container('system', 2 ** 32);
  system.add(0, ramRegion('ram', RAM_BYTES, 0));
  const memory = new AddressSpace(system, { bytes: ram, written() {} });
  const irq = { level: false, edges: 0 };
  const primary = new Wire((level) => {
    irq.level = level;
    if (level) irq.edges++;
  });
  const clock = new VirtualClock();
  const controller = createDevice(piix3Ide, { clock, props: { dma: createDma(memory) }, irqs: { primary } });
  const hd = createDevice(ideHd, { clock, props: { parent: controller.parts.buses[0], drive: disk, unit: 0 } });
  const cd = disc && createDevice(ideCd, { clock, props: { parent: controller.parts.buses[0], drive: disc, unit: 1 } });
  const devices: Device[] = [controller, hd, ...(cd === undefined ? [] : [cd])];
  const io = new Container('io', PORT_COUNT);
  const places = piix3Ide.isa?.({ dma: createDma(memory) }).ports ?? {};
  for (const [name, region] of Object.entries(controller.parts.regions)) {
    io.add(places[name] ?? BUS_MASTERS, region);
  }
  const ports = new PortSpace(io);
  if (saved === undefined) resetAll(devices);
  else loadDevices(devices.map((device, i) => ({ device, bytes: saved[i] as Uint8Array })));
  const rig = {
    controller,
    hd,
    devices,
    disk,
    disc,
    ram,
    irq,
    in: (port: number, size = 1) => ports.read(port, size),
    out: (port: number, value: number, size = 1) => ports.write(port, value, size),
    reset: () => resetAll(devices),
    save: () => devices.map((device) => device.save()),
    /** Writes a command's registers, LBA, and the command. */
    command(code: number, { lba = 0, count = 1, feature = 0, device = 0xe0 } = {}) {
      const values = [feature, count & 0xff, lba & 0xff, (lba >> 8) & 0xff, (lba >> 16) & 0xff, device];
      for (const [i, value] of values.entries()) rig.out(0x1f1 + i, value);
      rig.out(0x1f7, code);
    },
    words(count: number): Uint8Array {
      const bytes = new Uint8Array(count * 2);
      const view = new DataView(bytes.buffer);
      for (let i = 0; i < count; i++) view.setUint16(i * 2, rig.in(0x1f0, 2), true);
      return bytes;
    },
    /** Physical region descriptors, and the bus master started. */
    startBusMaster(table: readonly (readonly [gpa: number, length: number])[], command: number) {
      const view = new DataView(ram.buffer);
      for (const [i, [gpa, length]] of table.entries()) {
        view.setUint32(0x1000 + i * 8, gpa, true);
        view.setUint32(0x1004 + i * 8, ((length & 0xffff) | (i === table.length - 1 ? 0x8000_0000 : 0)) >>> 0, true);
      }
      rig.out(BUS_MASTERS + 2, 0x66);
      rig.out(BUS_MASTERS + 4, 0x1000, 4);
      rig.out(BUS_MASTERS, command);
    },
    get busMasterStatus() {
      return rig.in(BUS_MASTERS + 2);
    },
  };
  return rig;
}

export type IdeRig = ReturnType<typeof ideRig>;

/** Everything as it is, in new devices on the same disk and memory. */
export const reloaded = ({ disk, disc, ram, save }: IdeRig): IdeRig =>
  ideRig({ disk, ...(disc && { disc }), ram, saved: save() });
