/** What the browser's stores throw, as errors of a disk. */
import { BlockFailure } from '../api.ts';

/** Runs what may fail on the host's side. */
export async function guarded<T>(what: string, body: () => T | Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    if (error instanceof BlockFailure || !(error instanceof DOMException)) throw error;
    if (error.name === 'QuotaExceededError') {
      throw new BlockFailure('ENOSPC', `${what}: this browser has no room left for this page`);
    }
    throw new BlockFailure('EIO', `${what}: ${error.message}`);
  }
}
