/**
 * An image on a web server, read in ranges as the guest asks (RFC 9110, 14). A server that knows no ranges gives the
 * whole file at once, up to a limit. What changes on the server while the machine runs is an error, not a mixture.
 */
import { VmError } from '../../util/errors.ts';
import { BlockFailure, type BlockNode } from '../api.ts';
import { createMemoryNode } from '../backends/memory.ts';
import { createReadCache } from '../read-cache.ts';

const CHUNK_BYTES = 256 << 10;
const CACHE_BYTES = 64 << 20;
const READ_AHEAD = 8;
/** A file that comes as a whole may have as much. */
const WHOLE_LIMIT = 512 << 20;
const ATTEMPTS = 4;
const RETRY_MS = 250;

type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** `version` tells this state of the file from others, if the server says. */
export async function openHttpNode(
  url: string,
  fetchUrl: Fetch = fetch,
): Promise<{ readonly node: BlockNode; readonly version: string }> {
  const refuse = (why: string, cause?: unknown): VmError => new VmError(`Could not open '${url}': ${why}`, { cause });
  let response: Response;
  try {
    response = await fetchUrl(url, { headers: { Range: 'bytes=0-0' } });
  } catch (error) {
    throw refuse('the server does not answer, or does not let this page read it', error);
  }
  const version = versionOf(response);
  if (response.status === 200) return { node: await whole(response, refuse), version };
  if (response.status === 416) return { node: createMemoryNode(new Uint8Array(), { readonly: true }), version };
  const range = rangeOf(response);
  if (response.status !== 206 || range === undefined || range.total === undefined) {
    throw refuse(response.ok ? 'the server answers without a range' : `${response.status} ${response.statusText}`);
  }
  await response.arrayBuffer();
  const { total } = range;
  const node = createReadCache(
    {
      driver: url.startsWith('https:') ? 'https' : 'http',
      sizeBytes: total,
      fetch: (offset, length) => fetchRange(url, offset, length, { total, version, fetchUrl }),
      async close() {},
    },
    { chunkBytes: CHUNK_BYTES, cacheBytes: CACHE_BYTES, readAhead: READ_AHEAD },
  );
  return { node, version };
}

/** `Content-Range: bytes first-last/total`. */
function rangeOf({ headers }: Response): { first: number; last: number; total: number | undefined } | undefined {
  const match = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(headers.get('content-range') ?? '');
  if (match === null) return undefined;
  return { first: Number(match[1]), last: Number(match[2]), total: match[3] === '*' ? undefined : Number(match[3]) };
}

/** By which a later answer is known to be of the same file: RFC 9110, 8.8. */
const versionOf = ({ headers }: Response): string => headers.get('etag') ?? headers.get('last-modified') ?? '';

async function fetchRange(
  url: string,
  offset: number,
  length: number,
  { total, version, fetchUrl }: { total: number; version: string; fetchUrl: Fetch },
): Promise<Uint8Array> {
  let trouble = '';
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (attempt > 0) await new Promise((resolve) => setTimeout(resolve, RETRY_MS * 2 ** attempt));
    try {
      const response = await fetchUrl(url, { headers: { Range: `bytes=${offset}-${offset + length - 1}` } });
      if (response.status === 206 || response.status === 200) {
        const range = rangeOf(response);
        if (versionOf(response) !== version || range?.total !== total) {
          throw new BlockFailure('EIO', `'${url}' was changed on its server while the machine ran`);
        }
        if (range.first !== offset || range.last !== offset + length - 1) {
          throw new BlockFailure('EIO', `'${url}': the server answers with another range than it was asked for`);
        }
        const bytes = new Uint8Array(await response.arrayBuffer());
        if (bytes.length === length) return bytes;
        trouble = `${bytes.length} of ${length} bytes came`;
      } else if (response.status < 500 && response.status !== 429) {
        throw new BlockFailure('EIO', `'${url}': ${response.status} ${response.statusText}`);
      } else {
        trouble = `${response.status} ${response.statusText}`;
      }
    } catch (error) {
      if (error instanceof BlockFailure) throw error;
      trouble = error instanceof Error ? error.message : String(error);
    }
  }
  throw new BlockFailure('EIO', `'${url}': ${trouble}`);
}

async function whole(response: Response, refuse: (why: string, cause?: unknown) => VmError): Promise<BlockNode> {
  const tooLarge = (): VmError =>
    refuse(`the server can't send parts of it, and as a whole it exceeds ${WHOLE_LIMIT >> 20} MiB`);
  if (Number(response.headers.get('content-length') ?? 0) > WHOLE_LIMIT) {
    await response.body?.cancel();
    throw tooLarge();
  }
  const parts: Uint8Array[] = [];
  let length = 0;
  try {
    for (let reader = response.body?.getReader(), part = await reader?.read(); part && !part.done; ) {
      parts.push(part.value);
      length += part.value.length;
      if (length > WHOLE_LIMIT) {
        await reader?.cancel();
        throw tooLarge();
      }
      part = await (reader as ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>).read();
    }
  } catch (error) {
    if (error instanceof VmError) throw error;
    throw refuse('the connection broke', error);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return createMemoryNode(bytes, { readonly: true });
}
