/** virtio entropy device: Virtual I/O Device specification 1.1, §5.4. Properties are QEMU's. */
import { type EntropySource, noEntropy } from '../../core/entropy.ts';
import { prop } from '../../core/props.ts';
import { i64, timer } from '../../core/state.ts';
import { DEVICE_ID } from './constants.ts';
import { defineVirtioPci } from './virtio-pci.ts';

const QUEUE_SIZE = 8;
/** No more is asked for at once; a longer buffer gets what there is (§5.4.6.1: the device may give less). */
const MAX_ASKED = 0x1_0000;
const UNLIMITED = Number.MAX_SAFE_INTEGER;

export const virtioRngPci = defineVirtioPci({
  type: 'virtio-rng-pci',
  deviceId: DEVICE_ID.ENTROPY,
  transitionalId: 0x1005,
  classCode: 0x00ff00,
  maxQueues: 1,
  props: {
    'max-bytes': prop.u64(UNLIMITED, 'Bytes a period at most'),
    period: prop.u32(0x1_0000, 'Milliseconds'),
    entropy: prop.code<EntropySource>(noEntropy),
  },
  state: {
    /** What the guest has had in this period. */
    given: i64(),
    periodEnd: timer(),
  },
  create(s, { entropy, clock, id, period, 'max-bytes': maxBytes }, core) {
    /** Bytes are on their way. */
    let isAsked = false;
    const ask = entropy.attach(id, arrived);
    const periodEnd = clock.timer('virtio-rng-period', s.periodEnd, () => {
      s.given = 0;
      askForMore();
    });

    function askForMore(): void {
      const room = core.queue(0)?.peek()?.writable.length;
      if (isAsked || room === undefined) return;
      const quota = Math.max(0, maxBytes - s.given);
      if (maxBytes !== UNLIMITED && !periodEnd.pending) periodEnd.set(clock.now() + period * 1e6);
      if (quota === 0) return;
      isAsked = true;
      ask(Math.min(Math.max(room, 1), quota, MAX_ASKED));
    }
    function arrived(bytes: Uint8Array): void {
      if (!isAsked) return;
      isAsked = false;
      const queue = core.queue(0);
      let used = 0;
      while (used < bytes.length) {
        const chain = queue?.pop();
        if (chain === undefined) break;
        const written = chain.writable.write(0, bytes.subarray(used));
        used += written;
        queue?.push(chain, written);
      }
      if (maxBytes !== UNLIMITED) s.given += used;
      queue?.notify();
      askForMore();
    }
    return {
      model: {
        features: [],
        queueSizes: [QUEUE_SIZE],
        configBytes: 0,
        notified: askForMore,
        reset() {
          isAsked = false;
        },
        resume() {
          isAsked = false;
          if (!core.queue(0)?.isEmpty) askForMore();
        },
      },
    };
  },
});
