import { deflateRawSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { zipEntries } from './zip.ts';

const u16 = (n: number): number[] => [n & 255, n >>> 8];
const u32 = (n: number): number[] => [...u16(n & 0xffff), ...u16(n >>> 16)];

/** A zip file as zip programs write it; checksums are left zero, nothing here reads them. */
function zipOf(files: Readonly<Record<string, { bytes: Uint8Array; method?: number; flags?: number }>>, comment = '') {
  const local: number[] = [];
  const directory: number[] = [];
  for (const [name, { bytes, method = 8, flags = 0 }] of Object.entries(files)) {
    const packed = method === 8 ? deflateRawSync(bytes) : bytes;
    const text = [...new TextEncoder().encode(name)];
    const fields = [...u16(20), ...u16(flags), ...u16(method), ...u32(0), ...u32(0), ...u32(packed.length)];
    const sizes = [...u32(bytes.length), ...u16(text.length), ...u16(0)];
    const at = local.length;
    directory.push(...u32(0x02014b50), ...u16(20), ...fields, ...sizes, ...u16(0), ...u16(0), ...u16(0), ...u32(0));
    directory.push(...u32(at), ...text);
    local.push(...u32(0x04034b50), ...fields, ...sizes, ...text, ...packed);
  }
  const count = Object.keys(files).length;
  const end = [...u32(0x06054b50), ...u16(0), ...u16(0), ...u16(count), ...u16(count), ...u32(directory.length)];
  const note = [...new TextEncoder().encode(comment)];
  return new Blob([
    new Uint8Array([...local, ...directory, ...end, ...u32(local.length), ...u16(note.length), ...note]),
  ]);
}

const image = new Uint8Array(5000).map((_, at) => at % 7);
const bytesOf = async (stream: ReadableStream<Uint8Array<ArrayBuffer>>) => new Response(stream).bytes();

describe('a zip file', () => {
  test('gives its files, packed or not, without their folders', async () => {
    const zip = zipOf(
      { 'dos/': { bytes: new Uint8Array(), method: 0 }, 'dos/a.img': { bytes: image }, b: { bytes: image, method: 0 } },
      'hello',
    );
    const entries = await zipEntries(zip);
    expect(entries.map(({ name, sizeBytes }) => [name, sizeBytes])).toEqual([
      ['a.img', 5000],
      ['b', 5000],
    ]);
    for (const entry of entries) expect(await bytesOf(await entry.stream())).toEqual(image);
  });

  test('that is cut off anywhere is refused or gives what it has, and never hangs', async () => {
    const whole = new Uint8Array(await zipOf({ a: { bytes: image } }).arrayBuffer());
    for (let length = 0; length < whole.length; length++) {
      await expect(zipEntries(new Blob([whole.slice(0, length)]))).rejects.toThrow('the zip file cannot be read');
    }
  });

  test('says what it cannot unpack', async () => {
    const [locked, other] = await zipEntries(
      zipOf({ locked: { bytes: image, flags: 1 }, other: { bytes: image, method: 12 } }),
    );
    await expect(locked?.stream()).rejects.toThrow("'locked' is encrypted");
    await expect(other?.stream()).rejects.toThrow("'other' is packed by method 12");
  });
});
