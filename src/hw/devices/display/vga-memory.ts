/**
 * Video memory behind the window at A0000h: four planes of the VGA, a byte of each in a 32-bit word, and the graphics
 * controller's data path to them. Document: IBM PS/2 Hardware Interface Technical Reference, 1991, "Video Subsystem".
 * In chain-4 and odd/even addressing the data path is bypassed, as in QEMU: software leaves it transparent there.
 */
import type { DeviceMemory } from '../../core/device.ts';
import { GR, GR_MODE, SR, SR_MEMORY, type VgaState, vbePacked } from './vga-state.ts';

/** The windows of GR6 bits 2 and 3, from A0000h on. */
export const WINDOWS = [
  { at: 0, size: 0x20000 },
  { at: 0, size: 0x10000 },
  { at: 0x10000, size: 0x8000 },
  { at: 0x18000, size: 0x8000 },
] as const;
/** The one that the bank register moves. */
const BANKED = 1;

/** Four bits, one a plane, as a mask of four bytes. */
const PLANES = Uint32Array.from({ length: 16 }, (_, bits) =>
  [0, 1, 2, 3].reduce((mask, plane) => mask + (bits & (1 << plane) ? 0xff * 2 ** (8 * plane) : 0), 0),
);
const planesOf = (bits: number): number => (PLANES[bits & 0xf] ?? 0) | 0;
const everyPlane = (byte: number): number => Math.imul(byte, 0x01010101);

export interface VgaMemory {
  /** `offset` from A0000h, below 20000h. */
  read(offset: number): number;
  write(offset: number, value: number): void;
  /** What accesses do is worked out anew. */
  registersChanged(): void;
  /** The part of the window that is plain memory now: where, and what of video memory it shows. */
  linearWindow(): { readonly at: number; readonly size: number; readonly offset: number } | undefined;
}

/** The registers as accesses of memory need them. */
interface DataPath {
  readonly isChain4: boolean;
  readonly isOddEven: boolean;
  /** The window, from A0000h on, and what of video memory it begins with. */
  readonly at: number;
  readonly size: number;
  readonly base: number;
  readonly mapMask: number;
  readonly writable: number;
  /** Planes 2 and 3 instead of 0 and 1 in odd/even addressing. */
  readonly upperPlanes: number;
  readonly readShift: number;
  readonly comparesColours: boolean;
  readonly writeMode: number;
  readonly rotate: number;
  readonly logic: number;
  readonly setReset: number;
  readonly enable: number;
  readonly bitMask: number;
}

function dataPathOf(s: VgaState): DataPath {
  const gr = (index: number): number => s.gr[index] ?? 0;
  const mode = (gr(GR.MISC) >> 2) & 3;
  const { at, size } = WINDOWS[mode] ?? WINDOWS[0];
  const mapMask = vbePacked(s) ? 0xf : (s.sr[SR.MAP_MASK] ?? 0) & 0xf;
  return {
    isChain4: vbePacked(s) || ((s.sr[SR.MEMORY] ?? 0) & SR_MEMORY.CHAIN4) !== 0,
    isOddEven: (gr(GR.MODE) & GR_MODE.ODD_EVEN) !== 0,
    at,
    size,
    base: mode === BANKED ? s.bankOffset : 0,
    mapMask,
    writable: planesOf(mapMask),
    upperPlanes: gr(GR.READ_MAP) & 2,
    readShift: 8 * gr(GR.READ_MAP),
    comparesColours: (gr(GR.MODE) & GR_MODE.READ_COMPARE) !== 0,
    writeMode: gr(GR.MODE) & 3,
    rotate: gr(GR.ROTATE) & 7,
    logic: (gr(GR.ROTATE) >> 3) & 3,
    setReset: planesOf(gr(GR.SET_RESET)),
    enable: planesOf(gr(GR.ENABLE_SET_RESET)),
    bitMask: gr(GR.BIT_MASK),
  };
}

/** `latch`, changed by `planes` as GR3's function says: replace, AND, OR, XOR. */
function combined(logic: number, planes: number, latch: number): number {
  if (logic === 0) return planes;
  return logic === 1 ? planes & latch : logic === 2 ? planes | latch : planes ^ latch;
}

/** What a processor's byte becomes in the four planes: GR5's write modes 0 to 3. */
function throughDataPath(path: DataPath, value: number, latch: number): number {
  const { writeMode, rotate, logic, setReset, enable } = path;
  if (writeMode === 1) return latch;
  const rotated = ((value >> rotate) | (value << (8 - rotate))) & 0xff;
  const planes =
    writeMode === 0
      ? (everyPlane(rotated) & ~enable) | (setReset & enable)
      : writeMode === 2
        ? planesOf(value)
        : setReset;
  const bits = everyPlane(writeMode === 3 ? path.bitMask & rotated : path.bitMask);
  return (combined(logic, planes, latch) & bits) | (latch & ~bits);
}

export function createVgaMemory(s: VgaState, { bytes, written }: DeviceMemory): VgaMemory {
  const size = bytes.length;
  const words = new Int32Array(bytes.buffer, bytes.byteOffset, size >> 2);
  let path: DataPath | undefined;

  /** In odd/even addressing, address bit 0 chooses between planes 0 and 1, or 2 and 3. */
  const oddEvenPlane = (upperPlanes: number, address: number): number => upperPlanes | (address & 1);
  const oddEvenOffset = (upperPlanes: number, address: number): number =>
    ((address & ~1) << 1) | oddEvenPlane(upperPlanes, address);

  function read(offset: number): number {
    path ??= dataPathOf(s);
    const within = offset - path.at;
    if (within < 0 || within >= path.size) return 0xff;
    const address = within + path.base;
    if (path.isChain4) return bytes[address] ?? 0xff;
    if (path.isOddEven) return bytes[oddEvenOffset(path.upperPlanes, address)] ?? 0xff;
    const word = words[address];
    if (word === undefined) return 0xff;
    s.latch = word >>> 0;
    if (!path.comparesColours) return (word >>> path.readShift) & 0xff;
    // Read mode 1: a 1 for each pixel whose planes, as far as they count, equal the compare colour.
    const [colour, counting] = [s.gr[GR.COLOUR_COMPARE] ?? 0, s.gr[GR.COLOUR_DONT_CARE] ?? 0];
    const differs = (word ^ planesOf(colour)) & planesOf(counting);
    return ~(differs | (differs >> 8) | (differs >> 16) | (differs >> 24)) & 0xff;
  }

  function write(offset: number, value: number): void {
    path ??= dataPathOf(s);
    const within = offset - path.at;
    if (within < 0 || within >= path.size) return;
    const address = within + path.base;
    if (path.isChain4) {
      if (path.mapMask & (1 << (address & 3))) store(address, value);
    } else if (path.isOddEven) {
      const plane = oddEvenPlane(path.upperPlanes, address);
      if (path.mapMask & (1 << plane)) store(oddEvenOffset(path.upperPlanes, address), value);
    } else if (address < words.length) {
      const { writable } = path;
      const planes = throughDataPath(path, value, s.latch);
      words[address] = ((words[address] as number) & ~writable) | (planes & writable);
      written(address * 4, 4);
    }
  }
  function store(at: number, value: number): void {
    if (at >= size) return;
    bytes[at] = value;
    written(at, 1);
  }

  return {
    read,
    write,
    registersChanged() {
      path = undefined;
    },
    linearWindow() {
      path ??= dataPathOf(s);
      const { isChain4, mapMask, at, size: length, base } = path;
      if (!isChain4 || mapMask !== 0xf) return undefined;
      return base + length <= size ? { at, size: length, offset: base } : undefined;
    },
  };
}
