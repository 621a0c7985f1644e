/**
 * npm run bench: the same guests in Lockstep, v86 and native QEMU, by turns. Options: see options.ts, or --help.
 * The status is 1 if a run failed or the emulators disagree about a result.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describeEnvironment, loadAverage } from './environment.ts';
import { chromiumHost } from './hosts/chromium.ts';
import type { Host, HostName } from './hosts/host.ts';
import { nodeHost } from './hosts/node-host.ts';
import { qemuHost } from './hosts/qemu.ts';
import { buildImage } from './images.ts';
import { profileRows } from './micro/profile.ts';
import { microBench } from './micro/translation.ts';
import { type BenchOptions, parseOptions, USAGE } from './options.ts';
import { FOLDERS } from './paths.ts';
import { type Bench, report } from './report.ts';
import { Results, type Run } from './results.ts';
import type { Suite, Workload } from './workloads.ts';

const HOSTS: Readonly<Record<HostName, Host>> = {
  qemu: qemuHost,
  'lockstep-node': nodeHost('lockstep-node', 'lockstep.child.ts'),
  'lockstep-chromium': chromiumHost('lockstep-chromium', 'lockstep'),
  'v86-node': nodeHost('v86-node', 'v86.child.ts'),
  'v86-chromium': chromiumHost('v86-chromium', 'v86'),
};

const rowNames = (workloads: readonly Workload[], suite: Suite): string[] =>
  workloads.filter((workload) => workload.suite === suite).map(({ name }) => name);

/** All runs: in each round each suite in each emulator. */
async function runAll({ workloads, scale, rounds, hosts, timeoutMs }: BenchOptions): Promise<Run[]> {
  const suites = (['linux', 'freestanding'] as const).filter((suite) => rowNames(workloads, suite).length > 0);
  const images = await Promise.all(suites.map((suite) => buildImage(suite, rowNames(workloads, suite), scale)));
  const runs: Run[] = [];
  for (let round = 1; round <= rounds; round++) {
    for (const image of images) {
      for (const host of hosts) {
        const record = await HOSTS[host].run(image, timeoutMs);
        runs.push({ host, suite: image.suite, round, record });
        const times = Object.entries(record.rows).map(([row, { wallMs }]) => `${row} ${(wallMs / 1000).toFixed(2)}`);
        console.log(`round ${round}  ${host.padEnd(17)}  ${times.join('  ')}`);
        if (record.error !== null) console.log(`  failed: ${record.error}`);
      }
    }
  }
  return runs;
}

async function bench(options: BenchOptions): Promise<number> {
  const loadBefore = loadAverage();
  const runs = await runAll(options);
  const environment = await describeEnvironment(loadBefore);
  const { rounds, scale, hosts, workloads } = options;
  const all: Bench = { environment, rounds, scale, hosts, workloads, runs };
  const out = options.out ?? join(FOLDERS.results, environment.date);
  const text = report(all);
  mkdirSync(dirname(out), { recursive: true });
  writeFileSync(`${out}.md`, text);
  writeFileSync(`${out}.json`, `${JSON.stringify(all, null, 1)}\n`);
  console.log(`\n${text}\nwritten to ${out}.md and ${out}.json`);
  const results = new Results(runs);
  return results.failures().length + results.disagreements().length > 0 ? 1 : 0;
}

async function main(): Promise<number> {
  const { command, options } = parseOptions(process.argv.slice(2));
  switch (command) {
    case 'help':
      console.log(USAGE);
      return 0;
    case 'micro':
      console.log(await microBench());
      return 0;
    case 'profile':
      console.log(await profileRows(options));
      return 0;
    case 'bench':
      return bench(options);
  }
}

for (const [signal, number] of [
  ['SIGINT', 2],
  ['SIGTERM', 15],
] as const) {
  process.on(signal, () => process.exit(128 + number)); // what runs is killed at the exit
}
try {
  process.exitCode = await main();
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}
