/** Where Lockstep's time goes: the rows run once under Node with V8's sampling profiler. */
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { nodeHost } from '../hosts/node-host.ts';
import { buildImage } from '../images.ts';
import type { BenchOptions } from '../options.ts';
import { FOLDERS } from '../paths.ts';
import { table } from '../report.ts';

const SHOWN = 40;
const FOLDER = join(FOLDERS.out, 'profile');

/** As V8 writes it: one node for each place in the call tree, and which one each sample hit. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** Functions by the time spent in themselves, the longest first. */
export function selfTimes({
  nodes,
  samples,
  timeDeltas,
}: CpuProfile): { readonly name: string; readonly ms: number }[] {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const times = new Map<string, number>();
  for (const [i, sample] of samples.entries()) {
    const name = names.get(sample) ?? '?';
    times.set(name, (times.get(name) ?? 0) + (timeDeltas[i] ?? 0) / 1000);
  }
  return [...times].map(([name, ms]) => ({ name, ms })).sort((a, b) => b.ms - a.ms);
}

function nameOf({ functionName, url, lineNumber }: CpuProfile['nodes'][number]['callFrame']): string {
  if (url.startsWith('wasm:')) return functionName; // as hosts/wasm-names.ts names it
  const place = url === '' ? '' : ` ${basename(url)}:${lineNumber + 1}`;
  return `${functionName || '(anonymous)'}${place}`;
}

/** A table in Markdown. The profile itself is left in bench/out/profile, for the tools of browsers. */
export async function profileRows({ workloads, scale, timeoutMs }: BenchOptions): Promise<string> {
  const suite = workloads[0]?.suite ?? 'linux';
  const rows = workloads.filter((workload) => workload.suite === suite).map(({ name }) => name);
  const image = await buildImage(suite, rows, scale);
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
  const host = nodeHost('lockstep-node', 'lockstep.child.ts', ['--cpu-prof', `--cpu-prof-dir=${FOLDER}`], 'named');
  const { rows: timed, error } = await host.run(image, timeoutMs);
  const file = readdirSync(FOLDER).find((name) => name.endsWith('.cpuprofile'));
  if (file === undefined) throw new Error(`no profile was written${error === null ? '' : `: ${error}`}`);
  const path = join(FOLDER, file);
  const times = selfTimes(JSON.parse(readFileSync(path, 'utf8')));
  const total = times.reduce((sum, { ms }) => sum + ms, 0);
  const lines = times
    .slice(0, SHOWN)
    .map(({ name, ms }) => [name, ms.toFixed(0), `${((100 * ms) / total).toFixed(1)} %`]);
  const ran = Object.entries(timed).map(([row, { wallMs }]) => `${row} ${(wallMs / 1000).toFixed(2)} s`);
  return [ran.join(', '), ...(error === null ? [] : [error]), table(['function', 'ms', 'of all'], lines), path].join(
    '\n\n',
  );
}
