/** The host's random numbers, as input: what devices ask for arrives as events and is part of the machine's history. */
import type { EntropySource } from '../hw/core/entropy.ts';
import type { InputQueue } from '../hw/core/input.ts';

/** `isLive`: not while a recorded history is played, which has the numbers of its day. */
export const createEntropy = (input: InputQueue, isLive: () => boolean): EntropySource => ({
  attach(id, arrived) {
    const target = `${id}.entropy`;
    input.receiveEvents<Uint8Array>(target, {
      check: (data): data is Uint8Array => data instanceof Uint8Array,
      receive: arrived,
    });
    return (count) => {
      if (isLive()) input.post(target, crypto.getRandomValues(new Uint8Array(count)));
    };
  },
});
