/**
 * The hash by which two machines are compared: SHA-256 over the SHA-256 of each part, so that RAM need not be copied
 * in one piece (the host hashes no shared memory).
 */
const CHUNK_BYTES = 1 << 20;

/** The host's SHA-256. */
export type Sha256 = (bytes: Uint8Array<ArrayBuffer>) => Promise<ArrayBuffer>;

export const hostSha256: Sha256 = (bytes) => crypto.subtle.digest('SHA-256', bytes);

/** Hashes parts in order; each may lie in shared memory that must not change meanwhile. Lower-case hexadecimal. */
export async function hashParts(parts: readonly Uint8Array[], sha256: Sha256 = hostSha256): Promise<string> {
  const digests: Uint8Array[] = [];
  for (const part of parts) {
    for (let at = 0; at < part.length; at += CHUNK_BYTES) {
      digests.push(new Uint8Array(await sha256(part.slice(at, at + CHUNK_BYTES) as Uint8Array<ArrayBuffer>)));
    }
    // Where a part ends counts: bytes must not slide from one to the next unnoticed.
    const length = new Uint8Array(8);
    new DataView(length.buffer).setBigUint64(0, BigInt(part.length));
    digests.push(length);
  }
  const all = new Uint8Array(digests.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const digest of digests) {
    all.set(digest, at);
    at += digest.length;
  }
  return Array.from(new Uint8Array(await sha256(all)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
