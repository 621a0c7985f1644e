/**
 * Serves dist/ on this machine with the headers of headers.ts.
 *
 * usage: node scripts/serve.ts [--port N] [--open] [--plain]   (--plain sends none of our headers, as a static host would)
 */
import { spawn } from 'node:child_process';
import { createReadStream, type Stats, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { extname, join, normalize, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { pageHeaders } from './headers.ts';

const FIRST_PORT = 8000;
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.wasm': 'application/wasm',
  '.woff2': 'font/woff2',
};

const root = fileURLToPath(new URL('../dist/', import.meta.url));

/** The file that a request path names, or undefined if there is none in `directory`. */
export function fileOf(directory: string, url: string): { path: string; stat: Stats } | undefined {
  let wanted: string;
  try {
    wanted = decodeURIComponent(new URL(url, 'http://localhost').pathname);
  } catch {
    return undefined; // a malformed escape
  }
  const path = join(directory, normalize(wanted.endsWith('/') ? `${wanted}index.html` : wanted));
  if (wanted.includes('\0') || !path.startsWith(directory.endsWith(sep) ? directory : directory + sep))
    return undefined;
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat?.isFile() ? { path, stat } : undefined;
}

/** Answers GET and HEAD with the files of `directory`. */
export function answer(directory: string, headers: Readonly<Record<string, string>>) {
  return (request: IncomingMessage, response: ServerResponse): void => {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.writeHead(405, { ...headers, Allow: 'GET, HEAD' }).end();
      return;
    }
    const file = fileOf(directory, request.url ?? '/');
    if (!file) {
      response.writeHead(404, { ...headers, 'Content-Type': 'text/plain; charset=utf-8' }).end('not found\n');
      return;
    }
    const etag = `"${file.stat.size.toString(36)}-${file.stat.mtimeMs.toString(36)}"`;
    const common = { ...headers, ETag: etag, 'Cache-Control': 'no-cache' };
    if (request.headers['if-none-match'] === etag) {
      response.writeHead(304, common).end();
      return;
    }
    response.writeHead(200, {
      ...common,
      'Content-Type': TYPES[extname(file.path)] ?? 'application/octet-stream',
      'Content-Length': file.stat.size,
    });
    if (request.method === 'HEAD') response.end();
    else
      createReadStream(file.path)
        .on('error', () => response.destroy())
        .pipe(response);
  };
}

function openBrowser(url: string): void {
  const command = { darwin: ['open'], win32: ['cmd', '/c', 'start', ''] }[process.platform as string] ?? ['xdg-open'];
  const child = spawn(command[0] as string, [...command.slice(1), url], { stdio: 'ignore', detached: true });
  child.on('error', () => console.log(`serve: no browser could be opened; the address is ${url}`));
  child.unref();
}

function main(): void {
  const { values } = parseArgs({
    options: { port: { type: 'string' }, open: { type: 'boolean' }, plain: { type: 'boolean' } },
  });
  const chosen = values.port === undefined ? undefined : Number(values.port);
  if (chosen !== undefined && !(Number.isInteger(chosen) && chosen >= 0 && chosen < 65536)) {
    throw new Error(`--port '${values.port}': expected a number from 0 to 65535`);
  }
  const server = createServer(answer(root, values.plain ? {} : pageHeaders));
  let port = chosen ?? FIRST_PORT;
  server.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EADDRINUSE' && chosen === undefined && port < FIRST_PORT + 20)
      server.listen(++port, '127.0.0.1');
    else {
      console.error(
        `serve: port ${port}: ${error.code === 'EADDRINUSE' ? 'in use, choose another with --port' : error.message}`,
      );
      process.exitCode = 1;
    }
  });
  server.on('listening', () => {
    const address = server.address();
    const url = `http://localhost:${typeof address === 'object' && address ? address.port : port}/`;
    console.log(`\n  Lockstep is at ${url}   (Ctrl-C ends)\n`);
    if (values.open) openBrowser(url);
  });
  server.listen(port, '127.0.0.1');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    main();
  } catch (error) {
    console.error(`serve: ${(error as Error).message}`);
    process.exitCode = 1;
  }
}
