/** Where the host's time goes: measured around calls, sampled where they are too many. */
export interface HostProfile {
  translationNs: number;
  devicesNs: number;
}

/** One device access in so many is timed. */
const SAMPLE = 16;

/** Adds the time that calls take to one account of a profile; a call within a call counts once. */
export function timed<A extends readonly unknown[], R>(
  profile: HostProfile,
  account: keyof HostProfile,
  nowNs: () => number,
  call: (...args: A) => R,
): (...args: A) => R {
  return (...args) => {
    const before = profile[account];
    const from = nowNs();
    const result = call(...args);
    profile[account] = before + nowNs() - from;
    return result;
  };
}

/** Like `timed`, for short and frequent calls. */
export function sampled<A extends readonly unknown[], R>(
  profile: HostProfile,
  account: keyof HostProfile,
  nowNs: () => number,
  call: (...args: A) => R,
): (...args: A) => R {
  let untilSample = SAMPLE;
  return (...args) => {
    if (--untilSample > 0) return call(...args);
    untilSample = SAMPLE;
    const from = nowNs();
    const result = call(...args);
    profile[account] += (nowNs() - from) * SAMPLE;
    return result;
  };
}
