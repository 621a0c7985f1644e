/** Whether the page may share memory between workers, and if not, why: public/isolation.js tries to make it so first. */

declare global {
  /** Set by public/isolation.js where it tries: settles when trying ended without success. */
  var isolationAttempt: Promise<string> | undefined;
}

/** A service worker that neither works nor fails by then is taken for failed. */
const PATIENCE_MS = 8_000;

/** What is missing, as a sentence; undefined on a page that has all it needs. Undecided while the page is about to reload. */
export async function findMissing(): Promise<string | undefined> {
  if (crossOriginIsolated) return undefined;
  if (!isSecureContext) {
    return 'Browsers allow shared memory on secure pages only. Open this page by https, or from localhost.';
  }
  const attempt = globalThis.isolationAttempt ?? Promise.resolve('The script isolation.js is missing beside the page.');
  const late = new Promise<string>((resolve) => {
    setTimeout(() => resolve('The service worker did not start.'), PATIENCE_MS);
  });
  return Promise.race([attempt, late]);
}
