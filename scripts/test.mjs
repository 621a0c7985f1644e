/**
 * npm test: sets up all that is missing, then runs every check. Stops at nothing: all checks run, and the end says which failed.
 *
 * usage: npm test -- [check...]     checks: biome types knip unit e2e (default: all)
 * The tests compare with native QEMU, assemble with binutils and drive Chromium (found by name, or named by CHROMIUM).
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { buildPage, fetchRoms, installDependencies, main, modernNode, root, run, SetUpError, step } from './set-up.mjs';

/** What the tests call, by the Debian packages it comes from. */
const PROGRAMS = [
  {
    packages: ['chromium'],
    isHere: () => !!process.env.CHROMIUM || ['chromium', 'chromium-browser', 'google-chrome'].some(onPath),
  },
  { packages: ['qemu-system-x86'], isHere: () => onPath('qemu-system-i386') },
  { packages: ['qemu-utils'], isHere: () => ['qemu-img', 'qemu-io'].every(onPath) },
  { packages: ['gdb'], isHere: () => onPath('gdb') },
  { packages: ['qemu-user'], isHere: () => onPath('qemu-i386') },
  { packages: ['binutils'], isHere: () => ['as', 'ld', 'objcopy', 'objdump'].every(onPath) },
  // the x87 tests compare with the host's own processor, which has to be one that runs i386 programs
  { packages: ['gcc', 'gcc-multilib'], isHere: () => process.arch !== 'x64' || compilesFor32Bit() },
];

function compilesFor32Bit() {
  const gcc = ['-m32', '-static', '-o', '/dev/null', '-x', 'c', '-'];
  return spawnSync('gcc', gcc, { input: '#include <stdio.h>\nint main(void) { return 0; }\n' }).status === 0;
}

const tools = (name) => join(root, 'node_modules', name);
/** vitest shows its progress and leaves the counts in a file; playwright.config.ts does the same. */
const reports = { unit: join(root, '.cache/unit.json'), e2e: join(root, '.cache/e2e.json') };
const REPORT = ['--reporter=default', '--reporter=json', `--outputFile.json=${reports.unit}`];
const CHECKS = [
  { name: 'biome', what: 'Format and lint', args: [tools('@biomejs/biome/bin/biome'), 'check', '--error-on-warnings'] },
  { name: 'types', what: 'Types and who imports whom', args: [tools('typescript/bin/tsc'), '-b'] },
  { name: 'knip', what: 'Dead code', args: [tools('knip/bin/knip.js')] },
  { name: 'unit', what: 'Unit and guest tests', args: [tools('vitest/vitest.mjs'), 'run', ...REPORT] },
  { name: 'e2e', what: 'The page in Chromium', args: [tools('@playwright/test/cli.js'), 'test'] },
];

const onPath = (name) => process.env.PATH.split(delimiter).some((directory) => existsSync(join(directory, name)));

const missingPackages = () => PROGRAMS.filter(({ isHere }) => !isHere()).flatMap(({ packages }) => packages);

/** Installs the programs that are missing, by apt-get as root or with a sudo that asks nothing. */
async function installPrograms() {
  const missing = missingPackages();
  if (missing.length === 0) return;
  step(`Installing ${missing.join(', ')} (apt-get)`);
  const isRoot = process.getuid?.() === 0;
  const prefix = isRoot ? [] : ['sudo', '-n'];
  const allowed = onPath('apt-get') && (isRoot || spawnSync('sudo', ['-n', 'true']).status === 0);
  const apt = (...args) => {
    const [command, ...rest] = [...prefix, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-qq', ...args];
    return run(command, rest);
  };
  if (allowed) {
    await apt('update');
    await apt('install', '-y', '--no-install-recommends', ...missing);
  }
  const still = missingPackages();
  if (still.length > 0) {
    throw new SetUpError(
      `The tests need programs that are not here: install ${still.join(', ')} (Debian's names of the packages) and run npm test\n` +
        'again. apt-get does it by itself for root or with a sudo that needs no password. Another Chromium: set CHROMIUM to its path.',
    );
  }
}

/** How many tests passed, failed and were skipped, by the reports of this run. */
function counts() {
  const total = { passed: 0, failed: 0, skipped: 0 };
  if (existsSync(reports.unit)) {
    const unit = JSON.parse(readFileSync(reports.unit, 'utf8'));
    total.passed += unit.numPassedTests;
    total.failed += unit.numFailedTests + (unit.numFailedTests === 0 && !unit.success ? 1 : 0); // a file that did not load
    total.skipped += unit.numPendingTests + unit.numTodoTests;
  }
  if (existsSync(reports.e2e)) {
    const { stats } = JSON.parse(readFileSync(reports.e2e, 'utf8'));
    total.passed += stats.expected;
    total.failed += stats.unexpected + stats.flaky;
    total.skipped += stats.skipped;
  }
  return total;
}

await main(async () => {
  const unknown = process.argv.slice(2).filter((name) => !CHECKS.some((check) => check.name === name));
  if (unknown.length > 0)
    throw new SetUpError(`unknown check '${unknown[0]}' (${CHECKS.map((c) => c.name).join(', ')})`);
  const chosen = CHECKS.filter(({ name }) => process.argv.length === 2 || process.argv.includes(name));

  await installDependencies();
  const node = modernNode();
  if (chosen.some(({ name }) => name === 'unit' || name === 'e2e')) {
    await installPrograms();
    if (!(await fetchRoms(node))) throw new SetUpError('The tests boot the guest above: see what the message says.');
  }
  await buildPage(node); // also compiles the native parts, which the type check needs

  for (const report of Object.values(reports)) rmSync(report, { force: true });
  const results = [];
  for (const { name, what, args } of chosen) {
    step(`${what} (${name})`);
    const started = Date.now();
    const status = await run(node, args);
    results.push({ name, status, seconds: (Date.now() - started) / 1000 });
  }
  console.log('');
  for (const { name, status, seconds } of results) {
    console.log(`${status === 0 ? 'passed' : 'FAILED'}  ${name.padEnd(6)} ${seconds.toFixed(1).padStart(7)} s`);
  }
  const failed = results.filter(({ status }) => status !== 0).length;
  console.log(`checks: ${results.length - failed} passed, ${failed} failed`);
  const tests = counts();
  console.log(`tests: ${tests.passed} passed, ${tests.failed} failed, ${tests.skipped} skipped`);
  return failed === 0 ? 0 : 1;
});
