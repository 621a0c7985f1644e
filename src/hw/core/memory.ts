/** Guest-physical memory: serves MMIO and DMA from the flat view, and tells the engine which pages are RAM. */
import { isValidAccess, partSize, readAdjusted, trim, writeAdjusted } from './access.ts';
import { type FlatRange, flatten } from './flat-view.ts';
import { hex, type LogHook, noLog } from './log.ts';
import type { Container } from './region.ts';

/** The engine's table of physical pages. Ranges are whole 4-KiB pages; what was never mapped counts as I/O. */
export interface PhysicalMap {
  mapRam(gpa: number, size: number, ramOffset: number, readonly: boolean): void;
  /** The engine calls `AddressSpace.read` and `write` for these pages: devices, holes, pages shared by several regions. */
  mapIo(gpa: number, size: number): void;
}

/** Guest RAM (with ROMs and video memory behind it) as devices see it. */
export interface RamAccess {
  readonly bytes: Uint8Array;
  /** Devices report what they wrote, so that the engine can drop translated code and mark pages dirty. */
  written(offset: number, length: number): void;
}

export const PAGE_SIZE = 4096;

/** What the engine sees of one page. */
interface PageRun {
  readonly start: number;
  readonly end: number;
  readonly ramOffset: number;
  readonly readonly: boolean;
}

export class AddressSpace {
  private readonly root: Container;
  private readonly ram: RamAccess;
  private readonly log: LogHook;
  private ranges: readonly FlatRange[] = [];
  private runs: readonly PageRun[] = [];
  private map: PhysicalMap | undefined;
  private last: FlatRange | undefined;
  private batch = 0;
  private stale = false;

  constructor(root: Container, ram: RamAccess, log: LogHook = noLog) {
    this.root = root;
    this.ram = ram;
    this.log = log;
    root.onChange(() => {
      if (this.batch > 0) this.stale = true;
      else this.rebuild();
    });
    this.rebuild();
  }

  /** Sends the present view to the engine, and every change from now on. */
  attach(map: PhysicalMap): void {
    this.map = map;
    for (const run of this.runs) map.mapRam(run.start, run.end - run.start, run.ramOffset, run.readonly);
  }

  /** Makes several changes of the tree visible at once. */
  transaction(change: () => void): void {
    this.batch++;
    try {
      change();
    } finally {
      this.batch--;
      if (this.batch === 0 && this.stale) this.rebuild();
    }
  }

  /** The flat view, for `info mtree -f` and tests. */
  get view(): readonly FlatRange[] {
    return this.ranges;
  }

  /** Where guest-physical memory lies in the backing store, if the whole range is RAM in one piece. */
  ramAt(gpa: number, length: number): number | undefined {
    const range = this.find(gpa);
    if (range?.region.kind !== 'ram' || range.readonly || gpa + length > range.end) return undefined;
    return range.region.ramOffset + range.offset + (gpa - range.start);
  }

  /** A CPU's load of 1, 2 or 4 bytes that its RAM path did not serve. */
  read(gpa: number, size: number): number {
    const range = this.find(gpa);
    if (range === undefined || (range.region.kind === 'ram' && gpa + size > range.end))
      return this.readSplit(gpa, size);
    const offset = gpa - range.start + range.offset;
    if (range.region.kind === 'ram') return this.readRam(range.region.ramOffset + offset, size);
    if (isValidAccess(range.region, offset, size)) return readAdjusted(range.region, offset, size);
    this.log('guest_errors', `Invalid read at addr ${hex(gpa)}, size ${size}, region '${range.region.name}'`);
    return 0;
  }

  /** A CPU's store of 1, 2 or 4 bytes that its RAM path did not serve. Stores to ROM are ignored. */
  write(gpa: number, value: number, size: number): void {
    const range = this.find(gpa);
    if (range === undefined || (range.region.kind === 'ram' && gpa + size > range.end)) {
      this.writeSplit(gpa, value, size);
      return;
    }
    const offset = gpa - range.start + range.offset;
    if (range.region.kind === 'ram') {
      if (!range.readonly) this.writeRam(range.region.ramOffset + offset, value, size);
      else range.region.write?.(offset, value, size);
    } else if (range.readonly) {
      this.log('guest_errors', `Invalid write at addr ${hex(gpa)}, size ${size}: read-only`);
    } else if (isValidAccess(range.region, offset, size)) {
      writeAdjusted(range.region, offset, value, size);
    } else {
      this.log('guest_errors', `Invalid write at addr ${hex(gpa)}, size ${size}, region '${range.region.name}'`);
    }
  }

  /** A bus master's read: any length, across regions; holes read as zeros. */
  readBytes(gpa: number, into: Uint8Array): void {
    let done = 0;
    while (done < into.length) {
      const at = gpa + done;
      const range = this.find(at);
      if (range === undefined) {
        const length = Math.min(into.length - done, this.holeLength(at));
        this.log('guest_errors', `Invalid read at addr ${hex(at)}, size ${length}: unassigned`);
        into.fill(0, done, done + length);
        done += length;
        continue;
      }
      const length = Math.min(into.length - done, range.end - at);
      const offset = at - range.start + range.offset;
      if (range.region.kind === 'ram') {
        const from = range.region.ramOffset + offset;
        into.set(this.ram.bytes.subarray(from, from + length), done);
        done += length;
        continue;
      }
      const size = partSize(range.region, offset, into.length - done);
      const value = isValidAccess(range.region, offset, size) ? readAdjusted(range.region, offset, size) : 0;
      for (let i = 0; i < size; i++) into[done + i] = value >>> (i * 8);
      done += size;
    }
  }

  /** A bus master's write: any length, across regions; ROM and holes ignore it. */
  writeBytes(gpa: number, from: Uint8Array): void {
    let done = 0;
    while (done < from.length) {
      const at = gpa + done;
      const range = this.find(at);
      if (range === undefined) {
        const length = Math.min(from.length - done, this.holeLength(at));
        this.log('guest_errors', `Invalid write at addr ${hex(at)}, size ${length}: unassigned`);
        done += length;
        continue;
      }
      const length = Math.min(from.length - done, range.end - at);
      const offset = at - range.start + range.offset;
      if (range.region.kind === 'ram') {
        if (!range.readonly) {
          const to = range.region.ramOffset + offset;
          this.ram.bytes.set(from.subarray(done, done + length), to);
          this.ram.written(to, length);
        }
        done += length;
        continue;
      }
      const size = partSize(range.region, offset, from.length - done);
      let value = 0;
      for (let i = 0; i < size; i++) value |= (from[done + i] ?? 0) << (i * 8);
      if (!range.readonly && isValidAccess(range.region, offset, size)) {
        writeAdjusted(range.region, offset, value >>> 0, size);
      }
      done += size;
    }
  }

  /** Whether there is RAM or ROM, and nothing else, in the whole range. */
  isRam(gpa: number, length: number): boolean {
    for (let at = gpa; at < gpa + length; ) {
      const range = this.find(at);
      if (range?.region.kind !== 'ram') return false;
      at = range.end;
    }
    return true;
  }

  private readSplit(gpa: number, size: number): number {
    if (size === 1 || this.find(gpa) === undefined) {
      this.log('guest_errors', `Invalid read at addr ${hex(gpa)}, size ${size}: unassigned`);
      return 0;
    }
    let value = 0;
    for (let i = 0; i < size; i++) value |= this.read(gpa + i, 1) << (i * 8);
    return value >>> 0;
  }

  private writeSplit(gpa: number, value: number, size: number): void {
    if (size === 1 || this.find(gpa) === undefined) {
      this.log('guest_errors', `Invalid write at addr ${hex(gpa)}, size ${size}: unassigned`);
      return;
    }
    for (let i = 0; i < size; i++) this.write(gpa + i, (value >>> (i * 8)) & 0xff, 1);
  }

  private readRam(offset: number, size: number): number {
    const { bytes } = this.ram;
    let value = 0;
    for (let i = 0; i < size; i++) value |= (bytes[offset + i] ?? 0) << (i * 8);
    return value >>> 0;
  }

  private writeRam(offset: number, value: number, size: number): void {
    const { bytes } = this.ram;
    for (let i = 0; i < size; i++) bytes[offset + i] = trim(value >>> (i * 8), 1);
    this.ram.written(offset, size);
  }

  /** The range that contains `gpa`; undefined in a hole. */
  private find(gpa: number): FlatRange | undefined {
    const hit = this.last;
    if (hit !== undefined && gpa >= hit.start && gpa < hit.end) return hit;
    const range = this.ranges[this.indexAfter(gpa) - 1];
    if (range === undefined || gpa >= range.end) return undefined;
    this.last = range;
    return range;
  }

  private holeLength(gpa: number): number {
    const next = this.ranges[this.indexAfter(gpa)];
    return next === undefined ? Number.POSITIVE_INFINITY : next.start - gpa;
  }

  /** Index of the first range that starts above `gpa`. */
  private indexAfter(gpa: number): number {
    let low = 0;
    let high = this.ranges.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.ranges[middle] as FlatRange).start <= gpa) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private rebuild(): void {
    this.stale = false;
    this.last = undefined;
    this.ranges = flatten(this.root);
    const before = this.runs;
    this.runs = pageRuns(this.ranges);
    if (this.map !== undefined) sendChanges(before, this.runs, this.map);
  }
}

/** The whole pages of RAM ranges, joined. A page that is RAM only in part goes through `AddressSpace.read`. */
function pageRuns(ranges: readonly FlatRange[]): readonly PageRun[] {
  const runs: PageRun[] = [];
  for (const range of ranges) {
    if (range.region.kind !== 'ram') continue;
    const start = Math.ceil(range.start / PAGE_SIZE) * PAGE_SIZE;
    const end = Math.floor(range.end / PAGE_SIZE) * PAGE_SIZE;
    const ramOffset = range.region.ramOffset + range.offset + (start - range.start);
    if (start < end && ramOffset % PAGE_SIZE === 0) runs.push({ start, end, ramOffset, readonly: range.readonly });
  }
  return runs;
}

/** Tells the engine only what differs, so that a change of one window does not flush all translations. */
function sendChanges(before: readonly PageRun[], after: readonly PageRun[], map: PhysicalMap): void {
  const cuts = [...new Set([...before, ...after].flatMap((run) => [run.start, run.end]))].sort((a, b) => a - b);
  for (const [i, start] of cuts.entries()) {
    const end = cuts[i + 1];
    if (end === undefined) break;
    const old = pageAt(before, start);
    const now = pageAt(after, start);
    if (old?.ramOffset === now?.ramOffset && old?.readonly === now?.readonly) continue;
    if (now === undefined) map.mapIo(start, end - start);
    else map.mapRam(start, end - start, now.ramOffset, now.readonly);
  }
}

function pageAt(runs: readonly PageRun[], gpa: number): { ramOffset: number; readonly: boolean } | undefined {
  const run = runs.find(({ start, end }) => gpa >= start && gpa < end);
  return run && { ramOffset: run.ramOffset + gpa - run.start, readonly: run.readonly };
}
