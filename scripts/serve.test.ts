import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pageHeaders } from './headers.ts';
import { answer, fileOf } from './serve.ts';

const outer = mkdtempSync(join(tmpdir(), 'lockstep-serve-'));
const root = join(outer, 'dist');
let base = '';
const server = createServer(answer(root, pageHeaders));

beforeAll(async () => {
  mkdirSync(join(root, 'assets'), { recursive: true });
  writeFileSync(join(root, 'index.html'), '<title>page</title>');
  writeFileSync(join(root, 'assets/a.js'), 'export {};');
  writeFileSync(join(outer, 'secret'), 'secret');
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.close();
  rmSync(outer, { recursive: true, force: true });
});

test('the page comes isolated and with a content policy', async () => {
  const response = await fetch(`${base}/?x=1`);
  expect(await response.text()).toBe('<title>page</title>');
  expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
  expect(response.headers.get('cross-origin-opener-policy')).toBe('same-origin');
  expect(response.headers.get('cross-origin-embedder-policy')).toBe('require-corp');
  expect(response.headers.get('content-security-policy')).toMatch(/default-src 'self'.*'wasm-unsafe-eval'/);
});

test('a file that the browser has is not sent again', async () => {
  const first = await fetch(`${base}/assets/a.js`);
  const etag = first.headers.get('etag') as string;
  const second = await fetch(`${base}/assets/a.js`, { headers: { 'If-None-Match': etag } });
  expect([first.status, second.status]).toEqual([200, 304]);
});

test('unknown paths and other methods are refused', async () => {
  expect((await fetch(`${base}/none`)).status).toBe(404);
  expect((await fetch(`${base}/assets`)).status).toBe(404);
  expect((await fetch(`${base}/`, { method: 'POST' })).status).toBe(405);
});

test.each(['/../secret', '/..%2fsecret', '/%2e%2e/secret', '/assets/..%2f..%2fsecret', '/%00', '/%zz'])(
  'nothing outside the directory is served: %s',
  (path) => {
    expect(fileOf(root, path)).toBeUndefined();
  },
);
