/** The child's side of a run under Node. */
import { readFileSync, writeSync } from 'node:fs';
import type { RunRecord } from '../recorder.ts';
import type { GuestImage } from '../workloads.ts';
import { memoryOf } from './proc.ts';
import type { GuestFiles, ThreadMeter } from './run-lockstep.ts';

export function guestOfArguments(): GuestFiles {
  const image: GuestImage = JSON.parse(process.argv[2] ?? '{}');
  const timeoutMs = Number(process.argv[3]);
  return {
    image,
    kernel: readFileSync(image.kernel),
    initrd: image.initrd === undefined ? undefined : readFileSync(image.initrd),
    timeoutMs,
  };
}

export function nodeMeter(image: GuestImage): ThreadMeter {
  return {
    wallMs: () => performance.now(),
    cpuMs: () => {
      const { user, system } = process.threadCpuUsage();
      return (user + system) / 1000;
    },
    memory: (reportedBytes) => memoryOf(process.pid, image.memoryMiB * 2 ** 20, reportedBytes),
  };
}

/** The record is the last line; then nothing is left to do. */
export function report(record: RunRecord): never {
  writeSync(1, `\n${JSON.stringify(record)}\n`);
  process.exit(0);
}
