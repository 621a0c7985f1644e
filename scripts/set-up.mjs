/** What npm start and npm test have in common. Free of dependencies: it runs on Node 20 before anything is installed. */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const bin = join(root, 'node_modules', '.bin');
const at = (path) => join(root, path);

/** A failure with a message for the user; others print a stack. */
export class SetUpError extends Error {}

/** Runs a step with its output shown and the project's tools on the PATH; the number is its exit status. */
export function run(command, args, options = {}) {
  const env = { ...process.env, ...options.env, PATH: `${bin}${delimiter}${process.env.PATH}` };
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: 'inherit', ...options, env });
    const stop = () => child.kill(); // a signal sent to us alone must not leave the child behind
    process.once('SIGTERM', stop).once('SIGHUP', stop);
    child.on('error', (error) => reject(new SetUpError(`${command}: ${error.message}`)));
    child.on('exit', (code, signal) => {
      process.off('SIGTERM', stop).off('SIGHUP', stop);
      resolve(signal ? 1 : code);
    });
  });
}

export async function mustRun(what, command, args, options) {
  const status = await run(command, args, options);
  if (status !== 0) throw new SetUpError(`${what} failed (status ${status}): ${command} ${args.join(' ')}`);
}

export function step(text) {
  console.log(`\n▸ ${text}`);
}

/** True when what is installed is what package-lock.json asks for. npm keeps its own record in node_modules. */
function dependenciesAreFresh() {
  const installed = at('node_modules/.package-lock.json');
  if (!existsSync(installed)) return false;
  const have = JSON.parse(readFileSync(installed, 'utf8')).packages;
  const want = JSON.parse(readFileSync(at('package-lock.json'), 'utf8')).packages;
  return Object.entries(want).every(
    ([path, { version, optional, link }]) => path === '' || optional || link || have[path]?.version === version,
  );
}

export async function installDependencies() {
  if (dependenciesAreFresh()) return;
  step('Installing dependencies (npm)');
  // Not npm ci: it refuses a lock without the optional packages of other platforms, which registry mirrors need not carry.
  // This keeps to the versions and checksums of the lock as well, and leaves the lock as it is.
  await mustRun('Installing the dependencies', 'npm', ['install', '--no-save', '--no-audit', '--no-fund']);
}

/**
 * The Node that runs the TypeScript scripts and tools: the one the npm package `node` brings, or this one where it is new
 * enough to run TypeScript as it is (22.18).
 */
export function modernNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 22 || (major === 22 && minor >= 18)) return process.execPath;
  const brought = join(bin, 'node');
  if (spawnSync(brought, ['--version']).status === 0) return brought;
  throw new SetUpError(
    `Node ${process.versions.node} cannot run the scripts, and the npm package 'node' did not install a newer one.\n` +
      "Let it run its install script ('npm rebuild node --ignore-scripts=false') or use Node 22.18 or later.",
  );
}

/** Firmware and the default guest. The page and the tests that need none of it go on without. */
export async function fetchRoms(node) {
  step('Firmware and the default guest');
  return (await run(node, [at('roms/fetch.ts')])) === 0;
}

/** Builds dist/ unless it was built from the very same files. */
export async function buildPage(node) {
  await mustRun('Compiling the native parts', node, [at('scripts/build-native.mjs')]);
  const stamp = at('.cache/page.sha256');
  const hash = hashOf([
    'index.html',
    'vite.config.ts',
    'package-lock.json',
    'public',
    'src',
    'workers',
    'scripts',
    'roms',
  ]);
  if (existsSync(at('dist/index.html')) && existsSync(stamp) && readFileSync(stamp, 'utf8') === hash) return;
  step('Building the page');
  await mustRun('Building the page', node, [at('node_modules/vite/bin/vite.js'), 'build', '--logLevel', 'warn']);
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, hash);
}

/** A hash over files and folders by name and contents; of large files, which are never edited, size and time will do. */
function hashOf(paths) {
  const hash = createHash('sha256');
  const visit = (path) => {
    const stat = statSync(at(path), { throwIfNoEntry: false });
    if (!stat) return;
    hash.update(`\n${path}\n`);
    if (stat.isDirectory()) for (const name of readdirSync(at(path)).sort()) visit(join(path, name));
    else if (stat.size > 1 << 20) hash.update(`${stat.size} ${stat.mtimeMs}`);
    else hash.update(readFileSync(at(path)));
  };
  for (const path of paths) visit(path);
  return hash.digest('hex');
}

/** Runs a script's main function: user errors as one line, others with their stack, both with status 1. */
export async function main(body) {
  try {
    process.exitCode = await body();
  } catch (error) {
    console.error(error instanceof SetUpError ? `\n${error.message}` : error);
    process.exitCode = 1;
  }
}
