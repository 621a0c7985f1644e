/** `throttling.*`: how many requests and bytes a drive may do in a second of the host's time. */

export interface ThrottleLimits {
  readonly bpsTotal?: number;
  readonly bpsRead?: number;
  readonly bpsWrite?: number;
  readonly iopsTotal?: number;
  readonly iopsRead?: number;
  readonly iopsWrite?: number;
}

/** So much of a second's worth may come at once: as with QEMU. */
const BURST_NS = 1e8;
const SECOND_NS = 1e9;

/** What flows through it at a constant rate. */
class Bucket {
  private readonly costNs: number;
  /** When it is empty. */
  private emptyNs = Number.NEGATIVE_INFINITY;

  constructor(perSecond: number) {
    this.costNs = SECOND_NS / perSecond;
  }

  /** How long `units` have to wait; counts them. */
  take(units: number, nowNs: number): number {
    const waitNs = Math.max(0, this.emptyNs - BURST_NS - nowNs);
    this.emptyNs = Math.max(this.emptyNs, nowNs) + units * this.costNs;
    return waitNs;
  }
}

export class Throttle {
  private readonly bytes: readonly (readonly [applies: 'read' | 'write' | 'both', Bucket])[];
  private readonly requests: readonly (readonly [applies: 'read' | 'write' | 'both', Bucket])[];

  constructor({ bpsTotal, bpsRead, bpsWrite, iopsTotal, iopsRead, iopsWrite }: ThrottleLimits) {
    const buckets = (total?: number, read?: number, write?: number) =>
      (
        [
          ['both', total],
          ['read', read],
          ['write', write],
        ] as const
      ).flatMap(([applies, limit]) => (limit ? [[applies, new Bucket(limit)] as const] : []));
    this.bytes = buckets(bpsTotal, bpsRead, bpsWrite);
    this.requests = buckets(iopsTotal, iopsRead, iopsWrite);
  }

  /** How long a request has to wait, ns; counts it. */
  delayNs(isWrite: boolean, bytes: number, nowNs: number): number {
    const kind = isWrite ? 'write' : 'read';
    let delayNs = 0;
    for (const [applies, bucket] of this.bytes) {
      if (applies === 'both' || applies === kind) delayNs = Math.max(delayNs, bucket.take(bytes, nowNs));
    }
    for (const [applies, bucket] of this.requests) {
      if (applies === 'both' || applies === kind) delayNs = Math.max(delayNs, bucket.take(1, nowNs));
    }
    return delayNs;
  }
}
