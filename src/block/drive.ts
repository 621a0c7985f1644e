/**
 * A drive over an image. Requests are worked on by the host while the guest runs; their ends become events of the
 * input queue, and the device hears of them when those are delivered.
 */
import {
  type BlockError,
  BlockFailure,
  type BlockNode,
  type Drive,
  type DriveFrontEnd,
  type RequestId,
} from './api.ts';
import type { DiskWork } from './disk-work.ts';
import { Throttle, type ThrottleLimits } from './throttle.ts';

const SECTOR = 512;
const LAST_REQUEST = 0xffff_ffff;

/** What is done about a request that failed: QEMU's `werror=` and `rerror=`. */
export type ErrorPolicy = 'report' | 'ignore' | 'stop' | 'enospc';

/** Events for a drive, as the recorded history holds them: never data. */
export type DriveEvent =
  | { readonly request: RequestId; readonly error: BlockError | null }
  /** The medium of this number is in; 0: none. */
  | { readonly medium: number }
  /** The medium has another size. */
  | { readonly sizeBytes: number };

/** An image in a drive. */
export interface Medium {
  /** The file's name, as the user gave it. */
  readonly name: string;
  /** QEMU's `#block177`: tells media apart. */
  readonly nodeName?: string;
  readonly node: BlockNode;
  /** Its first sector, if somebody looked. */
  readonly bootSector?: Uint8Array;
  /** All of it, for a flash chip. */
  readonly contents?: Uint8Array;
}

export interface HostDriveOptions {
  readonly id: string;
  readonly media?: Drive['media'];
  readonly serial?: string | undefined;
  readonly readonly?: boolean;
  readonly writeErrors?: ErrorPolicy;
  readonly readErrors?: ErrorPolicy;
  /** A write ends when it is safe, or: nothing is ever made safe. */
  readonly cache?: 'writeback' | 'writethrough' | 'unsafe';
  /** The guest's discards reach the image. */
  readonly discards?: boolean;
  readonly throttle?: ThrottleLimits | undefined;
  readonly medium?: Medium | undefined;
  readonly work: DiskWork;
  /** Hands an event to the input queue. */
  post(event: DriveEvent): void;
  /** A request failed and waits for `retry`: the machine is to pause. */
  onStopped?(error: BlockFailure): void;
  /** Our own bug. */
  onBroken?(error: unknown): void;
  nowNs(): number;
  /** Resolves after so long. */
  rest?(ns: number): Promise<void>;
}

type Operation = 'read' | 'write' | 'writeZeroes' | 'discard' | 'flush';

/** A request that the host has not done yet. */
interface Job {
  readonly id: RequestId;
  readonly operation: Operation;
  readonly offset: number;
  readonly length: number;
  readonly bytes: Uint8Array | undefined;
  readonly medium: Medium | undefined;
  readonly sinceNs: number;
  readonly sequence: number;
  /** `stopped`: it failed, and is tried again when the machine goes on. */
  state: 'waiting' | 'started' | 'stopped';
}

/** What became of a request that the device still waits for. */
interface Awaited {
  done: boolean;
  bytes: Uint8Array | undefined;
}

export interface OperationStats {
  operations: number;
  bytes: number;
  failed: number;
  totalNs: number;
}

const noStats = (): OperationStats => ({ operations: 0, bytes: 0, failed: 0, totalNs: 0 });

export class HostDrive implements Drive {
  readonly id: string;
  readonly media: Drive['media'];
  readonly serial: string | undefined;
  /** What the guest did, since the machine was made. */
  readonly stats: Readonly<Record<Operation, OperationStats>> = {
    read: noStats(),
    write: noStats(),
    writeZeroes: noStats(),
    discard: noStats(),
    flush: noStats(),
  };
  locked = false;
  trayOpen = false;
  private readonly options: HostDriveOptions;
  private readonly throttle: Throttle | undefined;
  private frontEnd: DriveFrontEnd | undefined;
  private medium: Medium | undefined;
  /** As the guest knows it. */
  private imageBytes: number;
  /** Media by the number of the change that brings them in, until it does. */
  private readonly arriving = new Map<number, Medium>();
  private changes = 0;
  private next = 1;
  private readonly awaited = new Map<RequestId, Awaited>();
  /** In the order in which they came. */
  private readonly jobs = new Set<Job>();
  /** Media that are out, while requests still work on them. */
  private readonly leaving = new Set<Medium>();
  private holders = 0;
  private idle: (() => void)[] = [];

  constructor(options: HostDriveOptions) {
    this.options = options;
    this.id = options.id;
    this.media = options.media ?? 'disk';
    this.serial = options.serial;
    this.throttle = options.throttle && new Throttle(options.throttle);
    this.medium = options.medium;
    this.imageBytes = options.medium?.node.sizeBytes ?? 0;
  }

  // The device's end.

  get inserted(): boolean {
    return this.medium !== undefined;
  }
  get sizeBytes(): number {
    return Math.ceil(this.imageBytes / SECTOR) * SECTOR;
  }
  get readonly(): boolean {
    return this.options.readonly === true || this.media === 'cdrom' || this.medium?.node.readonly === true;
  }
  get bootSector(): Uint8Array | undefined {
    return this.medium?.bootSector;
  }
  attach(frontEnd: DriveFrontEnd): void {
    if (this.frontEnd !== undefined) throw new Error(`BUG: drive '${this.id}' has a device already`);
    this.frontEnd = frontEnd;
  }
  read(offset: number, length: number): RequestId {
    return this.submit('read', offset, length, new Uint8Array(length));
  }
  write(offset: number, bytes: Uint8Array): RequestId {
    return this.submit('write', offset, bytes.length, bytes);
  }
  writeZeroes(offset: number, length: number): RequestId {
    return this.submit('writeZeroes', offset, length);
  }
  discard(offset: number, length: number): RequestId {
    return this.submit('discard', offset, length);
  }
  flush(): RequestId {
    return this.submit('flush', 0, 0);
  }
  forget(): void {
    this.awaited.clear();
  }
  lock(locked: boolean): void {
    this.locked = locked;
  }
  eject(open: boolean): void {
    this.trayOpen = open;
  }

  // The machine's end.

  /** What is in the drive, as the guest sees it now. */
  get present(): Medium | undefined {
    return this.medium;
  }
  /** A device has this drive. */
  get attached(): boolean {
    return this.frontEnd !== undefined;
  }
  /** Requests failed and wait for `retry`. */
  get hasStopped(): boolean {
    return [...this.jobs].some(({ state }) => state === 'stopped');
  }

  /** Delivers an event between two instructions. */
  receive(event: DriveEvent): void {
    if ('medium' in event) this.changeMedium(event.medium);
    else if ('sizeBytes' in event) this.changeSize(event.sizeBytes);
    else this.complete(event.request, event.error ?? undefined);
  }

  /** Asks the guest to let go of the tray. */
  requestEject(): void {
    this.frontEnd?.ejectRequested?.();
  }

  /** The guest finds this medium, or none, at the next chance. The old one is closed when nothing works on it. */
  insert(medium: Medium | undefined): void {
    this.changes++;
    if (medium !== undefined) this.arriving.set(this.changes, medium);
    this.options.post({ medium: medium === undefined ? 0 : this.changes });
  }

  /** Makes the image larger or smaller; the guest sees it at the next chance. */
  async resize(sizeBytes: number): Promise<void> {
    await this.alone(async (medium) => {
      if (medium === undefined) throw new BlockFailure('ENOMEDIUM', `drive '${this.id}' is empty`);
      await medium.node.resize(sizeBytes);
    });
    this.options.post({ sizeBytes });
  }

  /** Tries again what failed and stopped the machine. */
  retry(): void {
    for (const job of this.jobs) if (job.state === 'stopped') job.state = 'waiting';
    this.startJobs();
  }

  /** Keeps requests waiting while `body` has the image for itself. */
  async alone<T>(body: (medium: Medium | undefined) => Promise<T>): Promise<T> {
    this.holders++;
    try {
      await this.startedDone();
      return await body(this.medium);
    } finally {
      this.holders--;
      this.startJobs();
    }
  }

  /** Waits for what is under way, and closes the image. */
  async close(): Promise<void> {
    this.forget();
    this.dropStopped();
    // Requests that wait for others come first.
    while (this.jobs.size > 0 && this.holders === 0) await this.startedDone();
    await this.alone(async (medium) => medium?.node.close());
  }

  // Requests.

  private submit(operation: Operation, offset: number, length: number, bytes?: Uint8Array): RequestId {
    const id = this.next;
    this.next = id === LAST_REQUEST ? 1 : id + 1;
    this.awaited.set(id, { done: false, bytes: operation === 'read' ? bytes : undefined });
    const { work, nowNs } = this.options;
    const job: Job = {
      id,
      operation,
      offset,
      length,
      bytes,
      medium: this.medium,
      sinceNs: nowNs(),
      sequence: work.begin(),
      state: 'waiting',
    };
    this.jobs.add(job);
    if (this.mayStart(job)) this.start(job);
    return id;
  }

  /** Nothing before it touches the same bytes, unless both only read. */
  private mayStart(job: Job): boolean {
    if (this.holders > 0) return false;
    if (job.operation === 'flush') return true;
    for (const other of this.jobs) {
      if (other === job) return true;
      if (other.operation === 'flush' || (other.operation === 'read' && job.operation === 'read')) continue;
      if (other.offset < job.offset + job.length && job.offset < other.offset + other.length) return false;
    }
    return true;
  }

  private startJobs(): void {
    for (const job of this.jobs) if (job.state === 'waiting' && this.mayStart(job)) this.start(job);
  }

  private start(job: Job): void {
    job.state = 'started';
    this.perform(job).then(
      () => this.finished(job, undefined),
      (error) => {
        if (error instanceof BlockFailure) this.finished(job, error);
        else this.broken(job, error);
      },
    );
  }

  private async perform({ operation, offset, length, bytes, medium }: Job): Promise<void> {
    if (medium === undefined) throw new BlockFailure('ENOMEDIUM', `drive '${this.id}' is empty`);
    const { node } = medium;
    const { cache, readonly, discards } = this.options;
    if (this.throttle !== undefined) await this.throttled(this.throttle, operation, length);
    if (offset + length > Math.ceil(node.sizeBytes / SECTOR) * SECTOR) {
      throw new BlockFailure('EIO', `drive '${this.id}': sector ${offset / SECTOR} is beyond its end`);
    }
    if (operation === 'read') {
      // Behind an odd end the rest of the sector is zeros, as the buffer is.
      await node.read(offset, (bytes as Uint8Array).subarray(0, node.sizeBytes - offset));
      return;
    }
    if (operation === 'flush') {
      if (cache !== 'unsafe' && !node.readonly) await node.flush();
      return;
    }
    if (readonly || node.readonly || this.media === 'cdrom') {
      throw new BlockFailure('EROFS', `drive '${this.id}' is read-only`);
    }
    if (operation === 'discard') {
      if (discards) await node.discard(offset, Math.min(length, node.sizeBytes - offset));
      return;
    }
    if (offset + length > node.sizeBytes) await node.resize(offset + length);
    if (operation === 'write') await node.write(offset, bytes as Uint8Array);
    else await node.writeZeroes(offset, length);
    if (cache === 'writethrough') await node.flush();
  }

  /** Holds a request back. Where ends of requests do not follow the host's time, neither does this. */
  private async throttled(throttle: Throttle, operation: Operation, length: number): Promise<void> {
    const { work, nowNs, rest } = this.options;
    if (operation === 'flush' || work.mode !== 'live') return;
    const delayNs = throttle.delayNs(operation !== 'read', length, nowNs());
    if (delayNs > 0) await rest?.(delayNs);
  }

  private finished(job: Job, failure: BlockFailure | undefined): void {
    const { operation, length, id } = job;
    const { work, post, onStopped, nowNs } = this.options;
    const policy = failure && this.policyFor(operation, failure);
    if (failure !== undefined && policy === 'stop') {
      // It keeps its place: what touches the same bytes must not overtake it.
      job.state = 'stopped';
      onStopped?.(failure);
      work.stalled();
      this.settle();
      return;
    }
    const stats = this.stats[operation];
    stats.totalNs += nowNs() - job.sinceNs;
    if (failure !== undefined) {
      stats.failed++;
    } else {
      stats.operations++;
      stats.bytes += length;
    }
    const awaited = this.awaited.get(id);
    if (awaited !== undefined) awaited.done = true;
    const error = failure !== undefined && policy === 'report' ? failure.code : null;
    // Posted even if the device forgot it meanwhile: a replay must not depend on when the host was done.
    this.remove(job, () => post({ request: id, error }));
  }

  private remove(job: Job, post: () => void): void {
    this.jobs.delete(job);
    this.options.work.end(job.sequence, post);
    this.startJobs();
    this.settle();
  }

  /** Wakes who waits for the host's work, and closes media that nothing works on any more. */
  private settle(): void {
    if (this.startedCount() === 0) for (const wake of this.idle.splice(0)) wake();
    for (const medium of this.leaving) {
      if ([...this.jobs].some((job) => job.medium === medium)) continue;
      this.leaving.delete(medium);
      medium.node.close().catch((error: unknown) => this.options.onBroken?.(error));
    }
  }

  private dropStopped(): void {
    for (const job of this.jobs) if (job.state === 'stopped') this.remove(job, () => {});
  }

  private policyFor(operation: Operation, { code }: BlockFailure): 'report' | 'ignore' | 'stop' {
    const { writeErrors = 'enospc', readErrors = 'report' } = this.options;
    // What the guest asked for in vain fails, whatever the policy is.
    if (code === 'ENOMEDIUM' || code === 'EROFS' || code === 'EINVAL') return 'report';
    const policy = operation === 'read' ? readErrors : writeErrors;
    if (policy === 'enospc') return code === 'ENOSPC' ? 'stop' : 'report';
    return policy;
  }

  /** The device never hears of the end: a machine with a bug does not go on. */
  private broken(job: Job, error: unknown): void {
    this.remove(job, () => {});
    this.options.onBroken?.(error);
  }

  private startedCount(): number {
    let count = 0;
    for (const { state } of this.jobs) if (state === 'started') count++;
    return count;
  }

  private startedDone(): Promise<void> {
    if (this.startedCount() === 0) return Promise.resolve();
    return new Promise((resolve) => this.idle.push(resolve));
  }

  // Delivery.

  private complete(id: RequestId, error: BlockError | undefined): void {
    const request = this.awaited.get(id);
    if (request === undefined) return;
    if (!request.done) throw new Error(`BUG: drive '${this.id}': request ${id} ends before the host has done it`);
    this.awaited.delete(id);
    this.frontEnd?.completed(id, error, error === undefined ? request.bytes : undefined);
  }

  private changeSize(sizeBytes: number): void {
    if (this.medium === undefined) return;
    this.imageBytes = sizeBytes;
    this.frontEnd?.mediumChanged?.();
  }

  private changeMedium(change: number): void {
    const old = this.medium;
    const medium = this.arriving.get(change);
    if (change !== 0 && medium === undefined) {
      throw new Error(`BUG: drive '${this.id}': medium ${change} of the history is not here`);
    }
    this.arriving.delete(change);
    // What is under way on the old medium ends for the guest now.
    const lost = [...this.awaited.keys()];
    this.awaited.clear();
    this.medium = medium;
    this.imageBytes = medium?.node.sizeBytes ?? 0;
    this.trayOpen = medium === undefined;
    for (const id of lost) this.frontEnd?.completed(id, 'ENOMEDIUM', undefined);
    this.frontEnd?.mediumChanged?.();
    if (old === undefined) return;
    this.leaving.add(old);
    this.dropStopped();
    this.settle();
  }
}

export function isDriveEvent(data: unknown): data is DriveEvent {
  if (typeof data !== 'object' || data === null) return false;
  if ('medium' in data) return Number.isSafeInteger(data.medium) && Number(data.medium) >= 0;
  if ('sizeBytes' in data) return Number.isSafeInteger(data.sizeBytes) && Number(data.sizeBytes) >= 0;
  if (!('request' in data) || !('error' in data)) return false;
  return Number.isSafeInteger(data.request) && (data.error === null || isBlockError(data.error));
}

const isBlockError = (code: unknown): boolean =>
  code === 'EIO' || code === 'ENOSPC' || code === 'EROFS' || code === 'EINVAL' || code === 'ENOMEDIUM';
