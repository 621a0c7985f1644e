/**
 * virtio memory balloon: Virtual I/O Device specification 1.1, §5.5. Pages in the balloon read as zeros, as after QEMU's
 * MADV_DONTNEED; the host's memory stays as it is.
 * Not modelled: free page hinting and reporting of later versions.
 */

import type { InputData, InputQueue } from '../../core/input.ts';
import { prop } from '../../core/props.ts';
import { array, i64, timer, u32, u64 } from '../../core/state.ts';
import { DEVICE_ID } from './constants.ts';
import type { GuestBuffers } from './guest-buffers.ts';
import { defineVirtioPci } from './virtio-pci.ts';

const PAGE_BITS = 12; // §5.5.6: pages of 4096 bytes whatever the guest's are
const PAGE_BYTES = 2 ** PAGE_BITS;
const QUEUE_SIZE = 128;
const QUEUE = { INFLATE: 0, DEFLATE: 1, STATS: 2 } as const;
const F = { STATS_VQ: 1, DEFLATE_ON_OOM: 2 } as const; // §5.5.3
const CONFIG_BYTES = 8;
/** Of page numbers in a buffer; Linux gives 1 KiB. */
const MAX_LIST_BYTES = 0x8000;
const STAT_BYTES = 10; // §5.5.6.3: tag, value
/** Names of the tags in order, as QEMU's `guest-stats` has them. */
export const BALLOON_STATS = [
  'stat-swap-in',
  'stat-swap-out',
  'stat-major-faults',
  'stat-minor-faults',
  'stat-free-memory',
  'stat-total-memory',
  'stat-available-memory',
  'stat-disk-caches',
  'stat-htlb-pgalloc',
  'stat-htlb-pgfail',
] as const;
/** A statistic that the guest has not told. */
const UNKNOWN = 2n ** 64n - 1n;

export const virtioBalloonPci = defineVirtioPci({
  type: 'virtio-balloon-pci',
  deviceId: DEVICE_ID.BALLOON,
  transitionalId: 0x1002,
  classCode: 0x00ff00,
  maxQueues: 3,
  props: {
    'deflate-on-oom': prop.bool(false),
    'guest-stats-polling-interval': prop.u32(0, 'Seconds; 0: the guest is not asked'),
    ramBytes: prop.code(0),
    events: prop.required<Pick<InputQueue, 'receiveEvents'>>(),
  },
  state: {
    /** Pages that the balloon should have, and has. */
    wanted: u32(),
    actual: u32(),
    stats: array(BALLOON_STATS.length, u64(UNKNOWN)),
    /** Guest time of the last statistics, ns; -1: none came. */
    updatedNs: i64(-1),
    poll: timer(),
  },
  create(s, { clock, ramBytes, events, id, ...props }, core) {
    const intervalNs = props['guest-stats-polling-interval'] * 1e9;
    const zeros = new Uint8Array(PAGE_BYTES);
    const poll = clock.timer('balloon-stats', s.poll, requestStats);

    events.receiveEvents<number>(id, {
      check: (data: InputData): data is number => typeof data === 'number' && Number.isSafeInteger(data) && data > 0,
      receive(bytes) {
        s.wanted = Math.floor((ramBytes - Math.min(bytes, ramBytes)) / PAGE_BYTES);
        core.configChanged();
      },
    });

    /** §5.5.6: arrays of 32-bit page numbers. */
    function inflate(pages: GuestBuffers): void {
      if (pages.length > MAX_LIST_BYTES) core.guestError(`${pages.length} bytes of page numbers in one buffer`);
      const list = new DataView(pages.bytes(0, Math.min(pages.length, MAX_LIST_BYTES)).buffer);
      for (let at = 0; at + 4 <= list.byteLength; at += 4) {
        const gpa = list.getUint32(at, true) * PAGE_BYTES;
        if (gpa < ramBytes * 2 && core.dma.isRam(gpa, PAGE_BYTES)) core.dma.write(gpa, zeros);
        else core.guestError(`page 0x${gpa.toString(16)} for the balloon is no RAM`);
      }
    }
    function takePages(index: number): void {
      const queue = core.queue(index);
      for (let chain = queue?.pop(); queue !== undefined && chain !== undefined; chain = queue.pop()) {
        if (index === QUEUE.INFLATE) inflate(chain.readable);
        queue.finish(chain, 0);
      }
    }

    /** §5.5.6.3: the driver's buffer comes with statistics and stays with us until we want new ones. */
    function takeStats(): void {
      const queue = core.queue(QUEUE.STATS);
      for (let chain = queue?.peek(); queue !== undefined && chain !== undefined; chain = queue.peek()) {
        const [old] = queue.heldChains();
        if (old !== undefined) queue.finish(old, 0);
        queue.pop();
        const count = Math.min(Math.floor(chain.readable.length / STAT_BYTES), 64);
        const view = chain.readable.view(0, count * STAT_BYTES);
        for (let i = 0; i < count; i++) {
          const tag = view.getUint16(i * STAT_BYTES, true);
          if (tag < BALLOON_STATS.length) s.stats[tag] = view.getBigUint64(i * STAT_BYTES + 2, true);
        }
        s.updatedNs = clock.now();
      }
      if (intervalNs > 0 && !poll.pending) poll.set(clock.now() + intervalNs);
    }
    function requestStats(): void {
      const queue = core.queue(QUEUE.STATS);
      const [held] = queue?.heldChains() ?? [];
      if (held !== undefined) queue?.finish(held, 0);
      else if (intervalNs > 0) poll.set(clock.now() + intervalNs);
    }

    return {
      model: {
        features: [F.STATS_VQ, ...(props['deflate-on-oom'] ? [F.DEFLATE_ON_OOM] : [])],
        queueSizes: [QUEUE_SIZE, QUEUE_SIZE, QUEUE_SIZE],
        configBytes: CONFIG_BYTES,
        readConfig(view: DataView) {
          view.setUint32(0, s.wanted, true);
          view.setUint32(4, s.actual, true);
        },
        writeConfig(view: DataView) {
          s.actual = view.getUint32(4, true);
        },
        notified(index: number) {
          if (index === QUEUE.STATS) takeStats();
          else takePages(index);
        },
        /** Bytes that the guest has, for `info balloon`. */
        get actualBytes() {
          return ramBytes - s.actual * PAGE_BYTES;
        },
        /** What the guest told of its memory, by name. */
        get stats(): Readonly<Record<string, bigint>> {
          return Object.fromEntries(
            BALLOON_STATS.flatMap((name, tag) => (s.stats[tag] === UNKNOWN ? [] : [[name, s.stats[tag] as bigint]])),
          );
        },
      },
    };
  },
});
