/**
 * The VGA with Bochs's display interface: what the adapters for PCI and ISA have in common. Documents: IBM PS/2 Hardware
 * Interface Technical Reference, 1991, "Video Subsystem"; QEMU's docs/specs/standard-vga.rst.
 * Not modelled: the vertical interrupt, switch sense, overscan, light pen, MSR's RAM enable (as in QEMU).
 */
import type { Display } from '../../../display/api.ts';
import type { Clock } from '../../core/clock.ts';
import type { DeviceMemory } from '../../core/device.ts';
import { aliasRegion, BYTE_WIDE, Container, type IoRegion, ioRegion, type Mapping } from '../../core/region.ts';
import { type BochsDispi, createBochsDispi } from './bochs-dispi.ts';
import { createVgaMemory } from './vga-memory.ts';
import { createVgaPorts, type VgaPorts } from './vga-registers.ts';
import { vgaScanout } from './vga-scanout.ts';
import { VBE, VBE_ID5, type VgaState } from './vga-state.ts';
import { beamStatus } from './vga-timing.ts';

export const VGA_WINDOW_AT = 0xa0000;
export const VGA_WINDOW_BYTES = 0x20000;

/** Where the regions of `ports` lie in I/O space. */
export const VGA_PORTS = {
  mono: 0x3b4,
  monoStatus: 0x3ba,
  vga: 0x3c0,
  color: 0x3d4,
  colorStatus: 0x3da,
} as const;
/** The same, with the ports of Bochs's display interface. */
export const STD_VGA_PORTS = { ...VGA_PORTS, vbeIndex: 0x1ce, vbeData: 0x1cf } as const;
const SIZES: Readonly<Record<keyof typeof VGA_PORTS, number>> = {
  mono: 2,
  monoStatus: 1,
  vga: 16,
  color: 2,
  colorStatus: 1,
};

export function vgaPortRegions(registers: VgaPorts): Readonly<Record<keyof typeof VGA_PORTS, IoRegion>> {
  const region = (name: keyof typeof VGA_PORTS): IoRegion =>
    ioRegion(
      `vga-${name}`,
      SIZES[name],
      {
        read: (offset) => registers.read(VGA_PORTS[name] + offset),
        write: (offset, value) => registers.write(VGA_PORTS[name] + offset, value),
      },
      BYTE_WIDE,
    );
  return {
    mono: region('mono'),
    monoStatus: region('monoStatus'),
    vga: region('vga'),
    color: region('color'),
    colorStatus: region('colorStatus'),
  };
}

/** 3C0h to 3DFh in a PCI adapter's memory, byte by byte. */
export const vgaMmio = (registers: VgaPorts): IoRegion =>
  ioRegion(
    'vga ioports remapped',
    32,
    {
      read: (offset) => registers.read(VGA_PORTS.vga + offset),
      write: (offset, value) => registers.write(VGA_PORTS.vga + offset, value),
    },
    BYTE_WIDE,
  );

export interface VgaWiring {
  readonly clock: Clock;
  readonly vram: DeviceMemory;
  readonly transaction: (change: () => void) => void;
}

export interface VgaCore {
  readonly ports: Readonly<Record<keyof typeof STD_VGA_PORTS, IoRegion>>;
  /** 128 KiB to be placed at A0000h, above RAM. */
  readonly window: Container;
  readonly display: Display;
  readonly registers: VgaPorts;
  readonly dispi: BochsDispi;
  reset(): void;
  sync(): void;
}

export function createVga(s: VgaState, { clock, vram, transaction }: VgaWiring): VgaCore {
  const memory = createVgaMemory(s, vram);
  const window = new Container('vga-lowmem', VGA_WINDOW_BYTES);
  window.add(0, ioRegion('vga-window', VGA_WINDOW_BYTES, memory, BYTE_WIDE));
  /** Where the window is plain memory, the guest reaches it without us. */
  let linear:
    | { readonly mapping: Mapping; readonly at: number; readonly size: number; readonly offset: number }
    | undefined;

  function windowChanged(): void {
    memory.registersChanged();
    const next = memory.linearWindow();
    if (next?.at === linear?.at && next?.size === linear?.size && next?.offset === linear?.offset) return;
    transaction(() => {
      linear?.mapping.remove();
      linear = next && {
        ...next,
        mapping: window.add(next.at, aliasRegion('vga.chain4', vram.region, next.offset, next.size), { priority: 1 }),
      };
    });
  }

  const dispi = createBochsDispi(s, {
    memoryBytes: vram.bytes.length,
    clear(length) {
      vram.bytes.fill(0, 0, length);
      vram.written(0, length);
    },
    windowChanged,
  });
  const registers = createVgaPorts(s, {
    status: () => beamStatus(s, clock.now()),
    changed() {
      dispi.override();
      windowChanged();
    },
  });

  const wordPort = (name: string, read: () => number, write: (value: number) => void): IoRegion =>
    ioRegion(name, 1, { read, write: (_at, value) => write(value) }, { impl: { min: 2, max: 2 } });

  return {
    ports: {
      ...vgaPortRegions(registers),
      vbeIndex: wordPort(
        'vbe-index',
        () => s.vbeIndex,
        (value) => void (s.vbeIndex = value & 0xffff),
      ),
      vbeData: wordPort(
        'vbe-data',
        () => dispi.read(s.vbeIndex),
        (value) => dispi.write(s.vbeIndex, value & 0xffff),
      ),
    },
    window,
    display: { describe: () => vgaScanout(s, vram.region.ramOffset, vram.bytes.length) },
    registers,
    dispi,
    reset() {
      s.vbe[VBE.ID] = VBE_ID5;
    },
    sync: windowChanged,
  };
}
