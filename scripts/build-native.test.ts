import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';

const UNIT = 'src/cpu/exec/native/va32.ts';
const OUT = 'src/cpu/exec/native32.gen.ts';
const root = resolve(import.meta.dirname, '..');

/** A project with nothing but the build script and the given sources. */
function project(sources: Readonly<Record<string, string>>) {
  const directory = mkdtempSync(join(tmpdir(), 'lockstep-native-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  cpSync(join(root, 'scripts/build-native.mjs'), join(directory, 'scripts/build-native.mjs'));
  symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'));
  const put = (path: string, text: string) => {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), text);
  };
  for (const [path, text] of Object.entries(sources)) put(path, text);
  return {
    put,
    build() {
      const run = spawnSync(process.execPath, ['scripts/build-native.mjs'], { cwd: directory, encoding: 'utf8' });
      return { status: run.status, text: run.stdout + run.stderr };
    },
    has: (path: string) => existsSync(join(directory, path)),
    /** The answer of the built module's export `f`. */
    async answer() {
      const base64 = /wasmBase64 = '([^']*)'/.exec(readFileSync(join(directory, OUT), 'utf8'))?.[1] ?? '';
      const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true });
      const { instance } = await WebAssembly.instantiate(Buffer.from(base64, 'base64'), { env: { memory } });
      return (instance.exports['f'] as () => number)();
    },
  };
}

test('a unit is built once, and again when a file that it imports changes', async () => {
  const { build, put, answer } = project({
    [UNIT]: "import { N } from './lib/n';\nexport function f(): i32 { return N; }\n",
    'src/cpu/exec/native/lib/n.ts': 'export const N: i32 = 42;\n',
  });
  expect(build()).toMatchObject({ status: 0, text: expect.stringContaining(OUT) });
  expect(await answer()).toBe(42);
  expect(build()).toEqual({ status: 0, text: '' });
  put('src/cpu/exec/native/lib/n.ts', 'export const N: i32 = 43;\n');
  expect(build().text).toContain(OUT);
  expect(await answer()).toBe(43);
});

test('static data is refused: it would lie over the memory of the machine', () => {
  const { build, has } = project({
    [UNIT]: 'const t = memory.data<i32>([1, 2, 3]);\nexport function f(): i32 { return load<i32>(t + 4); }\n',
  });
  expect(build()).toMatchObject({ status: 1, text: expect.stringContaining('static data') });
  expect(has(OUT)).toBe(false);
});

test('a compile error names file and place, and the other units are built all the same', () => {
  const { build, has } = project({
    [UNIT]: 'export function f(): i32 { return nothing; }\n',
    'src/cpu/isa/x86/native/index.ts': 'export function f(): i32 { return 1; }\n',
  });
  expect(build()).toMatchObject({ status: 1, text: expect.stringContaining(`${UNIT}(1,35)`) });
  expect(has('src/cpu/isa/x86/native.gen.ts')).toBe(true);
});
