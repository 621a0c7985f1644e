/**
 * QEMU's standard VGA for the ISA bus, with its linear frame buffer at a fixed address. Its BIOS comes to firmware as a
 * file. Document: QEMU's docs/specs/standard-vga.rst.
 */
import type { DeviceMemory } from '../../core/device.ts';
import { defineDevice } from '../../core/device.ts';
import { prop } from '../../core/props.ts';
import type { Container } from '../../core/region.ts';
import { vmstate } from '../../core/state.ts';
import { createVga, STD_VGA_PORTS, VGA_WINDOW_AT } from './vga-core.ts';
import { vgamem, videoMemoryBytes } from './vga-memory-size.ts';
import { vgaFields } from './vga-state.ts';

const BIOS = 'vgabios.bin';
const FRAME_BUFFER_AT = 0xe000_0000;

export const isaVga = defineDevice({
  type: 'isa-vga',
  desc: '',
  bus: 'ISA',
  props: {
    vgamem_mb: vgamem,
    memory: prop.required<Readonly<Record<'vram' | 'rom', DeviceMemory>>>(),
    /** Where A0000h of the ISA bus lies. */
    legacyMemory: prop.required<Container>(),
    system: prop.required<Container>(),
    transaction: prop.required<(change: () => void) => void>(),
  },
  irqs: [],
  state: vmstate('isa-vga', 1, vgaFields),
  isa: () => ({ ports: STD_VGA_PORTS }),
  memory: ({ vgamem_mb }) => ({ vram: { bytes: videoMemoryBytes(vgamem_mb) }, rom: { file: BIOS } }),
  create(s, { memory, legacyMemory, system, transaction, clock }) {
    const core = createVga(s, { clock, vram: memory.vram, transaction });
    legacyMemory.add(VGA_WINDOW_AT, core.window, { priority: 1 });
    system.add(FRAME_BUFFER_AT, memory.vram.region, { priority: 1 });
    return {
      regions: { ...core.ports, window: core.window },
      display: core.display,
      registers: core.registers,
      dispi: core.dispi,
      firmwareFiles: { [`vgaroms/${BIOS}`]: { bytes: memory.rom.bytes } },
      reset: core.reset,
      sync: core.sync,
    };
  },
});
