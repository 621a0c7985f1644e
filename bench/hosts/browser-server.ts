/** Serves the bench's page, its workers and the guest, and answers what only the machine it runs on knows. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, extname, join } from 'node:path';
import { isolationHeaders } from '../../scripts/headers.ts';
import { firmware } from '../images.ts';
import { FOLDERS } from '../paths.ts';
import type { GuestImage } from '../workloads.ts';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
};

const PAGE = '<!doctype html><title>bench</title>';

export interface BrowserServer {
  readonly url: string;
  close(): void;
}

/** `answers` are JSON values under /ask/. */
export async function serveBrowser(
  image: GuestImage,
  workers: string,
  answers: Readonly<Record<string, () => unknown>>,
): Promise<BrowserServer> {
  const { bios, vgaBios } = firmware();
  const guest: Readonly<Record<string, string | undefined>> = {
    kernel: image.kernel,
    initrd: image.initrd,
    bios,
    'vga-bios': vgaBios,
  };
  const contentOf = (path: string): string | Buffer | undefined => {
    const [, folder, name = ''] = path.split('/');
    if (path === '/') return PAGE;
    if (folder === 'ask' && Object.hasOwn(answers, name)) return JSON.stringify(answers[name]?.() ?? null);
    const file =
      folder === 'guest' && Object.hasOwn(guest, name)
        ? guest[name]
        : folder === 'v86'
          ? join(FOLDERS.v86, basename(name))
          : folder === 'workers'
            ? join(workers, path.slice('/workers/'.length))
            : undefined;
    return file === undefined ? undefined : readFileSync(file);
  };
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    for (const [name, value] of Object.entries(isolationHeaders)) response.setHeader(name, value);
    let content: string | Buffer | undefined;
    try {
      content = contentOf(pathname);
    } catch {
      content = undefined; // not a file
    }
    if (content === undefined) response.statusCode = 404;
    else response.setHeader('Content-Type', TYPES[extname(pathname) || '.html'] ?? 'application/octet-stream');
    response.end(content);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
