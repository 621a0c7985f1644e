/** Images of the formats that nothing on this machine writes. */
import { deflateZlib } from '../../src/block/formats/compression.ts';
import { setU64BE, viewOf } from '../../src/block/formats/fields.ts';

/** Blocks of zlib behind their offsets. */
export function cloopOf(bytes: Uint8Array, blockSize: number): Uint8Array {
  const blocks = Array.from({ length: Math.ceil(bytes.length / blockSize) }, (_, i) => {
    const block = new Uint8Array(blockSize);
    block.set(bytes.subarray(i * blockSize, (i + 1) * blockSize));
    return deflateZlib(block);
  });
  const head = new Uint8Array(136 + (blocks.length + 1) * 8);
  head.set(
    new TextEncoder().encode(
      '#!/bin/sh\n#V2.0 Format\nmodprobe cloop file=$0 && mount -r -t iso9660 /dev/cloop $1\nexit $?\n',
    ),
  );
  viewOf(head).setUint32(128, blockSize);
  viewOf(head).setUint32(132, blocks.length);
  let at = head.length;
  blocks.forEach((block, i) => {
    setU64BE(viewOf(head), 136 + i * 8, at);
    at += block.length;
  });
  setU64BE(viewOf(head), 136 + blocks.length * 8, at);
  return Buffer.concat([head, ...blocks]);
}

/** Chunks in turn packed, raw and, where they are zeros, absent. */
export function dmgOf(bytes: Uint8Array, chunkBytes: number): Uint8Array {
  const parts: Uint8Array[] = [];
  const count = Math.ceil(bytes.length / chunkBytes);
  const table = new Uint8Array(204 + (count + 1) * 40);
  const view = viewOf(table);
  view.setUint32(0, 0x6d697368);
  view.setUint32(4, 1);
  setU64BE(view, 16, bytes.length / 512);
  view.setUint32(200, count + 1);
  let at = 0;
  for (let i = 0; i <= count; i++) {
    const chunk = bytes.subarray(i * chunkBytes, (i + 1) * chunkBytes);
    const isZero = chunk.every((byte) => byte === 0);
    const type = i === count ? 0xffffffff : isZero ? 2 : i % 2 === 0 ? 0x80000005 : 1;
    const stored = type === 1 ? chunk : type === 0x80000005 ? deflateZlib(chunk) : new Uint8Array();
    const entry = 204 + i * 40;
    view.setUint32(entry, type);
    setU64BE(view, entry + 8, (i * chunkBytes) / 512);
    setU64BE(view, entry + 16, chunk.length / 512);
    setU64BE(view, entry + 24, at);
    setU64BE(view, entry + 32, stored.length);
    parts.push(stored);
    at += stored.length;
  }
  const plist = `<?xml version="1.0"?><plist><dict><key>resource-fork</key><dict><key>blkx</key><array><dict><key>Data</key>
<data>${Buffer.from(table).toString('base64')}</data></dict></array></dict></dict></plist>`;
  const trailer = new Uint8Array(512);
  const koly = viewOf(trailer);
  koly.setUint32(0, 0x6b6f6c79);
  koly.setUint32(4, 4);
  koly.setUint32(8, 512);
  setU64BE(koly, 0x20, at);
  setU64BE(koly, 0xd8, at);
  setU64BE(koly, 0xe0, plist.length);
  setU64BE(koly, 0x1ec, bytes.length / 512);
  return Buffer.concat([...parts, Buffer.from(plist), trailer]);
}
