/** Debian packages straight from a mirror over HTTP, for hosts without apt. Checksums are verified, signatures are not. */
import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { newestName, type Package, type PackageSource } from './apt.ts';
import { type Architecture, SUITE } from './manifest.ts';

type Bytes = Uint8Array<ArrayBuffer>;

async function get(url: string): Promise<Bytes> {
  const response = await fetch(url).catch((cause: Error) => {
    throw new Error(`${url}: ${cause.cause instanceof Error ? cause.cause.message : cause.message}`);
  });
  if (!response.ok) throw new Error(`${url}: ${response.status} ${response.statusText}`);
  return new Uint8Array(await response.arrayBuffer());
}

async function verified(url: string, sha256: string | undefined): Promise<Bytes> {
  const bytes = await get(url);
  const actual = createHash('sha256').update(bytes).digest('hex');
  if (actual !== sha256) throw new Error(`${url}: sha256 is ${actual}, the index says ${sha256 ?? 'nothing'}`);
  return bytes;
}

/** A mirror's main archive for one architecture, e.g. of `https://mirror.example/debian`. */
export async function mirrorSource(mirror: string, architecture: Architecture): Promise<PackageSource> {
  const base = mirror.replace(/\/+$/, '');
  const dist = `${base}/dists/${SUITE}`;
  const indexPath = `main/binary-${architecture}/Packages.gz`;
  const release = new TextDecoder().decode(await get(`${dist}/Release`));
  // Release lists MD5Sum first; a sha256 line is told by its 64 digits
  const listed = new RegExp(`^ ([0-9a-f]{64}) +\\d+ ${indexPath}$`, 'm').exec(release)?.[1];
  const index = gunzipSync(await verified(`${dist}/${indexPath}`, listed)).toString('utf8');
  const stanzas = new Map(index.split('\n\n').map((s) => [/^Package: (.*)$/m.exec(s)?.[1] ?? '', s]));
  const field = (name: string, key: string) =>
    new RegExp(`^${key}: (.*)$`, 'm').exec(stanzas.get(name) ?? '')?.[1] ?? '';
  return {
    newest: async (pattern): Promise<Package> => {
      const name = newestName(pattern, [...stanzas.keys()]);
      return { name, version: field(name, 'Version') };
    },
    download: ({ name }) => verified(`${base}/${field(name, 'Filename')}`, field(name, 'SHA256')),
  };
}
