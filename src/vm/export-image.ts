/** A disk as a file to take away. */
import { BlockFailure, type BlockNode } from '../block/api.ts';
import { ClusterNode } from '../block/cluster-node.ts';
import { FORMATS } from '../block/formats/formats.ts';
import { openImage } from '../block/open-image.ts';
import { VmError } from '../util/errors.ts';
import type { ExportFormat, ImageSource, PieceSink } from './api.ts';
import { storeOf } from './drives.ts';

const PIECE_BYTES = 1 << 20;
const CLUSTER_BYTES = 64 << 10;
/** An image that is put together before it goes out may take as much memory. */
const MAX_PACKED_BYTES = 1 << 30;

/** The same for an image that no machine has open. */
export async function exportSource(
  name: string,
  source: ImageSource,
  format: ExportFormat,
  sink: PieceSink,
): Promise<void> {
  const library = {
    files: {},
    images: new Map([[name, source]]),
    openHostFile: undefined,
    warn() {},
    nodeName: () => name,
  };
  const image = await openImage(storeOf(library, name), name, { readonly: true });
  try {
    await exportImage(image, format, sink);
  } finally {
    await image.close();
  }
}

export async function exportImage(node: BlockNode, format: ExportFormat, sink: PieceSink): Promise<void> {
  if (format === 'raw') return sendAll(node, sink);
  try {
    await sendAll(await packed(node), sink);
  } catch (error) {
    if (!(error instanceof BlockFailure) || error.code !== 'ENOSPC') throw error;
    throw new VmError(`the disk holds more than ${MAX_PACKED_BYTES / 2 ** 20} MiB`, {
      hint: 'Export it as a raw image.',
    });
  }
}

async function sendAll(node: BlockNode, sink: PieceSink): Promise<void> {
  for (let at = 0; at < node.sizeBytes; at += PIECE_BYTES) {
    const piece = new Uint8Array(Math.min(PIECE_BYTES, node.sizeBytes - at));
    await node.read(at, piece);
    await sink(piece);
  }
}

/** A qcow2 file with what the disk holds. */
async function packed(node: BlockNode): Promise<BlockNode> {
  const { qcow2 } = FORMATS;
  if (qcow2?.create === undefined) throw new Error('BUG: no qcow2');
  const file = new ClusterNode({
    driver: 'memory',
    geometry: { clusterBytes: CLUSTER_BYTES, sizeBytes: 0, backingBytes: 0 },
    cacheBytes: MAX_PACKED_BYTES,
  });
  await qcow2.create(file, { name: 'export', sizeBytes: node.sizeBytes, options: new Map() });
  const image = await qcow2.open(file, { name: 'export' });
  for (let at = 0; at < node.sizeBytes; ) {
    const { length, zero } = await node.extentAt(at);
    const step = zero ? length : Math.min(length, CLUSTER_BYTES - (at % CLUSTER_BYTES));
    if (!zero) {
      const piece = new Uint8Array(step);
      await node.read(at, piece);
      if (piece.some((byte) => byte !== 0)) await image.write(at, piece);
    }
    at += step;
  }
  await image.flush();
  return file;
}
