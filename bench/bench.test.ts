import { describe, expect, it } from 'vitest';
import type { Environment } from './environment.ts';
import { coldSource } from './freestanding/cold.ts';
import type { HostName } from './hosts/host.ts';
import { withNames } from './hosts/wasm-names.ts';
import { selfTimes } from './micro/profile.ts';
import { parseOptions } from './options.ts';
import { type Meter, Recorder, type RunRecord } from './recorder.ts';
import { report } from './report.ts';
import { geomean, median, Results, type Run } from './results.ts';
import { machineArguments, WORKLOADS } from './workloads.ts';

/** A meter on which each look at the wall clock is a second later, and the other clocks follow it. */
function tickingMeter(): Meter {
  let seconds = 0;
  return {
    wallMs: () => ++seconds * 1000,
    cpuMs: () => seconds * 500,
    instructions: () => seconds * 1e6,
    memory: () => ({ residentBytes: 300, peakBytes: 400, guestBytes: 100, reportedBytes: 50 }),
  };
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function runOf(host: HostName, wallMs: number, value = 'v', error: string | null = null): Run {
  const row = { wallMs, cpuMs: wallMs / 2, instructions: 5000, value };
  const record: RunRecord = {
    rows: { sieve: row },
    memory: { before: null, afterBoot: null, atEnd: null },
    wasmBytes: 7,
    error,
  };
  return { host, suite: 'freestanding', round: 1, record };
}

describe('recorder', () => {
  it('times each row from its start marker to its end marker, cut anywhere in between', () => {
    const recorder = new Recorder(tickingMeter());
    for (const piece of ['[ 1.0] noise@st', 'art gzip\r', '\nsome output\n@end gzip 1', '23\r\n'])
      recorder.write(bytes(piece));
    expect(recorder.rows).toEqual({ gzip: { wallMs: 1000, cpuMs: 1000, instructions: 2e6, value: '123' } });
  });

  it('measures memory after the boot and at the end, and is done then', async () => {
    const recorder = new Recorder(tickingMeter());
    recorder.powerOn();
    recorder.write(bytes('@end power-on\n'));
    expect(recorder.record(9, null)).toMatchObject({
      memory: { before: { residentBytes: 300 }, afterBoot: { residentBytes: 300 }, atEnd: null },
    });
    recorder.write(bytes('@done\n'));
    await recorder.done;
    expect(recorder.record(9, null)).toMatchObject({
      wasmBytes: 9,
      error: null,
      memory: { atEnd: { peakBytes: 400 } },
    });
  });

  it('tells the last lines of a guest that failed', () => {
    const recorder = new Recorder(tickingMeter());
    recorder.write(bytes('Kernel panic\nnot syncing'));
    expect(recorder.record(null, 'no end after 5 s').error).toBe('no end after 5 s\n  Kernel panic\n  not syncing');
  });

  it('ignores the end of a row that was not started', () => {
    const recorder = new Recorder(tickingMeter());
    recorder.write(bytes('@start gzip\n@end awk 1\n'));
    expect(recorder.rows).toEqual({});
  });
});

describe('results', () => {
  it('takes medians and geometric means', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1])).toBe(2.5);
    expect(median([])).toBeUndefined();
    expect(geomean([2, 8])).toBeCloseTo(4);
    expect(geomean([])).toBeUndefined();
  });

  it('compares the medians of two emulators', () => {
    const results = new Results([runOf('qemu', 100), runOf('qemu', 300), runOf('qemu', 200), runOf('v86-node', 500)]);
    expect(results.ratio('v86-node', 'qemu', 'sieve', 'wallMs')).toBe(2.5);
    expect(results.ratio('lockstep-node', 'qemu', 'sieve', 'wallMs')).toBeUndefined();
    expect(results.mips('v86-node', 'sieve')).toBe(0.01);
  });

  it('finds rows with different values, and failed runs', () => {
    const results = new Results([
      runOf('qemu', 100, 'a'),
      runOf('v86-node', 100, 'b', 'late'),
      runOf('lockstep-node', 100, 'a'),
    ]);
    expect(results.disagreements()).toEqual(['sieve: a (qemu, lockstep-node) against b (v86-node)']);
    expect(results.failures()).toEqual(['v86-node, freestanding, round 1: late']);
    expect(new Results([runOf('qemu', 100, '')]).failures()).toEqual([
      'qemu, freestanding, round 1: sieve has no value',
    ]);
  });
});

describe('a row whose markers arrive in one batch', () => {
  const results = new Results([runOf('qemu', 100), runOf('lockstep-node', 0.002)]);

  it('has no time, and no part in any mean', () => {
    expect(results.time('lockstep-node', 'sieve', 'wallMs')).toBeUndefined();
    const rows = WORKLOADS.filter(({ name }) => name === 'sieve');
    expect(results.overall('lockstep-node', 'qemu', rows, 'wallMs')).toBeUndefined();
    expect(results.mips('lockstep-node', 'sieve')).toBeUndefined();
  });

  it('is a problem that the report names', () => {
    expect(results.failures()).toEqual([
      'lockstep-node, freestanding, round 1: sieve took 0.0 ms by its markers, too short to be timed',
    ]);
  });
});

describe('report', () => {
  const environment: Environment = {
    date: '2026-01-02',
    time: '03:04',
    versions: { Lockstep: 'abc' },
    processor: 'a processor',
    cores: 2,
    loadBefore: '0 0 0',
    loadAfter: '1 1 1',
  };
  const hosts = ['qemu', 'lockstep-chromium', 'v86-chromium'] as const;
  const workloads = WORKLOADS.filter(({ name }) => name === 'sieve');
  const bench = { environment, rounds: 1, scale: 1, hosts, workloads };

  it('shows times, ratios and the goals met', () => {
    const runs = [runOf('qemu', 2000), runOf('lockstep-chromium', 1000), runOf('v86-chromium', 3000)];
    const text = report({ ...bench, runs });
    expect(text).toContain('| sieve | 2.00 | 1.00 | 3.00 | 0.50 | 3.00 |');
    expect(text).toContain('faster than v86 on every row: met');
    expect(text).toContain('(geomean): met (3.00)');
    expect(text).not.toContain('Problems');
  });

  it('shows what failed, and dashes for what is missing', () => {
    const text = report({ ...bench, runs: [runOf('qemu', 2000), runOf('lockstep-chromium', 4000, 'other')] });
    expect(text).toContain('| sieve | 2.00 | 4.00 | - | 2.00 | - |');
    expect(text).toContain('values differ: sieve');
    expect(text).toContain('**missed** (2.00)');
  });
});

describe('options', () => {
  it('chooses rows by name and by suite, in their own order', () => {
    const { options } = parseOptions(['--rows', 'cold,linux', '--hosts', 'v86-node,qemu', '--rounds', '2']);
    expect(options.workloads.map(({ name }) => name)).toEqual([
      ...WORKLOADS.filter(({ suite }) => suite === 'linux').map(({ name }) => name),
      'cold',
    ]);
    expect(options.hosts).toEqual(['qemu', 'v86-node']);
    expect(options.rounds).toBe(2);
  });

  it.each([
    ['--rounds', '0'],
    ['--rows', 'siev'],
    ['--hosts', 'bochs'],
  ])('refuses %s %s', (option, value) => {
    expect(() => parseOptions([option, value])).toThrow(`${option} '${value}'`);
  });
});

describe('profile', () => {
  it('adds up the time of each function, and that of all compiled regions', () => {
    const node = (id: number, functionName: string, url: string) => ({
      id,
      callFrame: { functionName, url, lineNumber: 4 },
    });
    const nodes = [
      node(1, 'f', 'file:///a/b.ts'),
      node(2, 'compiled.region', 'wasm://1'),
      node(3, 'compiled.region', 'wasm://2'),
    ];
    expect(selfTimes({ nodes, samples: [1, 2, 3], timeDeltas: [1000, 2000, 3000] })).toEqual([
      { name: 'compiled.region', ms: 5 },
      { name: 'f b.ts:5', ms: 1 },
    ]);
  });
});

describe('names of wasm functions', () => {
  it('are those of the exports, in a module that still runs', () => {
    // one function without parameters that returns 42, exported as `region`
    const module = Uint8Array.of(
      ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
      ...[1, 5, 1, 0x60, 0, 1, 0x7f],
      ...[3, 2, 1, 0],
      ...[7, 10, 1, 6, 0x72, 0x65, 0x67, 0x69, 0x6f, 0x6e, 0, 0],
      ...[10, 6, 1, 4, 0, 0x41, 42, 0x0b],
    );
    const named = new WebAssembly.Module(Uint8Array.from(withNames(module)));
    const { region } = new WebAssembly.Instance(named).exports as { region: () => number };
    expect(region()).toBe(42);
    const [names] = WebAssembly.Module.customSections(named, 'name');
    expect(new TextDecoder().decode(names)).toContain('compiled.region');
  });
});

describe('guests', () => {
  it('gives Lockstep and QEMU the same machine', () => {
    const image = { suite: 'linux', memoryMiB: 64, kernel: 'k', initrd: 'i', commandLine: 'quiet' } as const;
    const args = machineArguments(image, { kernel: '/k', initrd: '/i' }).join(' ');
    expect(args).toContain('-m 64 -kernel /k -initrd /i -append quiet');
  });

  it('writes the same cold functions each time, as many as asked for', () => {
    const source = coldSource(20);
    expect(coldSource(20)).toBe(source);
    expect(source.match(/static uint32_t f\d+\(/g)).toHaveLength(20);
  });
});
