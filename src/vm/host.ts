/** What the run loop needs of its host: clocks, and giving way to the event loop. */
export interface Host {
  /** Monotonic time, ns. */
  nowNs(): number;
  /** The date, ms since 1970 UTC, and the local time's distance from UTC in minutes (east is positive). */
  epochMs(): number;
  utcOffsetMinutes(): number;
  /** Resolves after the host's other events had their turn. */
  yield(): Promise<void>;
  /**
   * Resolves after about `ns`, or soon after `wake` is called. A short sleep may block the thread, unless something that
   * is under way on it is to end meanwhile.
   */
  sleep(ns: number, somethingUnderWay: boolean): { readonly done: Promise<void>; wake(): void };
}

/** Below this the nested-timer clamp of browsers (4 ms) would make a sleep too long; it is waited out instead. */
const SHORT_NS = 5e6;

/** The host in a worker: a message to itself gives way without a timer's delay. */
export function createWorkerHost(): Host {
  const { port1, port2 } = new MessageChannel();
  const waiting: (() => void)[] = [];
  port1.onmessage = () => waiting.shift()?.();
  const nowNs = (): number => Math.round(performance.now() * 1e6);
  const giveWay = (): Promise<void> =>
    new Promise((resolve) => {
      waiting.push(resolve);
      port2.postMessage(null);
    });
  const never = new Int32Array(new SharedArrayBuffer(4));
  return {
    nowNs,
    epochMs: () => Date.now(),
    utcOffsetMinutes: () => -new Date().getTimezoneOffset(),
    yield: giveWay,
    sleep(ns, somethingUnderWay) {
      if (ns < SHORT_NS && !somethingUnderWay) {
        Atomics.wait(never, 0, 0, ns / 1e6);
        return { done: giveWay(), wake() {} };
      }
      if (ns < SHORT_NS) {
        // No clamp applies to this way to wait.
        const { value } = Atomics.waitAsync(never, 0, 0, ns / 1e6);
        return { done: Promise.resolve(value).then(() => {}), wake: () => void Atomics.notify(never, 0) };
      }
      let wake = (): void => {};
      const done = new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ns / 1e6);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      return { done, wake };
    },
  };
}
