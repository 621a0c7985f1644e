import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { openHttpNode } from './http-node.ts';

const SIZE = 3_000_000;
const image = Uint8Array.from({ length: SIZE }, (_, i) => (i * 31) >> 8);
const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

interface ServerState {
  etag: string;
  /** Answers that the next requests get instead. */
  readonly instead: ((response: ServerResponse) => void)[];
  readonly ranges: string[];
}

async function serve(ranges = true): Promise<{ url: string; state: ServerState }> {
  const state: ServerState = { etag: '"1"', instead: [], ranges: [] };
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const instead = state.instead.shift();
    if (instead !== undefined) return instead(response);
    response.setHeader('ETag', state.etag);
    const match = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
    state.ranges.push(request.headers.range ?? '');
    if (!ranges || match === null) return void response.end(image);
    const [first, last] = [Number(match[1]), Math.min(Number(match[2]), SIZE - 1)];
    response.writeHead(206, { 'Content-Range': `bytes ${first}-${last}/${SIZE}` });
    return void response.end(image.subarray(first, last + 1));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/disk.img`, state };
}

async function read(node: Awaited<ReturnType<typeof openHttpNode>>['node'], offset: number, length: number) {
  const into = new Uint8Array(length);
  await node.read(offset, into);
  return into;
}

describe('an image on a web server', () => {
  test('is read in ranges', async () => {
    const { url, state } = await serve();
    const { node, version } = await openHttpNode(url);
    expect([node.sizeBytes, node.readonly, version]).toEqual([SIZE, true, '"1"']);
    expect(Buffer.compare(await read(node, 1_000_001, 700_000), image.subarray(1_000_001, 1_700_001))).toBe(0);
    expect(Buffer.compare(await read(node, SIZE - 5, 5), image.subarray(-5))).toBe(0);
    expect(state.ranges).toEqual(['bytes=0-0', 'bytes=786432-1835007', 'bytes=2883584-2999999']);
  });

  test('comes as a whole where the server knows no ranges', async () => {
    const { url, state } = await serve(false);
    const { node } = await openHttpNode(url);
    expect(Buffer.compare(await read(node, 0, SIZE), image)).toBe(0);
    expect(state.ranges).toHaveLength(1);
  });

  test('that changes meanwhile is an error', async () => {
    const { url, state } = await serve();
    const { node } = await openHttpNode(url);
    state.etag = '"2"';
    await expect(read(node, 0, 512)).rejects.toMatchObject({
      code: 'EIO',
      message: expect.stringContaining('changed'),
    });
  });

  test('is asked again when the server fails for a while', async () => {
    const { url, state } = await serve();
    const { node } = await openHttpNode(url);
    state.instead.push(
      (response) => void response.writeHead(503).end(),
      (response) => void response.destroy(),
    );
    expect(await read(node, 0, 2)).toEqual(image.slice(0, 2));
  });

  test.each<[string, (response: ServerResponse) => void]>([
    [
      'another range',
      (r) => void r.writeHead(206, { ETag: '"1"', 'Content-Range': `bytes 1-9/${SIZE}` }).end('123456789'),
    ],
    ['no range', (r) => void r.writeHead(206, { ETag: '"1"' }).end()],
    ['that it is gone', (r) => void r.writeHead(404).end()],
  ])('that answers with %s is an error', async (_what, answer) => {
    const { url, state } = await serve();
    const { node } = await openHttpNode(url);
    state.instead.push(answer);
    await expect(read(node, 0, 512)).rejects.toMatchObject({ code: 'EIO' });
  });

  test.each<[string, (response: ServerResponse) => void, string]>([
    ['it is not there', (r) => void r.writeHead(404, 'Not Found').end(), '404 Not Found'],
    [
      'it is too large to come as a whole',
      (r) => void r.writeHead(200, { 'Content-Length': 2 ** 30 }).flushHeaders(),
      '512 MiB',
    ],
    ['nobody answers', (r) => void r.destroy(), 'does not answer'],
    [
      'the range has no total',
      (r) => void r.writeHead(206, { 'Content-Range': 'bytes 0-0/*' }).end('x'),
      'without a range',
    ],
  ])('is refused if %s', async (_what, answer, message) => {
    const { url, state } = await serve();
    state.instead.push(answer);
    await expect(openHttpNode(url)).rejects.toThrow(message);
  });
});
