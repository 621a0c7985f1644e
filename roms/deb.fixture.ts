/** Small Debian packages for tests, put together from the format's description (deb(5)). */
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { packTar } from 'modern-tar';

type Bytes = Uint8Array<ArrayBuffer>;
const bytes = (text: string): Bytes => new TextEncoder().encode(text);

export function arArchive(members: Readonly<Record<string, Bytes>>): Bytes {
  const parts: Bytes[] = [bytes('!<arch>\n')];
  for (const [name, data] of Object.entries(members)) {
    const header = `${name.padEnd(16)}${'0'.padEnd(12)}${'0'.padEnd(6)}${'0'.padEnd(6)}${'100644'.padEnd(8)}`;
    parts.push(bytes(`${header}${String(data.length).padEnd(10)}\`\n`), data, bytes(data.length & 1 ? '\n' : ''));
  }
  return new Uint8Array(Buffer.concat(parts));
}

/** A package that holds the given files. */
export async function debOf(files: Readonly<Record<string, string>>, data: 'gz' | 'zst' | 'plain'): Promise<Bytes> {
  const tar = await packTar(
    Object.entries(files).map(([name, body]) => ({ header: { name: `./${name}`, size: body.length }, body })),
  );
  const packed = data === 'gz' ? gzipSync(tar) : data === 'zst' ? zstdCompressSync(tar) : tar;
  const name = data === 'plain' ? 'data.tar' : `data.tar.${data}`;
  return arArchive({ 'debian-binary': bytes('2.0\n'), 'control.tar': bytes('odd'), [name]: new Uint8Array(packed) });
}
