/** What Linux tells about a process: processor time and memory. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { MemoryUse } from '../recorder.ts';

/** Processor time of all threads of a process, or of those of one name; ms. */
export function cpuMsOf(pid: number, threadName?: string): number | null {
  let total = 0;
  let found = false;
  for (const thread of threadsOf(pid)) {
    const text = readProc(`/proc/${pid}/task/${thread}/schedstat`);
    if (text === undefined) continue;
    if (threadName !== undefined && readProc(`/proc/${pid}/task/${thread}/comm`)?.trim() !== threadName) continue;
    total += Number(text.split(' ', 1)[0]) / 1e6; // ns on a processor
    found = true;
  }
  return found ? total : null;
}

/** The process among the descendants of another that has a thread of this name. */
export function descendantWithThread(ancestor: number, threadName: string): number | undefined {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    const fields = /^\d+$/.test(name)
      ? readProc(`/proc/${name}/stat`)
          ?.replace(/^.*\) /s, '')
          .split(' ')
      : undefined;
    if (fields !== undefined) parents.set(Number(name), Number(fields[1]));
  }
  const descends = (pid: number | undefined): boolean =>
    pid !== undefined && pid > 1 && (pid === ancestor || descends(parents.get(pid)));
  return [...parents.keys()].find((pid) => descends(pid) && cpuMsOf(pid, threadName) !== null);
}

/** Memory of a process whose guest has RAM of the given size: that lies in a mapping at least as large. */
export function memoryOf(pid: number, ramBytes: number, reportedBytes: number | null): MemoryUse | null {
  const status = readProc(`/proc/${pid}/status`);
  const maps = readProc(`/proc/${pid}/smaps`);
  if (status === undefined || maps === undefined) return null;
  let residentBytes = 0;
  let guestBytes = 0;
  for (const mapping of maps.split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m)) {
    const resident = kilobytes(mapping, 'Rss');
    residentBytes += resident;
    if (kilobytes(mapping, 'Size') >= ramBytes && /^\S+ rw/.test(mapping)) guestBytes += resident;
  }
  return { residentBytes, peakBytes: kilobytes(status, 'VmHWM'), guestBytes, reportedBytes };
}

const kilobytes = (text: string, field: string): number =>
  Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0) * 1024;

function threadsOf(pid: number): string[] {
  return existsSync(`/proc/${pid}/task`) ? readdirSync(`/proc/${pid}/task`) : [];
}

/** A process may end at any time. */
function readProc(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
