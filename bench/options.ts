/** The command line of the bench. */
import { parseArgs } from 'node:util';
import { HOST_NAMES, type HostName } from './hosts/host.ts';
import { WORKLOADS, type Workload } from './workloads.ts';

export interface BenchOptions {
  readonly rounds: number;
  readonly scale: number;
  readonly timeoutMs: number;
  readonly hosts: readonly HostName[];
  readonly workloads: readonly Workload[];
  /** Where the results go, without the ending; undefined: bench/results/<date>. */
  readonly out: string | undefined;
}

export const USAGE = `usage: npm run bench -- [options]
  --rounds N      rounds, of which medians are taken (3)
  --rows A,B      rows, or the suites linux and freestanding (all): ${WORKLOADS.map(({ name }) => name).join(' ')}
  --hosts A,B     emulators (all): ${HOST_NAMES.join(' ')}
  --scale N       how often the freestanding rows do their work (2)
  --timeout S     limit of one run of one image, s (300)
  --out PATH      results to PATH.md and PATH.json (bench/results/<date>)
  --profile       instead: run the first of the rows once in Lockstep under Node, and tell where time goes
  --micro         instead: what translation costs, ns a guest instruction`;

export type Command = 'bench' | 'profile' | 'micro' | 'help';

/** Throws an error for the user if the options make no sense. */
export function parseOptions(args: readonly string[]): { readonly command: Command; readonly options: BenchOptions } {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string', default: '3' },
      rows: { type: 'string' },
      hosts: { type: 'string' },
      scale: { type: 'string', default: '2' },
      timeout: { type: 'string', default: '300' },
      out: { type: 'string' },
      profile: { type: 'boolean', default: false },
      micro: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const options: BenchOptions = {
    rounds: count('rounds', values.rounds),
    scale: count('scale', values.scale),
    timeoutMs: count('timeout', values.timeout) * 1000,
    hosts: chosen('hosts', values.hosts, HOST_NAMES, (name, wanted) => name === wanted),
    workloads: chosen('rows', values.rows, WORKLOADS, ({ name, suite }, wanted) => name === wanted || suite === wanted),
    out: values.out,
  };
  const command = values.help ? 'help' : values.profile ? 'profile' : values.micro ? 'micro' : 'bench';
  return { command, options };
}

function count(option: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${option} '${text}': expected a number from 1`);
  return value;
}

/** Those of `all` that the list names, in the order of `all`. */
function chosen<T>(
  option: string,
  list: string | undefined,
  all: readonly T[],
  matches: (item: T, wanted: string) => boolean,
): readonly T[] {
  if (list === undefined) return all;
  const wanted = list.split(',');
  const unknown = wanted.find((name) => !all.some((item) => matches(item, name)));
  if (unknown !== undefined) throw new Error(`--${option} '${unknown}': unknown; see --help`);
  return all.filter((item) => wanted.some((name) => matches(item, name)));
}
