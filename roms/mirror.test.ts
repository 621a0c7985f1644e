import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, expect, test } from 'vitest';
import { debOf } from './deb.fixture.ts';
import { filesOfDeb } from './deb.ts';
import { SUITE } from './manifest.ts';
import { mirrorSource } from './mirror.ts';

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const close: (() => void)[] = [];
afterEach(() => {
  for (const stop of close.splice(0)) stop();
});

/** A mirror on this machine with one kernel package; `change` may spoil what it serves. */
async function mirror(change: (files: Map<string, Uint8Array>) => void = () => {}): Promise<string> {
  const deb = await debOf({ 'boot/vmlinuz-6.1.0-7-686': 'kernel' }, 'gz');
  const stanza = (name: string, version: string) =>
    `Package: ${name}\nVersion: ${version}\nFilename: pool/${name}.deb\nSHA256: ${sha256(deb)}\n`;
  const index = gzipSync(
    `${stanza('linux-image-6.1.0-6-686', '6.1.6')}\n${stanza('linux-image-6.1.0-7-686', '6.1.7')}`,
  );
  const path = 'main/binary-i386/Packages.gz';
  const files = new Map<string, Uint8Array>([
    [`/debian/dists/${SUITE}/Release`, Buffer.from(`MD5Sum:\n 0 1 ${path}\nSHA256:\n ${sha256(index)} 9 ${path}\n`)],
    [`/debian/dists/${SUITE}/${path}`, index],
    ['/debian/pool/linux-image-6.1.0-7-686.deb', deb],
  ]);
  change(files);
  const server = createServer((request, response) => {
    const body = files.get(request.url ?? '');
    response.writeHead(body ? 200 : 404).end(body);
  }).listen(0, '127.0.0.1');
  await new Promise((ready) => server.once('listening', ready));
  close.push(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/debian`;
}

test('a package is found, downloaded and verified without apt', async () => {
  const source = await mirrorSource(await mirror(), 'i386');
  const found = await source.newest('linux-image-6.1.0-*-686');
  expect(found).toEqual({ name: 'linux-image-6.1.0-7-686', version: '6.1.7' });
  const files = await filesOfDeb(await source.download(found), ['boot/vmlinuz-6.1.0-*-686']);
  expect(new TextDecoder().decode([...files.values()][0])).toBe('kernel');
});

test('a package that differs from the index is refused', async () => {
  const url = await mirror((files) => files.set('/debian/pool/linux-image-6.1.0-7-686.deb', Buffer.from('other')));
  const source = await mirrorSource(url, 'i386');
  await expect(source.download(await source.newest('linux-image-6.1.0-*-686'))).rejects.toThrow(/sha256/);
});

test('an index that differs from the release file is refused', async () => {
  const url = await mirror((files) => files.set(`/debian/dists/${SUITE}/main/binary-i386/Packages.gz`, gzipSync('x')));
  await expect(mirrorSource(url, 'i386')).rejects.toThrow(/sha256/);
});

test('a mirror without the suite is an error that names the address', async () => {
  const url = await mirror((files) => files.clear());
  await expect(mirrorSource(url, 'i386')).rejects.toThrow(`${url}/dists/${SUITE}/Release: 404`);
});
