/** Small kernel images made for the tests. */

export interface BzImageOptions {
  readonly protocol?: number;
  readonly setupSectors?: number;
  readonly payload?: Uint8Array;
  readonly loadflags?: number;
  readonly initrdMax?: number;
  readonly commandLineMax?: number;
}

export function bzImage(options: BzImageOptions = {}): Uint8Array {
  const setupSectors = options.setupSectors ?? 4;
  const payload = options.payload ?? new Uint8Array(4096).fill(0x90);
  const image = new Uint8Array((setupSectors + 1) * 512 + payload.length);
  const view = new DataView(image.buffer);
  image[0x1f1] = setupSectors;
  view.setUint32(0x1f4, Math.ceil(payload.length / 16), true);
  view.setUint16(0x1fe, 0xaa55, true);
  image[0x200] = 0xeb;
  image[0x201] = 0x66;
  view.setUint32(0x202, 0x53726448, true);
  view.setUint16(0x206, options.protocol ?? 0x20f, true);
  image[0x211] = options.loadflags ?? 1;
  view.setUint32(0x214, 0x100000, true);
  view.setUint32(0x22c, options.initrdMax ?? 0x7fff_ffff, true);
  view.setUint32(0x238, options.commandLineMax ?? 2047, true);
  image.set(payload, (setupSectors + 1) * 512);
  return image;
}

/** A 32-bit ELF executable with a multiboot header and one segment at 1 MiB that is `bss` bytes larger in memory. */
export function multibootElf(options: { bss?: number; flags?: number } = {}): Uint8Array {
  const flags = options.flags ?? 3;
  const image = new Uint8Array(0x1100);
  const view = new DataView(image.buffer);
  image.set([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1]);
  view.setUint16(16, 2, true);
  view.setUint16(18, 3, true);
  view.setUint32(24, 0x100020, true);
  view.setUint32(28, 52, true);
  view.setUint16(42, 32, true);
  view.setUint16(44, 1, true);
  view.setUint32(52, 1, true); // PT_LOAD
  view.setUint32(56, 0x1000, true);
  view.setUint32(60, 0xc0100000, true);
  view.setUint32(64, 0x100000, true);
  view.setUint32(68, 0x100, true);
  view.setUint32(72, 0x100 + (options.bss ?? 0), true);
  view.setUint32(0x1000, 0x1badb002, true);
  view.setUint32(0x1004, flags, true);
  view.setUint32(0x1008, -(0x1badb002 + flags), true);
  return image;
}

/** A raw image whose header (at offset 16) gives the addresses. */
export function multibootAout(addresses: {
  headerAddr: number;
  loadAddr: number;
  loadEnd: number;
  bssEnd: number;
  entry: number;
}): Uint8Array {
  const image = new Uint8Array(0x200).fill(0xcc);
  const view = new DataView(image.buffer);
  const words = [0x1badb002, 0x10003, -(0x1badb002 + 0x10003), ...Object.values(addresses)];
  for (const [i, word] of words.entries()) view.setUint32(16 + i * 4, word, true);
  return image;
}
