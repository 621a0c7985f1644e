/** The default guest of /roms/: what there is (index.json), and fetching it with progress and a check of its hash. */
import { VmError } from '../util/errors.ts';

export interface RomFile {
  readonly name: string;
  readonly size: number;
  readonly sha256: string;
  readonly package: string;
  readonly version: string;
  readonly licence: string;
}

export interface Progress {
  readonly name: string;
  readonly received: number;
  readonly total: number;
}

/** Relative to the page: it may be served from any folder. */
const romUrl = (name: string): URL => new URL(`roms/${encodeURIComponent(name)}`, document.baseURI);

const FETCH_AGAIN = "Run 'npm run roms' where the page is served, then reload; or choose a kernel of your own.";

/** The files on offer; empty where the page is served without any. */
export async function fetchRomIndex(): Promise<readonly RomFile[]> {
  const response = await fetch(romUrl('index.json'));
  if (!response.ok) return [];
  const index: unknown = await response.json().catch(() => undefined);
  const files = typeof index === 'object' && index !== null && 'files' in index ? index.files : undefined;
  return Array.isArray(files) ? files.filter(isRomFile) : [];
}

function isRomFile(entry: unknown): entry is RomFile {
  if (typeof entry !== 'object' || entry === null) return false;
  const { size, ...texts } = entry as Partial<Record<keyof RomFile, unknown>>;
  const { name, sha256, package: from, version, licence } = texts;
  return typeof size === 'number' && [name, sha256, from, version, licence].every((text) => typeof text === 'string');
}

/** One file's contents; VmError where they cannot be had, or are not what the index says. */
export async function fetchRom(
  file: RomFile,
  onProgress: (progress: Progress) => void,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const report = (received: number): void => onProgress({ name: file.name, received, total: file.size });
  report(0);
  const response = await fetch(romUrl(file.name), { signal }).catch((cause: unknown) => {
    if (signal.aborted) throw cause;
    throw new VmError(`${file.name}: the server does not answer`, { hint: 'Is it running? Then try again.', cause });
  });
  if (!response.ok || response.body === null) {
    throw new VmError(`${file.name}: the server answered ${response.status} ${response.statusText}`, {
      hint: FETCH_AGAIN,
    });
  }
  const bytes = new Uint8Array(file.size);
  let received = 0;
  const reader = response.body.getReader();
  for (;;) {
    const { done, value } = await reader.read().catch((cause: unknown) => {
      if (signal.aborted) throw cause;
      throw new VmError(`${file.name}: the connection broke after ${received} of ${file.size} bytes`, {
        hint: 'Try again.',
        cause,
      });
    });
    if (done) break;
    if (received + value.length > file.size) throw unlikeIndex(file, `more than ${file.size} bytes`);
    bytes.set(value, received);
    received += value.length;
    report(received);
  }
  if (received < file.size) throw unlikeIndex(file, `${received} of ${file.size} bytes`);
  if ((await sha256(bytes)) !== file.sha256) throw unlikeIndex(file, 'other contents');
  return bytes;
}

function unlikeIndex({ name }: RomFile, what: string): VmError {
  return new VmError(`${name}: the server sent ${what}, which is not what index.json describes`, { hint: FETCH_AGAIN });
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
