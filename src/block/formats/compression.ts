/** Deflate and zlib streams of known size: what comes out never exceeds what the caller has room for. */
import {
  deflateRaw as packRaw,
  deflate as packZlib,
  Z_FINISH,
  Z_OK,
  Z_STREAM_END,
  ZStream,
  zlibInflate,
  zlibInflateInit2,
} from 'pako';

/** zlib's number for a raw stream without header; positive for one with zlib's. */
const RAW_WINDOW = -15;
const ZLIB_WINDOW = 15;

/**
 * Decompresses into `into` and says how many bytes came out when the stream ended or the room was full; undefined if
 * the stream is broken or cut. What follows the stream's end in `from` is ignored.
 */
export function inflateInto(from: Uint8Array, into: Uint8Array<ArrayBuffer>, form: 'raw' | 'zlib'): number | undefined {
  const stream = new ZStream();
  if (zlibInflateInit2(stream, form === 'raw' ? RAW_WINDOW : ZLIB_WINDOW) !== Z_OK) return undefined;
  stream.input = from;
  stream.next_in = 0;
  stream.avail_in = from.length;
  stream.output = into;
  stream.next_out = 0;
  stream.avail_out = into.length;
  const status = zlibInflate(stream, Z_FINISH);
  return status === Z_STREAM_END || stream.next_out === into.length ? stream.next_out : undefined;
}

/** A raw stream; a window of 12 bits is what readers of qcow2 set up. */
export function deflateRaw(bytes: Uint8Array, windowBits = 15): Uint8Array<ArrayBuffer> {
  return packRaw(bytes, { windowBits });
}

export function deflateZlib(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return packZlib(bytes);
}
