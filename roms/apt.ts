/** Debian packages by `apt-get download` from a private apt root: the machine's own packages and sources stay untouched. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { patternOf } from './deb.ts';
import { type Architecture, SUITE } from './manifest.ts';

const run = promisify(execFile);

/** A package as found in an index. */
export interface Package {
  readonly name: string;
  readonly version: string;
}

/** Somewhere to get packages from. */
export interface PackageSource {
  /** The newest package whose name fits a pattern of the manifest. */
  newest(pattern: string): Promise<Package>;
  /** The .deb itself, its checksum verified against the index. */
  download(found: Package): Promise<Uint8Array<ArrayBuffer>>;
}

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
const CODENAMES = new Set(['bullseye', 'bookworm', 'trixie', 'forky', 'sid', 'oldstable', 'stable', 'testing']);

/** Mirrors of Debian's main archive that the text of an apt source file names (sources.list(5), both forms). */
export function mirrorsIn(text: string, form: 'list' | 'sources'): string[] {
  const entries =
    form === 'list'
      ? text.split('\n').flatMap((line) => {
          const m = /^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+(.*)$/.exec(line);
          return m
            ? [{ types: 'deb', uris: m[2], suites: m[3], components: m[4], signedBy: m[1], enabled: 'yes' }]
            : [];
        })
      : text.split(/\n\s*\n/).map((stanza) => {
          const field = (name: string) => new RegExp(`^${name}:[ \\t]*(.*)$`, 'im').exec(stanza)?.[1] ?? '';
          return {
            types: field('Types'),
            uris: field('URIs'),
            suites: field('Suites'),
            components: field('Components'),
            signedBy: field('Signed-By'),
            enabled: field('Enabled'),
          };
        });
  return entries
    .filter((e) => e.types.split(/\s+/).includes('deb') && !/^no$/i.test(e.enabled))
    .filter((e) => e.components?.split(/\s+/).includes('main') && e.suites?.split(/\s+/).some((s) => CODENAMES.has(s)))
    .filter((e) => !/signed-by|\.(gpg|asc)/i.test(e.signedBy ?? '') || /debian-archive/.test(e.signedBy ?? ''))
    .flatMap((e) => e.uris?.split(/\s+/) ?? [])
    .filter((uri) => uri !== '' && !uri.startsWith('cdrom:'))
    .map((uri) => uri.replace(/\/+$/, ''));
}

/** The mirrors that the host itself is configured with, most likely first. */
export function hostMirrors(etc = '/etc/apt'): string[] {
  const parts = existsSync(join(etc, 'sources.list.d')) ? readdirSync(join(etc, 'sources.list.d')).sort() : [];
  const files = ['sources.list', ...parts.map((p) => join('sources.list.d', p))].map((p) => join(etc, p));
  const found = files
    .filter((file) => existsSync(file) && /\.(list|sources)$/.test(file))
    .flatMap((file) => mirrorsIn(readFileSync(file, 'utf8'), file.endsWith('.list') ? 'list' : 'sources'));
  return [...new Set(found)];
}

export async function hasApt(): Promise<boolean> {
  return run('apt-get', ['--version']).then(
    () => true,
    () => false,
  );
}

/** A private apt root under `directory` that knows `mirror` for one architecture. Its index is fetched here. */
export async function aptSource(directory: string, mirror: string, architecture: Architecture): Promise<PackageSource> {
  const root = join(directory, architecture);
  for (const part of ['lists/partial', 'cache/archives/partial']) mkdirSync(join(root, part), { recursive: true });
  const signed = existsSync(KEYRING) ? ` signed-by=${KEYRING}` : '';
  writeFileSync(join(root, 'status'), '');
  const list = join(root, 'sources.list');
  const options = Object.entries({
    'Dir::Etc::sourcelist': list,
    'Dir::Etc::sourceparts': '/dev/null',
    'Dir::State': root,
    'Dir::State::status': join(root, 'status'),
    'Dir::State::lists': join(root, 'lists'),
    'Dir::Cache': join(root, 'cache'),
    'APT::Architecture': architecture,
    'APT::Architectures': architecture,
    'APT::Sandbox::User': 'root', // no effect for others; the cache may lie where _apt cannot read
    'Acquire::Languages': 'none',
    'Acquire::Retries': '3',
    'APT::Update::Error-Mode': 'any', // else an unreachable mirror is a mere warning
    'Acquire::Check-Valid-Until': 'false', // archived mirrors and snapshots stay usable; signatures are checked all the same
  }).flatMap(([key, value]) => ['-o', `${key}=${value}`]);
  const apt = async (command: string, args: string[], cwd = root) =>
    (await run(command, [...options, ...args], { cwd, maxBuffer: 1 << 26 })).stdout;

  const update = (suites: readonly string[]) => {
    writeFileSync(list, suites.map((s) => `deb [arch=${architecture}${signed}] ${mirror} ${s} main\n`).join(''));
    return apt('apt-get', ['-q', 'update']);
  };
  await update([SUITE, `${SUITE}-updates`]).catch(() => update([SUITE])); // not every mirror has the updates

  return {
    async newest(pattern) {
      const names = (await apt('apt-cache', ['pkgnames', pattern.split('*')[0] as string])).split('\n');
      const name = newestName(pattern, names);
      const shown = await apt('apt-cache', ['show', '--no-all-versions', name]);
      const version = /^Version: (.*)$/m.exec(shown)?.[1];
      if (version === undefined) throw new Error(`package ${name}: no version in the index`);
      return { name, version };
    },
    async download({ name, version }) {
      const into = mkdtempSync(join(root, 'download-'));
      try {
        await apt('apt-get', ['-q', 'download', `${name}=${version}`], into);
        const [deb] = readdirSync(into);
        if (deb === undefined) throw new Error(`package ${name} ${version}: apt-get left no file`);
        return new Uint8Array(readFileSync(join(into, deb)));
      } finally {
        rmSync(into, { recursive: true, force: true });
      }
    },
  };
}

/** Of the names that fit, the one with the highest numbers in place of the stars. */
export function newestName(pattern: string, names: readonly string[]): string {
  const expression = patternOf(pattern);
  const fitting = names.flatMap((name) => {
    const match = expression.exec(name);
    return match ? [{ name, numbers: match.slice(1).map(Number) }] : [];
  });
  fitting.sort((a, b) => {
    const differs = a.numbers.findIndex((n, i) => n !== b.numbers[i]);
    return differs < 0 ? 0 : (b.numbers[differs] as number) - (a.numbers[differs] as number);
  });
  const best = fitting[0];
  if (best === undefined) throw new Error(`no package '${pattern}' in the index`);
  return best.name;
}
