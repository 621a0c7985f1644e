/** One tab at a time writes to a disk; any number read what nobody writes. */
import { VmError } from '../../util/errors.ts';

/** Resolves with what gives the lock back; a VmError if another tab has it. */
export async function lockDisk(what: string, name: string, mode: 'exclusive' | 'shared'): Promise<() => void> {
  let release = (): void => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  await new Promise<void>((resolve, reject) => {
    navigator.locks
      .request(`lockstep:${what}:${name}`, { mode, ifAvailable: true }, (lock) => {
        if (lock === null) {
          reject(
            new VmError(`disk '${name}' is in use in another tab`, {
              hint: 'Power that machine off, or close the tab, then start this one again.',
            }),
          );
          return undefined;
        }
        resolve();
        return held;
      })
      .catch(reject);
  });
  return release;
}
