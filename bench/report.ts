/** The results as a page of Markdown. */
import type { Environment } from './environment.ts';
import type { HostName } from './hosts/host.ts';
import { beyondGuest, type Clock, Results, type Run } from './results.ts';
import type { Workload } from './workloads.ts';

export interface Bench {
  readonly environment: Environment;
  readonly rounds: number;
  readonly scale: number;
  readonly hosts: readonly HostName[];
  readonly workloads: readonly Workload[];
  readonly runs: readonly Run[];
}

/** A pair of emulators that are compared: the time of the first by that of the second. */
interface Comparison {
  readonly title: string;
  readonly host: HostName;
  readonly other: HostName;
}

const COMPARISONS: readonly Comparison[] = [
  { title: 'ours/QEMU', host: 'lockstep-chromium', other: 'qemu' },
  { title: 'v86/ours', host: 'v86-chromium', other: 'lockstep-chromium' },
  { title: 'ours/QEMU (Node)', host: 'lockstep-node', other: 'qemu' },
  { title: 'v86/ours (Node)', host: 'v86-node', other: 'lockstep-node' },
];

const TITLES: Readonly<Record<HostName, string>> = {
  qemu: 'QEMU',
  'lockstep-chromium': 'ours, Chromium',
  'v86-chromium': 'v86, Chromium',
  'lockstep-node': 'ours, Node',
  'v86-node': 'v86, Node',
};

const NONE = '-';
const seconds = (ms: number | undefined): string => (ms === undefined ? NONE : (ms / 1000).toFixed(2));
const ratio = (value: number | undefined): string => (value === undefined ? NONE : value.toFixed(2));
const megabytes = (bytes: number | null | undefined): string =>
  bytes === null || bytes === undefined ? NONE : (bytes / 2 ** 20).toFixed(bytes < 10 * 2 ** 20 ? 1 : 0);

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map((_, i) => (i === 0 ? '---' : '---:')), ...rows];
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

export function report(bench: Bench): string {
  const { environment, rounds, scale } = bench;
  const results = new Results(bench.runs);
  const problems = [
    ...results.failures().map((text) => `failed: ${text}`),
    ...results.disagreements().map((text) => `values differ: ${text}`),
  ];
  const sections = [
    `# Bench of ${environment.date}`,
    environmentText(environment),
    `${rounds} round${rounds === 1 ? '' : 's'}, the emulators by turns, medians; freestanding rows at scale ${scale}. Every emulator got the same images and command lines.`,
    ...(problems.length === 0 ? [] : ['## Problems', problems.map((text) => `- ${text}`).join('\n')]),
    '## Goals',
    goals(bench, results),
    '## Wall-clock time, s',
    timeTable(bench, results, 'wallMs'),
    '## Processor time of the thread that runs the guest (QEMU: of all threads), s',
    timeTable(bench, results, 'cpuMs'),
    '## Million guest instructions a second',
    mipsTable(bench, results),
    '## Memory and wasm, MiB',
    'Beyond guest RAM: resident memory of the process outside the mappings that hold guest RAM, after the boot; Node and the browser themselves are in it, and what they took before there was a machine is shown. Reported: what the emulator counts itself (its part of the shared memory, and compiled modules).',
    memoryTable(bench, results),
    '## Rows',
    bench.workloads.map(({ name, what }) => `- ${name}: ${what}`).join('\n'),
  ];
  return `${sections.join('\n\n')}\n`;
}

function environmentText({ versions, processor, cores, loadBefore, loadAfter }: Environment): string {
  const names = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return `${names.join('; ')}.\n${processor}, ${cores} cores; load average ${loadBefore} before, ${loadAfter} after.`;
}

function comparisonsOf(hosts: readonly HostName[]): readonly Comparison[] {
  return COMPARISONS.filter(({ host, other }) => hosts.includes(host) && hosts.includes(other));
}

function timeTable({ hosts, workloads }: Bench, results: Results, clock: Clock): string {
  const comparisons = comparisonsOf(hosts);
  const rows = workloads.map(({ name }) => [
    name,
    ...hosts.map((host) => seconds(results.time(host, name, clock))),
    ...comparisons.map(({ host, other }) => ratio(results.ratio(host, other, name, clock))),
  ]);
  const mean = (title: string, of: readonly Workload[]): string[] => [
    `**geomean, ${title}**`,
    ...hosts.map(() => ''),
    ...comparisons.map(({ host, other }) => `**${ratio(results.overall(host, other, of, clock)?.mean)}**`),
  ];
  const means = (['linux', 'freestanding'] as const)
    .map((suite) => ({ suite, of: workloads.filter((workload) => workload.suite === suite) }))
    .filter(({ of }) => of.length > 0)
    .map(({ suite, of }) => mean(suite, of));
  if (means.length > 1) means.push(mean('all', workloads));
  const head = ['', ...hosts.map((host) => TITLES[host]), ...comparisons.map(({ title }) => title)];
  return table(head, [...rows, ...means]);
}

function mipsTable({ hosts, workloads }: Bench, results: Results): string {
  const counting = hosts.filter((host) => host !== 'qemu');
  const rows = workloads.map(({ name }) => [
    name,
    ...counting.map((host) => results.mips(host, name)?.toFixed(0) ?? NONE),
  ]);
  return table(['', ...counting.map((host) => TITLES[host])], rows);
}

function memoryTable({ hosts, workloads }: Bench, results: Results): string {
  const suites = [...new Set(workloads.map(({ suite }) => suite))];
  const rows = suites.flatMap((suite) =>
    hosts.map((host) => {
      const before = results.memory(host, suite, 'before');
      const afterBoot = results.memory(host, suite, 'afterBoot');
      const atEnd = results.memory(host, suite, 'atEnd');
      return [
        `${TITLES[host]}, ${suite}`,
        megabytes(before?.residentBytes),
        megabytes(afterBoot && beyondGuest(afterBoot)),
        megabytes(atEnd && beyondGuest(atEnd)),
        megabytes(atEnd?.reportedBytes ?? afterBoot?.reportedBytes),
        megabytes(atEnd?.peakBytes ?? afterBoot?.peakBytes),
        megabytes(results.wasmBytes(host, suite)),
      ];
    }),
  );
  return table(
    [
      '',
      'process before',
      'beyond guest RAM, after boot',
      'at the end',
      'reported',
      'peak with guest RAM',
      'wasm compiled',
    ],
    rows,
  );
}

/** What the project set itself, and how far this bench gets. */
function goals({ workloads }: Bench, results: Results): string {
  const [ours, v86] = ['lockstep-chromium', 'v86-chromium'] as const;
  const slower = workloads.filter(({ name }) => (results.ratio(v86, ours, name, 'wallMs') ?? Infinity) <= 1);
  const untimed = workloads.filter(({ name }) => results.ratio(v86, ours, name, 'wallMs') === undefined);
  const compared = results.overall(v86, ours, workloads, 'wallMs');
  const toQemu = results.overall(ours, 'qemu', workloads, 'wallMs');
  const memory = results.memory(ours, 'linux', 'afterBoot');
  const beyond = memory && beyondGuest(memory) / 2 ** 20;
  const line = (goal: string, met: boolean | undefined, found: string): string =>
    `- ${goal}: ${met === undefined ? 'not measured' : `${met ? 'met' : '**missed**'} (${found})`}`;
  return [
    line(
      'in Chromium, faster than v86 on every row',
      compared && slower.length + untimed.length === 0,
      [
        `${compared?.rows} rows`,
        ...slower.map(({ name }) => `slower on ${name}`),
        ...untimed.map(({ name }) => `${name} not timed`),
      ].join(', '),
    ),
    line('in Chromium, 2.5 times as fast as v86 (geomean)', compared && compared.mean >= 2.5, ratio(compared?.mean)),
    line(
      "in Chromium, at most 1.2 times native QEMU's time (geomean)",
      toQemu && toQemu.mean <= 1.2,
      ratio(toQemu?.mean),
    ),
    line(
      'in Chromium, at most 256 MiB beyond guest RAM after boot',
      beyond === undefined ? undefined : beyond <= 256,
      `${beyond?.toFixed(0)} MiB`,
    ),
  ].join('\n');
}
