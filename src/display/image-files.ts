/** Pictures as files: PPM (P6) as QEMU writes it, and PNG (ISO/IEC 15948). */

export interface Picture {
  readonly width: number;
  readonly height: number;
  /** RGBA, row by row. */
  readonly pixels: Uint8ClampedArray;
}

/** Red, green and blue of each row, with `lead` bytes before it. */
function rgbRows({ width, height, pixels }: Picture, lead: number): Uint8Array<ArrayBuffer> {
  const rows = new Uint8Array(height * (lead + width * 3));
  for (let y = 0, to = 0, from = 0; y < height; y++) {
    to += lead;
    for (let x = 0; x < width; x++, from += 4) {
      rows[to++] = pixels[from] as number;
      rows[to++] = pixels[from + 1] as number;
      rows[to++] = pixels[from + 2] as number;
    }
  }
  return rows;
}

export function ppmOf(picture: Picture): Uint8Array<ArrayBuffer> {
  const head = new TextEncoder().encode(`P6\n${picture.width} ${picture.height}\n255\n`);
  const body = rgbRows(picture, 0);
  const file = new Uint8Array(head.length + body.length);
  file.set(head);
  file.set(body, head.length);
  return file;
}

const PNG_SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const TRUE_COLOUR = { depth: 8, type: 2 };

/** CRC-32 of PNG's annex D, a byte at a time. */
const CRC = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let i = 0; i < 8; i++) crc = crc & 1 ? 0xedb88320 ^ (crc >>> 1) : crc >>> 1;
  return crc;
});

function chunk(type: string, data: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(12 + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  bytes.set(new TextEncoder().encode(type), 4);
  bytes.set(data, 8);
  let crc = 0xffffffff;
  for (const byte of bytes.subarray(4, 8 + data.length)) crc = (CRC[(crc ^ byte) & 0xff] as number) ^ (crc >>> 8);
  view.setUint32(8 + data.length, ~crc >>> 0);
  return bytes;
}

export async function pngOf(picture: Picture): Promise<Uint8Array<ArrayBuffer>> {
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, picture.width);
  view.setUint32(4, picture.height);
  header[8] = TRUE_COLOUR.depth;
  header[9] = TRUE_COLOUR.type;
  // Each row begins with its filter: 0, none.
  const rows = new Blob([rgbRows(picture, 1)]).stream().pipeThrough(new CompressionStream('deflate'));
  const compressed = new Uint8Array(await new Response(rows).arrayBuffer());
  const parts = [
    Uint8Array.from(PNG_SIGNATURE),
    chunk('IHDR', header),
    chunk('IDAT', compressed),
    chunk('IEND', new Uint8Array()),
  ];
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}
