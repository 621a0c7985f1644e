/**
 * Cirrus Logic CL-GD5446 for PCI. Document: CL-GD5446 Technical Reference Manual, Cirrus Logic, 1996.
 * Not modelled: video windows, interlaced timing, DDC and EEPROM, power management; blits are done at once.
 */
import { rgba, SCANOUT, type Scanout, scanoutOf } from '../../../display/api.ts';
import { type DeviceMemory, defineDevice } from '../../core/device.ts';
import { prop } from '../../core/props.ts';
import { aliasRegion, BYTE_WIDE, Container, ioRegion, type Mapping } from '../../core/region.ts';
import { bytes, vmstate } from '../../core/state.ts';
import { CONFIG_BYTES } from '../pci/config.ts';
import { PciFunction } from '../pci/function.ts';
import { createCirrusBlitter } from './cirrus-blitter.ts';
import { BLT_MMIO_BYTES, createCirrusMemory, type LinearPiece } from './cirrus-memory.ts';
import { createCirrusRegisters, startAddress, strideBytes } from './cirrus-registers.ts';
import {
  bitsPerPixel,
  type CirrusState,
  CRX,
  cirrusFields,
  isLinear,
  SR_CONFIG,
  SR_CURSOR,
  SRX,
} from './cirrus-state.ts';
import { VGA_PORTS, VGA_WINDOW_AT, VGA_WINDOW_BYTES, vgaMmio, vgaPortRegions } from './vga-core.ts';
import { createVgaPorts } from './vga-registers.ts';
import { displayLines, displayWidth, eightBits, palette256, vgaScanout } from './vga-scanout.ts';
import { AR_VIDEO_ON, CR } from './vga-state.ts';
import { beamStatus } from './vga-timing.ts';

const MiB = 2 ** 20;
const VIDEO_BYTES = 4 * MiB;
const FRAME_BUFFER_BYTES = 32 * MiB; // the second half feeds blits
const MMIO_BYTES = 0x1000;
const BLT_AT = 0x100;

/** What straps and the chip's own reset leave: 4 MiB behind 64 bits, PCI. */
const RESET_SR: Readonly<Record<number, number>> = { 6: 0x0f, 15: 0x98, 21: 0x04, 23: 0x20, 31: 0x2d };
const FASTEST_MEMORY = { index: 0x18, value: 0x0f };

const KINDS = {
  8: SCANOUT.INDEXED,
  15: SCANOUT.RGB555,
  16: SCANOUT.RGB565,
  24: SCANOUT.RGB888,
  32: SCANOUT.XRGB8888,
} as const;

/** The cursor's patterns are in the last 16 KiB of video memory ("Hardware Cursor"). */
const PATTERNS_FROM_END = 0x4000;

function pointerOf(s: CirrusState) {
  const control = s.sr[SRX.CURSOR] ?? 0;
  if (!(control & SR_CURSOR.SHOWN)) return {};
  const isLarge = (control & SR_CURSOR.LARGE) !== 0;
  const slot = (s.sr[SRX.PATTERN] ?? 0) & (isLarge ? 0x3c : 0x3f);
  const colour = (index: number): number => {
    const part = (n: number): number => eightBits(s.cursorPalette[index * 3 + n] ?? 0);
    return rgba(part(0), part(1), part(2)) | 0;
  };
  return {
    pointerX: s.cursorX,
    pointerY: s.cursorY,
    pointerSize: isLarge ? 64 : 32,
    pointerAt: VIDEO_BYTES - PATTERNS_FROM_END + slot * 256,
    // 64 dots: both planes of a row side by side; 32 dots: one plane after the other.
    pointerStride: isLarge ? 16 : 4,
    pointerPlane: isLarge ? 8 : 128,
    pointerColour0: colour(0),
    pointerColour1: colour(15),
  };
}

function scanout(s: CirrusState, memoryOffset: number): Scanout {
  if (!isLinear(s) || !(s.arIndex & AR_VIDEO_ON)) return vgaScanout(s, memoryOffset, VIDEO_BYTES);
  const isInterlaced = ((s.cr[CRX.INTERLACE] ?? 0) & 1) !== 0;
  const lineCompare =
    (s.cr[CR.LINE_COMPARE] ?? 0) | (((s.cr[CR.OVERFLOW] ?? 0) & 0x10) << 4) | (((s.cr[CR.MAX_SCAN] ?? 0) & 0x40) << 3);
  const maxScan = s.cr[CR.MAX_SCAN] ?? 0;
  return scanoutOf({
    kind: KINDS[bitsPerPixel(s)],
    width: displayWidth(s),
    height: displayLines(s) * (isInterlaced ? 2 : 1),
    memoryOffset,
    memoryBytes: VIDEO_BYTES,
    start: startAddress(s) * 4,
    stride: strideBytes(s),
    repeatY: ((maxScan & 0x1f) + 1) << (maxScan >> 7),
    lineCompare,
    palette: palette256(s),
    ...pointerOf(s),
  });
}

export const cirrusVga = defineDevice({
  type: 'cirrus-vga',
  desc: 'Cirrus CLGD 54xx VGA',
  bus: 'PCI',
  props: {
    romfile: prop.string('vgabios-cirrus.bin', 'the VGA BIOS; empty: none'),
    memory: prop.required<Readonly<Record<'vram', DeviceMemory>> & { readonly rom?: DeviceMemory }>(),
    /** Where A0000h of the ISA bus lies. */
    legacyMemory: prop.required<Container>(),
    io: prop.required<Container>(),
    transaction: prop.required<(change: () => void) => void>(),
  },
  irqs: [],
  state: vmstate('cirrus_vga', 2, { config: bytes(CONFIG_BYTES), ...cirrusFields }),
  memory: ({ romfile }) => ({
    vram: { bytes: VIDEO_BYTES },
    ...(romfile !== '' && { rom: { file: romfile } }),
  }),
  create(s, { memory: { vram, rom }, legacyMemory, io, transaction, clock, log }) {
    const blitter = createCirrusBlitter(s, vram, { log, activityChanged: () => mappingsChanged() });
    const extension = createCirrusRegisters(s, { blitter, changed: () => mappingsChanged() });
    const memory = createCirrusMemory(s, vram, blitter, extension);
    const registers = createVgaPorts(s, {
      extension,
      status: () => beamStatus(s, clock.now()),
      changed: () => mappingsChanged(),
    });

    const window = new Container('cirrus-lowmem', VGA_WINDOW_BYTES);
    window.add(
      0,
      ioRegion('cirrus-window', VGA_WINDOW_BYTES, { read: memory.readWindow, write: memory.writeWindow }, BYTE_WIDE),
    );
    const frameBuffer = new Container('cirrus-pci-bar0', FRAME_BUFFER_BYTES);
    frameBuffer.add(
      0,
      ioRegion('cirrus-linear', FRAME_BUFFER_BYTES, { read: memory.readLinear, write: memory.writeLinear }, BYTE_WIDE),
    );
    const plain = (size: number): Mapping =>
      frameBuffer.add(0, aliasRegion('cirrus.vram', vram.region, 0, size), { priority: 1, enabled: false });
    // The blitter's registers may hide the last page.
    const whole = plain(VIDEO_BYTES);
    const allButLast = plain(VIDEO_BYTES - MMIO_BYTES);

    let pieces: readonly { readonly mapping: Mapping; readonly piece: LinearPiece }[] = [];
    function mappingsChanged(): void {
      memory.registersChanged();
      const hasMmio = ((s.sr[SRX.CONFIG] ?? 0) & SR_CONFIG.MMIO_LINEAR) !== 0;
      const wanted = memory.plainWindow();
      const isSame =
        wanted.length === pieces.length &&
        wanted.every(({ at, size, offset }, i) => {
          const old = pieces[i]?.piece;
          return at === old?.at && size === old.size && offset === old.offset;
        });
      transaction(() => {
        whole.update({ enabled: memory.isPlain && !hasMmio });
        allButLast.update({ enabled: memory.isPlain && hasMmio });
        if (isSame) return;
        for (const { mapping } of pieces) mapping.remove();
        pieces = wanted.map((piece) => ({
          piece,
          mapping: window.add(piece.at, aliasRegion('cirrus.bank', vram.region, piece.offset, piece.size), {
            priority: 1,
          }),
        }));
      });
    }

    const ports = vgaPortRegions(registers);
    for (const [name, port] of Object.entries(VGA_PORTS)) io.add(port, ports[name as keyof typeof VGA_PORTS]);
    legacyMemory.add(VGA_WINDOW_AT, window, { priority: 1 });
    const mmio = new Container('cirrus-mmio', MMIO_BYTES);
    mmio.add(0, vgaMmio(registers));
    mmio.add(
      BLT_AT,
      ioRegion('cirrus-blt', BLT_MMIO_BYTES, { read: extension.readMmio, write: extension.writeMmio }, BYTE_WIDE),
    );
    const pci = new PciFunction(s.config, {
      vendorId: 0x1013,
      deviceId: 0x00b8,
      classCode: 0x030000,
      bars: [
        { index: 0, kind: 'memory', prefetchable: true, region: frameBuffer },
        { index: 1, kind: 'memory', region: mmio },
      ],
      ...(rom && { rom: rom.region }),
    });
    return {
      regions: { ...ports, window, frameBuffer, mmio },
      pci,
      registers,
      display: { describe: () => scanout(s, vram.region.ramOffset) },
      reset() {
        pci.reset();
        for (const [index, value] of Object.entries(RESET_SR)) s.sr[Number(index)] = value;
        s.gr[FASTEST_MEMORY.index] = FASTEST_MEMORY.value;
      },
      sync() {
        pci.sync();
        mappingsChanged();
      },
    };
  },
});
