/** The VGA's ports 3B4h to 3DAh. The CRT controller and status answer at 3Bxh or 3Dxh as bit 0 of MSR says. */
import { AR, AR_COUNT, CR, CR_PROTECT, GR_MASK, MSR_COLOUR, SR_MASK, type VgaState } from './vga-state.ts';

export interface VgaPorts {
  /** `port` as on the ISA bus. */
  read(port: number): number;
  write(port: number, value: number): void;
}

/** What a chip adds to the VGA: it is asked first. */
export interface VgaExtension {
  /** Undefined: the VGA answers. */
  read(port: number): number | undefined;
  /** False: the VGA takes it. */
  write(port: number, value: number): boolean;
}

export interface VgaPortWiring {
  readonly extension?: VgaExtension;
  /** Input status register 1. */
  status(): number;
  /** A register of the CRT or graphics controller or sequencer was written. */
  changed(): void;
}

/** Bits of the attribute controller's registers from 10h on. */
const AR_MASKS: Readonly<Record<number, number>> = {
  [AR.MODE]: 0xef,
  [AR.OVERSCAN]: 0xff,
  [AR.PLANE_ENABLE]: 0x3f,
  [AR.PANNING]: 0x0f,
  [AR.COLOUR_SELECT]: 0x0f,
};
const AR_PALETTE_MASK = 0x3f;
const LINE_COMPARE_8 = 0x10; // of CR7: writable in spite of the protection
const DAC_READ = 3;
const DAC_WRITE = 0;

export function createVgaPorts(s: VgaState, { extension, status, changed }: VgaPortWiring): VgaPorts {
  /** A port of the bank that MSR has switched off. */
  function isHidden(port: number): boolean {
    const bank = port & 0x3f0;
    return bank === (s.msr & MSR_COLOUR ? 0x3b0 : 0x3d0);
  }

  function read(port: number): number {
    if (isHidden(port)) return 0xff;
    const extended = extension?.read(port);
    if (extended !== undefined) return extended;
    switch (port) {
      case 0x3c0:
        return s.arData ? 0 : s.arIndex;
      case 0x3c1:
        return s.ar[s.arIndex & 0x1f] ?? 0;
      case 0x3c2:
        return 0; // input status register 0: neither a switch nor an interrupt
      case 0x3c4:
        return s.srIndex;
      case 0x3c5:
        return s.sr[s.srIndex] ?? 0;
      case 0x3c7:
        return s.dacState;
      case 0x3c8:
        return s.dacWriteIndex;
      case 0x3c9:
        return readPalette();
      case 0x3ca:
        return s.fcr;
      case 0x3cc:
        return s.msr;
      case 0x3ce:
        return s.grIndex;
      case 0x3cf:
        return s.gr[s.grIndex] ?? 0;
      case 0x3b4:
      case 0x3d4:
        return s.crIndex;
      case 0x3b5:
      case 0x3d5:
        return s.cr[s.crIndex] ?? 0;
      case 0x3ba:
      case 0x3da:
        s.arData = false;
        return status();
      default:
        return 0;
    }
  }

  function write(port: number, value: number): void {
    if (isHidden(port) || extension?.write(port, value)) return;
    switch (port) {
      case 0x3c0:
        writeAttribute(value);
        break;
      case 0x3c2:
        s.msr = value & ~0x10;
        break;
      case 0x3c4:
        s.srIndex = value & 7;
        break;
      case 0x3c5:
        s.sr[s.srIndex] = value & (SR_MASK[s.srIndex] ?? 0);
        changed();
        break;
      case 0x3c7:
        s.dacReadIndex = value;
        s.dacPart = 0;
        s.dacState = DAC_READ;
        break;
      case 0x3c8:
        s.dacWriteIndex = value;
        s.dacPart = 0;
        s.dacState = DAC_WRITE;
        break;
      case 0x3c9:
        writePalette(value);
        break;
      case 0x3ce:
        s.grIndex = value & 0xf;
        break;
      case 0x3cf:
        s.gr[s.grIndex] = value & (GR_MASK[s.grIndex] ?? 0);
        changed();
        break;
      case 0x3b4:
      case 0x3d4:
        s.crIndex = value;
        break;
      case 0x3b5:
      case 0x3d5:
        writeCrtc(s.crIndex, value);
        changed();
        break;
      case 0x3ba:
      case 0x3da:
        s.fcr = value & 0x10;
        break;
    }
  }

  function writeAttribute(value: number): void {
    const index = s.arIndex & 0x1f;
    if (!s.arData) s.arIndex = value & 0x3f;
    else if (index < AR_COUNT) s.ar[index] = value & (AR_MASKS[index] ?? AR_PALETTE_MASK);
    s.arData = !s.arData;
  }

  function writeCrtc(index: number, value: number): void {
    const isProtected = index <= CR.OVERFLOW && ((s.cr[CR.V_RETRACE_END] ?? 0) & CR_PROTECT) !== 0;
    if (!isProtected) s.cr[index] = value;
    else if (index === CR.OVERFLOW) s.cr[index] = ((s.cr[index] ?? 0) & ~LINE_COMPARE_8) | (value & LINE_COMPARE_8);
  }

  function readPalette(): number {
    const value = s.palette[s.dacReadIndex * 3 + s.dacPart] ?? 0;
    s.dacPart = (s.dacPart + 1) % 3;
    if (s.dacPart === 0) s.dacReadIndex = (s.dacReadIndex + 1) & 0xff;
    return value;
  }

  /** A colour takes effect as a whole, with its third byte. */
  function writePalette(value: number): void {
    s.dacCache[s.dacPart] = value;
    s.dacPart = (s.dacPart + 1) % 3;
    if (s.dacPart !== 0) return;
    s.palette.set(s.dacCache, s.dacWriteIndex * 3);
    s.dacWriteIndex = (s.dacWriteIndex + 1) & 0xff;
  }

  return { read, write };
}
