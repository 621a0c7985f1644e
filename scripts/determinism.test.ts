import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const project = mkdtempSync(join(tmpdir(), 'lockstep-lint-'));
afterAll(() => rmSync(project, { recursive: true, force: true }));

// A project of its own with our rules: samples of bad code must not lie about in this one.
const config = JSON.parse(readFileSync(join(root, 'biome.json'), 'utf8'));
writeFileSync(join(project, 'biome.json'), JSON.stringify({ ...config, vcs: { enabled: false } }));
cpSync(join(root, 'scripts/no-host-randomness.grit'), join(project, 'scripts/no-host-randomness.grit'));
symlinkSync(join(root, 'node_modules'), join(project, 'node_modules'));

/** What Biome says of `source` if it stood in `path`. */
function lint(path: string, source: string): { ok: boolean; text: string } {
  const file = join(project, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, source);
  const biome = join(root, 'node_modules/.bin/biome');
  const run = spawnSync(biome, ['lint', path], { cwd: project, encoding: 'utf8' });
  if (run.error) throw run.error;
  return { ok: run.status === 0, text: run.stdout + run.stderr };
}

const hostInput = [
  'export const now = Date.now();',
  'export const now = new Date();',
  'export const now = performance.now();',
  'export const dice = Math.random();',
  "export const dice = Math['random']();",
  'const { random } = Math;\nexport const dice = random();',
  'export const dice = crypto.getRandomValues(new Uint8Array(1));',
  'export const dice = globalThis.Math.random();',
  'setTimeout(() => {}, 1);',
  'setInterval(() => {}, 1);',
];

test.each(hostInput)('host time and randomness are refused in cpu and hw: %s', (source) => {
  for (const path of ['src/cpu/exec/sample.ts', 'src/hw/devices/misc/sample.ts']) {
    const { ok, text } = lint(path, source);
    expect(ok, text).toBe(false);
    expect(text).toMatch(/input queue|virtual clock|cannot slip in/);
  }
});

test('outside cpu and hw, and in tests, they are allowed', () => {
  for (const path of ['src/vm/sample.ts', 'src/cpu/exec/sample.test.ts']) {
    const { ok, text } = lint(path, 'export const now = Date.now() + performance.now() + Math.random();\n');
    expect(ok, text).toBe(true);
  }
});

test('deterministic arithmetic passes in cpu', () => {
  const { ok, text } = lint('src/cpu/exec/sample.ts', 'export const n = Math.clz32(5) + Math.imul(2, 3);\n');
  expect(ok, text).toBe(true);
});
