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
  /** The part of the window that is plain memory now: where, and what of video memory it shows. */
  linearWindow(): { readonly at: number; readonly size: number; readonly offset: number } | undefined;
}

export function createVgaMemory(s: VgaState, { bytes, written }: DeviceMemory): VgaMemory {
  const size = bytes.length;
  const words = new Int32Array(bytes.buffer, bytes.byteOffset, size >> 2);

  const isChain4 = (): boolean => vbePacked(s) || ((s.sr[SR.MEMORY] ?? 0) & SR_MEMORY.CHAIN4) !== 0;
  const mapMask = (): number => (vbePacked(s) ? 0xf : (s.sr[SR.MAP_MASK] ?? 0) & 0xf);
  const mapMode = (): number => ((s.gr[GR.MISC] ?? 0) >> 2) & 3;
  const gr = (index: number): number => s.gr[index] ?? 0;

  /** The address that an access of the window means; -1: the window does not reach there. */
  function addressOf(offset: number): number {
    const mode = mapMode();
    const window = WINDOWS[mode] ?? WINDOWS[0];
    const at = offset - window.at;
    if (at < 0 || at >= window.size) return -1;
    return mode === BANKED ? at + s.bankOffset : at;
  }
  /** In odd/even addressing, address bit 0 chooses between planes 0 and 1, or 2 and 3. */
  const oddEvenPlane = (address: number): number => (gr(GR.READ_MAP) & 2) | (address & 1);
  const oddEvenOffset = (address: number): number => ((address & ~1) << 1) | oddEvenPlane(address);

  function read(offset: number): number {
    const address = addressOf(offset);
    if (address < 0) return 0xff;
    if (isChain4()) return bytes[address] ?? 0xff;
    if (gr(GR.MODE) & GR_MODE.ODD_EVEN) return bytes[oddEvenOffset(address)] ?? 0xff;
    const word = words[address];
    if (word === undefined) return 0xff;
    s.latch = word >>> 0;
    if ((gr(GR.MODE) & GR_MODE.READ_COMPARE) === 0) return (word >>> (8 * gr(GR.READ_MAP))) & 0xff;
    // Read mode 1: a 1 for each pixel whose planes, as far as they count, equal the compare colour.
    const differs = (word ^ planesOf(gr(GR.COLOUR_COMPARE))) & planesOf(gr(GR.COLOUR_DONT_CARE));
    return ~(differs | (differs >> 8) | (differs >> 16) | (differs >> 24)) & 0xff;
  }

  function write(offset: number, value: number): void {
    const address = addressOf(offset);
    if (address < 0) return;
    if (isChain4()) {
      if (mapMask() & (1 << (address & 3))) store(address, value);
    } else if (gr(GR.MODE) & GR_MODE.ODD_EVEN) {
      if (mapMask() & (1 << oddEvenPlane(address))) store(oddEvenOffset(address), value);
    } else if (address < words.length) {
      const mask = planesOf(mapMask());
      words[address] = ((words[address] ?? 0) & ~mask) | (throughDataPath(value) & mask);
      written(address * 4, 4);
    }
  }
  function store(at: number, value: number): void {
    if (at >= size) return;
    bytes[at] = value;
    written(at, 1);
  }

  /** What a processor's byte becomes in the four planes: GR5's write modes 0 to 3. */
  function throughDataPath(value: number): number {
    const { latch } = s;
    const rotate = gr(GR.ROTATE) & 7;
    const rotated = ((value >> rotate) | (value << (8 - rotate))) & 0xff;
    const setReset = planesOf(gr(GR.SET_RESET));
    switch (gr(GR.MODE) & 3) {
      case 0: {
        const enable = planesOf(gr(GR.ENABLE_SET_RESET));
        return masked(combined((everyPlane(rotated) & ~enable) | (setReset & enable)), gr(GR.BIT_MASK));
      }
      case 1:
        return latch;
      case 2:
        return masked(combined(planesOf(value)), gr(GR.BIT_MASK));
      default:
        return masked(combined(setReset), gr(GR.BIT_MASK) & rotated);
    }
  }
  /** GR3's function: replace, AND, OR or XOR with the latch. */
  function combined(planes: number): number {
    switch ((gr(GR.ROTATE) >> 3) & 3) {
      case 1:
        return planes & s.latch;
      case 2:
        return planes | s.latch;
      case 3:
        return planes ^ s.latch;
      default:
        return planes;
    }
  }
  const masked = (planes: number, bits: number): number => (planes & everyPlane(bits)) | (s.latch & ~everyPlane(bits));

  return {
    read,
    write,
    linearWindow() {
      if (!isChain4() || mapMask() !== 0xf) return undefined;
      const mode = mapMode();
      const { at, size: length } = WINDOWS[mode] ?? WINDOWS[0];
      const offset = mode === BANKED ? s.bankOffset : 0;
      return offset + length <= size ? { at, size: length, offset } : undefined;
    },
  };
}
