/**
 * Puts firmware and the default guest into roms/out/, with an index that the page reads.
 *
 * usage: node roms/fetch.ts [--update]    (--update looks for newer packages; otherwise what is cached is taken, offline too)
 *
 * LOCKSTEP_CACHE          where packages' files are kept (default: $XDG_CACHE_HOME/lockstep or ~/.cache/lockstep)
 * LOCKSTEP_DEBIAN_MIRROR  the Debian mirror to use (default: the one that this machine's apt is configured with)
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { aptSource, hasApt, hostMirrors, type PackageSource } from './apt.ts';
import { filesOfDeb } from './deb.ts';
import { initramfs } from './initramfs.ts';
import { ROMS, type RomFile } from './manifest.ts';
import { mirrorSource } from './mirror.ts';

type Bytes = Uint8Array;

const BUSYBOX = 'busybox-i386';
const INITRAMFS = 'initramfs-i386.cpio.gz';

/** A file of roms/out/ as roms/out/index.json lists it. */
export interface RomRecord {
  readonly name: string;
  readonly size: number;
  readonly sha256: string;
  readonly package: string;
  readonly version: string;
  readonly licence: string;
  readonly purpose: string;
}

const out = fileURLToPath(new URL('out/', import.meta.url));
const cache =
  process.env['LOCKSTEP_CACHE'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'lockstep');
const sha256 = (bytes: Bytes) => createHash('sha256').update(bytes).digest('hex');
const say = (text: string) => console.log(`roms: ${text}`);

/** Written under another name first, so that a cut-off run leaves no half file. */
function write(path: string, bytes: Bytes | string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.part`, bytes);
  renameSync(`${path}.part`, path);
}

/** A file of the manifest with the package it was taken from. */
interface Rom {
  readonly package: string;
  readonly version: string;
  readonly bytes: Bytes;
}

const bytesOf = (path: string): Bytes | undefined => (existsSync(path) ? readFileSync(path) : undefined);
const jsonOf = (path: string): unknown => (existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined);
const cachePath = (rom: RomFile) => join(cache, 'roms', rom.name);
/** What a cached file has to be taken from and equal to: a changed manifest makes it stale. */
const keyOf = (rom: RomFile) => `${rom.package} ${rom.architecture} ${rom.path} ${rom.sha256 ?? ''}`;

/** The cached file, if it is there, whole, and what the manifest asks for today. */
function cached(rom: RomFile): Rom | undefined {
  const bytes = bytesOf(cachePath(rom));
  const record = jsonOf(`${cachePath(rom)}.json`) as (Rom & { key: string; sha256: string }) | undefined;
  if (!bytes || record?.key !== keyOf(rom) || record.sha256 !== sha256(bytes)) return undefined;
  return { package: record.package, version: record.version, bytes };
}

function store(rom: RomFile, { bytes, ...about }: Rom): void {
  write(cachePath(rom), bytes);
  write(`${cachePath(rom)}.json`, `${JSON.stringify({ key: keyOf(rom), ...about, sha256: sha256(bytes) }, null, 2)}\n`);
}

/** A file in roms/out/ that the cache does not know: listed there by an earlier run, or put there by the user. */
function brought(name: string): Rom | undefined {
  const bytes = bytesOf(join(out, name));
  if (!bytes) return undefined;
  const index = jsonOf(join(out, 'index.json')) as { files: RomRecord[] } | undefined;
  const known = index?.files.find((file) => file.name === name && file.sha256 === sha256(bytes));
  return known ? { ...known, bytes } : { package: 'own file', version: sha256(bytes).slice(0, 12), bytes };
}

/** A pinned file of the pinned version must be the very file; another version may differ, which is worth a line. */
function verify(rom: RomFile, version: string, bytes: Bytes): void {
  if (rom.sha256 === undefined || sha256(bytes) === rom.sha256) return;
  const what = `${rom.name} of ${rom.package} ${version}`;
  if (version === rom.version) throw new Error(`${what}: sha256 is ${sha256(bytes)}, expected ${rom.sha256}`);
  say(`warning: ${what} is not the version that was tested (${rom.version})`);
}

/** Mirrors in the order to try: the user's choice alone, or all that the host's apt is configured with. */
async function openSource(architecture: RomFile['architecture']): Promise<PackageSource> {
  const chosen = process.env['LOCKSTEP_DEBIAN_MIRROR'];
  const apt = await hasApt();
  if (!apt && chosen) return mirrorSource(chosen, architecture);
  if (!apt) throw new Error('no apt-get on this machine');
  const mirrors = chosen ? [chosen] : hostMirrors();
  if (mirrors.length === 0) throw new Error("this machine's apt sources name no Debian mirror");
  const failures: string[] = [];
  for (const mirror of mirrors) {
    try {
      return await aptSource(join(cache, 'apt'), mirror, architecture);
    } catch (error) {
      failures.push(reasonOf(error));
    }
  }
  throw new Error(`no index from a Debian mirror: ${failures.join('; ')}`);
}

/** What went wrong, in a line: of a failed command what it said last, else the error's message. */
function reasonOf(error: unknown): string {
  const { stderr, message } = error as Error & { stderr?: string };
  const complaints = (stderr ?? '').split('\n').filter((line) => line.startsWith('E: '));
  return complaints[0]?.slice(3) ?? message;
}

/** Fetches the packages that hold `wanted` and puts their files into the cache. */
async function fetchInto(wanted: readonly RomFile[]): Promise<void> {
  for (const architecture of new Set(wanted.map((rom) => rom.architecture))) {
    say(`reading the index of Debian's ${architecture} packages`);
    const source = await openSource(architecture);
    const here = wanted.filter((rom) => rom.architecture === architecture);
    for (const pattern of new Set(here.map((rom) => rom.package))) {
      const found = await source.newest(pattern);
      const roms = here.filter((rom) => rom.package === pattern);
      if (roms.every((rom) => cached(rom)?.package === found.name && cached(rom)?.version === found.version)) continue;
      say(`fetching ${found.name} ${found.version}`);
      const deb = await source.download(found);
      const paths = roms.map((rom) => rom.path);
      const files = await filesOfDeb(deb, paths);
      for (const rom of roms) {
        const bytes = files.get(rom.path) as Bytes;
        verify(rom, found.version, bytes);
        store(rom, { package: found.name, version: found.version, bytes });
      }
    }
  }
}

/** Fills roms/out/ from the cache and returns the index. */
function publish(): RomRecord[] {
  const records: RomRecord[] = [];
  const put = (name: string, rom: Rom, licence: string, purpose: string) => {
    const path = join(out, name);
    const hash = sha256(rom.bytes);
    if (!existsSync(path) || sha256(readFileSync(path)) !== hash) write(path, rom.bytes);
    const { package: from, version } = rom;
    records.push({ name, size: rom.bytes.length, sha256: hash, package: from, version, licence, purpose });
  };
  for (const rom of ROMS) {
    const file = cached(rom) ?? brought(rom.name);
    if (file) put(rom.name, file, rom.licence, rom.purpose);
    if (rom.name !== BUSYBOX) continue;
    const image = file ? { ...file, bytes: initramfs(file.bytes) } : brought(INITRAMFS);
    if (image)
      put(INITRAMFS, image, rom.licence, 'root file system of the default guest: busybox and an /init of ours');
  }
  const index = `${JSON.stringify({ files: records }, null, 2)}\n`;
  const path = join(out, 'index.json');
  if (!existsSync(path) || readFileSync(path, 'utf8') !== index) write(path, index);
  return records;
}

/** True when everything is there; if not, a message says what to do, and the rest of the set-up can go on. */
async function main({ update, all }: { update: boolean; all: boolean }): Promise<boolean> {
  const wanted = ROMS.filter(({ onDemand }) => all || !onDemand);
  const missing = wanted.filter((rom) => !cached(rom) && !brought(rom.name));
  if (update || missing.length > 0) {
    try {
      // A package's files belong together: a module fits the kernel of its own package.
      const packages = new Set(missing.map((rom) => rom.package));
      await fetchInto(update ? ROMS : ROMS.filter((rom) => packages.has(rom.package)));
    } catch (error) {
      console.error(`roms: ${reasonOf(error)}`);
    }
  }
  const records = publish();
  say(`${records.length} files in roms/out (${records.map((r) => r.name).join(', ') || 'none'})`);
  const absent = [...wanted.map((rom) => rom.name), INITRAMFS].filter((name) => !records.some((r) => r.name === name));
  if (absent.length > 0) console.error(helpFor(absent.join(', ')));
  return absent.length === 0;
}

const helpFor = (names: string) => `roms: not available: ${names}
  - Set LOCKSTEP_DEBIAN_MIRROR to a Debian mirror of your choice (a URL that ends in /debian) and start again; or
  - bring your own: drop a kernel (bzImage) and an initrd on the page, or name them with -kernel and -initrd;
    files put into ${basename(dirname(out))}/${basename(out)}/ under the names above are taken by tests and bench.`;

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { argv } = process;
  process.exitCode = (await main({ update: argv.includes('--update'), all: argv.includes('--all') })) ? 0 : 1;
}
