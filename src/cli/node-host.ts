/** The host of a machine under Node. */
import { setFlagsFromString } from 'node:v8';
import type { Host } from '../vm/host.ts';

/** Timers below this are not worth a trip through the event loop's millisecond grid. */
const SHORT_NS = 1e6;

export function createNodeHost(): Host {
  // As browsers do by themselves: slow paths then lie apart from the code that runs.
  setFlagsFromString('--experimental-wasm-branch-hinting');
  const never = new Int32Array(new SharedArrayBuffer(4));
  // A message port would starve standard input: Node drains up to 1000 messages before it looks at files again.
  const giveWay = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  return {
    nowNs: () => Math.round(performance.now() * 1e6),
    epochMs: () => Date.now(),
    utcOffsetMinutes: () => -new Date().getTimezoneOffset(),
    yield: giveWay,
    sleep(ns, somethingUnderWay) {
      if (ns < SHORT_NS && !somethingUnderWay) {
        Atomics.wait(never, 0, 0, ns / 1e6);
        return { done: giveWay(), wake() {} };
      }
      let wake = (): void => {};
      const done = new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.min(ns / 1e6, 2 ** 31 - 1));
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      return { done, wake };
    },
  };
}
