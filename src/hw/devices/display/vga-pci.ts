/**
 * QEMU's standard VGA for PCI: VGA core, linear frame buffer in BAR 0, registers in BAR 2.
 * Document: QEMU's docs/specs/standard-vga.rst (revision 2 of the device, with QEMU's extension registers).
 * Not modelled: a big-endian frame buffer.
 */
import type { DeviceMemory } from '../../core/device.ts';
import { defineDevice } from '../../core/device.ts';
import { prop } from '../../core/props.ts';
import { BYTE_WIDE, Container, type IoRegion, ioRegion } from '../../core/region.ts';
import { bytes, vmstate } from '../../core/state.ts';
import { CONFIG_BYTES } from '../pci/config.ts';
import { PciFunction } from '../pci/function.ts';
import { MAX_HEIGHT, MAX_WIDTH } from './bochs-dispi.ts';
import { edidOf } from './edid.ts';
import { createVga, STD_VGA_PORTS, VGA_WINDOW_AT, type VgaCore, vgaMmio } from './vga-core.ts';
import { vgamem, videoMemoryBytes } from './vga-memory-size.ts';
import { VBE, vgaFields } from './vga-state.ts';

const PREFERRED_MODE = { width: 1280, height: 800 };
const EDID_WINDOW_BYTES = 0x100;
const MMIO_BYTES = 0x1000;
const MMIO = { VGA: 0x400, DISPI: 0x500, QEMU: 0x600 } as const;
const QEMU_REGISTERS = { SIZE: 0, ENDIANNESS: 4 } as const;
const LITTLE_ENDIAN = 0x1e1e1e1e;

function dispiMmio({ dispi }: VgaCore): IoRegion {
  return ioRegion(
    'bochs dispi interface',
    2 * (VBE.MEMORY_64K + 1),
    { read: (offset) => dispi.read(offset >> 1), write: (offset, value) => dispi.write(offset >> 1, value & 0xffff) },
    { impl: { min: 2, max: 2 } },
  );
}

function edidMmio(): IoRegion {
  const block = edidOf(PREFERRED_MODE, { width: MAX_WIDTH, height: MAX_HEIGHT });
  return ioRegion('edid', EDID_WINDOW_BYTES, { read: (offset) => block[offset] ?? 0, write() {} }, BYTE_WIDE);
}

function qemuMmio(): IoRegion {
  const values: Readonly<Record<number, number>> = {
    [QEMU_REGISTERS.SIZE]: 8,
    [QEMU_REGISTERS.ENDIANNESS]: LITTLE_ENDIAN,
  };
  return ioRegion(
    'qemu extended regs',
    8,
    { read: (offset) => values[offset] ?? 0, write() {} },
    { valid: { min: 4, max: 4 }, impl: { min: 4, max: 4 } },
  );
}

export const vgaPci = defineDevice({
  type: 'VGA',
  desc: '',
  bus: 'PCI',
  props: {
    vgamem_mb: vgamem,
    edid: prop.bool(true, 'the monitor says what it is'),
    romfile: prop.string('vgabios-stdvga.bin', 'the VGA BIOS; empty: none'),
    memory: prop.required<Readonly<Record<'vram', DeviceMemory>> & { readonly rom?: DeviceMemory }>(),
    /** Where A0000h of the ISA bus lies. */
    legacyMemory: prop.required<Container>(),
    io: prop.required<Container>(),
    transaction: prop.required<(change: () => void) => void>(),
  },
  irqs: [],
  state: vmstate('vga', 2, { config: bytes(CONFIG_BYTES), ...vgaFields }),
  memory: ({ vgamem_mb, romfile }) => ({
    vram: { bytes: videoMemoryBytes(vgamem_mb) },
    ...(romfile !== '' && { rom: { file: romfile } }),
  }),
  create(s, { memory, edid, legacyMemory, io, transaction, clock }) {
    const core = createVga(s, { clock, vram: memory.vram, transaction });
    for (const [name, port] of Object.entries(STD_VGA_PORTS))
      io.add(port, core.ports[name as keyof typeof STD_VGA_PORTS]);
    legacyMemory.add(VGA_WINDOW_AT, core.window, { priority: 1 });

    const mmio = new Container('vga.mmio', MMIO_BYTES);
    if (edid) mmio.add(0, edidMmio());
    mmio.add(MMIO.VGA, vgaMmio(core.registers));
    mmio.add(MMIO.DISPI, dispiMmio(core));
    mmio.add(MMIO.QEMU, qemuMmio());
    const pci = new PciFunction(s.config, {
      vendorId: 0x1234,
      deviceId: 0x1111,
      revision: 2,
      classCode: 0x030000,
      bars: [
        { index: 0, kind: 'memory', prefetchable: true, region: memory.vram.region },
        { index: 2, kind: 'memory', region: mmio },
      ],
      ...(memory.rom && { rom: memory.rom.region }),
    });
    return {
      regions: { ...core.ports, window: core.window, mmio },
      pci,
      display: core.display,
      reset() {
        pci.reset();
        core.reset();
      },
      sync() {
        pci.sync();
        core.sync();
      },
    };
  },
});
