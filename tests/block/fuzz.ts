/** Damaged images: whatever is wrong with one, what is asked of it ends soon, well or with an error that names it. */
import { BlockFailure, type BlockNode } from '../../src/block/api.ts';
import type { ImageNode } from '../../src/block/formats/image.ts';
import type { Random } from '../../src/block/formats/qcow2/sequence.fixture.ts';
import { type ImageStore, openImage } from '../../src/block/open-image.ts';
import { VmError } from '../../src/util/errors.ts';
import { PatchedNode } from './patched-node.ts';

export interface Seed {
  readonly format: string;
  readonly bytes: Uint8Array;
  /** Where the format's own structures are. */
  readonly metadata: readonly { readonly start: number; readonly length: number }[];
}

const NAME = 'damaged.img';
const PROBE = 4096;
const MAX_EXTENTS = 64;
const SLOW_MS = 5000;

function storeOf(node: PatchedNode): ImageStore {
  return {
    async openFile(name): Promise<BlockNode> {
      if (name === NAME) return node;
      throw new VmError(`Could not open '${name}': No such file or directory`);
    },
    resolve: (_, name) => name,
    identity: (name) => name,
  };
}

/** Rethrows what is neither a user's failure nor a request's. */
async function mayFail<T>(body: () => Promise<T>): Promise<T | undefined> {
  try {
    return await body();
  } catch (error) {
    if (error instanceof BlockFailure) return undefined;
    if (error instanceof VmError && (error.message.includes(NAME) || error.message.includes("'"))) return undefined;
    throw error;
  }
}

/** Opens the image and asks this and that of it. True if it could be opened. */
export async function exercise(node: PatchedNode, format: string, random: Random): Promise<boolean> {
  const started = performance.now();
  const forCheck = random(4) === 0;
  const readonly = random(4) === 0 || node.readonly;
  const image = await mayFail(() =>
    openImage(storeOf(node), NAME, { format, readonly, forCheck, withBacking: random(2) === 0 }),
  );
  if (image !== undefined) {
    await ask(image, random);
    await mayFail(() => image.close());
  }
  const elapsed = performance.now() - started;
  if (elapsed > SLOW_MS) throw new Error(`took ${elapsed} ms`);
  return image !== undefined;
}

async function ask(image: ImageNode, random: Random): Promise<void> {
  const size = image.sizeBytes;
  const place = (): number => {
    const most = Math.max(0, size - PROBE);
    const at = random(2) === 0 ? random(Math.min(most, 1 << 20) + 1) : Math.floor((random(1 << 30) / 2 ** 30) * most);
    return at - (at % 512);
  };
  const length = Math.min(PROBE, size);
  for (let i = 0; i < 3; i++) await mayFail(() => image.read(place(), new Uint8Array(length)));
  await mayFail(async () => {
    for (let at = 0, i = 0; at < size && i < MAX_EXTENTS; i++) {
      const extent = await image.extentAt(at);
      if (!(extent.length > 0) || at + extent.length > size)
        throw new Error(`extent of ${extent.length} bytes at ${at}`);
      at += extent.length;
    }
  });
  if (!image.readonly) {
    await mayFail(() => image.write(place(), new Uint8Array(length).fill(0x5a)));
    await mayFail(() => image.writeZeroes(place(), length));
    await mayFail(() => image.discard(place(), length));
    if (random(2) === 0) await mayFail(() => image.flush());
    await withSnapshots(image, random);
    const { writeCompressed, info } = image;
    if (writeCompressed && random(4) === 0) {
      await mayFail(() =>
        writeCompressed.call(image, 0, new Uint8Array(Math.min(size, info?.clusterSize ?? 0)).fill(1)),
      );
    }
    if (random(8) === 0) await mayFail(() => image.resize(512 * random(4096)));
    if (random(8) === 0) await mayFail(async () => image.changeBacking?.({ name: 'x', format: 'raw' }));
    if (random(8) === 0) await mayFail(async () => image.makeEmpty?.());
  }
  const repair = image.readonly ? 'none' : (['none', 'leaks', 'all'] as const)[random(3)]!;
  await mayFail(async () => image.check?.(repair, () => {}));
}

async function withSnapshots({ snapshots }: ImageNode, random: Random): Promise<void> {
  if (snapshots === undefined) return;
  const at = { dateSeconds: 0, dateNanoseconds: 0, vmClockNs: 0 };
  if (random(3) === 0) await mayFail(() => snapshots.create('new', at));
  const some = snapshots.list[random(snapshots.list.length)];
  if (some !== undefined && random(3) === 0) await mayFail(() => snapshots.apply(some.id));
  if (some !== undefined && random(3) === 0) await mayFail(() => snapshots.delete(some.id));
}

/** One image with some of its structures damaged. */
export function damage({ bytes, metadata }: Seed, random: Random): PatchedNode {
  const sizeBytes = random(10) === 0 ? random(bytes.length) : bytes.length;
  const node = new PatchedNode(bytes, { sizeBytes });
  for (let i = 1 + random(4); i > 0; i--) {
    const { start, length } = metadata[random(metadata.length)]!;
    const at = start + random(length);
    if (random(2) === 0) {
      node.patch(at, Uint8Array.of(node.byteAt(at) ^ (1 << random(8))));
    } else {
      const width = [1, 2, 4, 8][random(4)]!;
      node.patch(at - (at % width), absurd(random, width, bytes.length));
    }
  }
  return node;
}

/** A value that is too large, too small, or an offset that looks as if. */
function absurd(random: Random, width: number, fileBytes: number): Uint8Array {
  const value = [
    0n,
    1n,
    2n ** 64n - 1n,
    2n ** 63n,
    2n ** 63n - 1n,
    2n ** 32n - 1n,
    2n ** 31n,
    BigInt(fileBytes),
    BigInt(random(fileBytes)),
    BigInt(random(fileBytes) & ~511),
    2n ** BigInt(random(64)),
  ][random(11)]!;
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value, random(2) === 0);
  return random(2) === 0 ? bytes.slice(0, width) : bytes.slice(8 - width);
}
