/** Random operations on an image beside a model that is an array of bytes. */
import type { MemoryNode } from '../memory-node.fixture.ts';
import { createQcow2, type Qcow2CreateOptions } from './create.ts';
import { Qcow2Image } from './image.ts';

export type Random = (below: number) => number;

export function randomOf(seed: number): Random {
  let state = seed;
  return (below) => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0;
    return Math.floor((((state ^ (state >>> 13)) >>> 0) / 2 ** 32) * below);
  };
}

/** Bytes that compress, or do not. */
export function randomBytes(random: Random, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length).fill(random(256));
  const step = random(2) === 0 ? 1 : 40 + random(200);
  for (let i = 0; i < length; i += step) bytes[i] = random(256);
  return bytes;
}

export interface Outcome {
  readonly disk: Uint8Array;
  readonly snapshots: readonly { readonly name: string; readonly disk: Uint8Array }[];
  /** What was done, for the message of a test that fails. */
  readonly history: readonly string[];
}

interface State {
  image: Qcow2Image;
  disk: Uint8Array<ArrayBuffer>;
  snapshots: { name: string; disk: Uint8Array<ArrayBuffer> }[];
}

const NEW_SNAPSHOT = { dateSeconds: 1, dateNanoseconds: 0, vmClockNs: 0 };

/** Creates an image in `file`, does `steps` things with it and closes it. Throws if it ever reads otherwise than the model. */
export async function randomSequence(
  file: MemoryNode,
  { seed, steps, options }: { seed: number; steps: number; options: Omit<Qcow2CreateOptions, 'name' | 'sizeBytes'> },
): Promise<Outcome> {
  const random = randomOf(seed);
  const sectors = 1 + random(6000);
  await createQcow2(file, { ...options, name: 'image', sizeBytes: sectors * 512 });
  const state: State = {
    image: await Qcow2Image.open(file, { name: 'image' }),
    disk: new Uint8Array(sectors * 512),
    snapshots: [],
  };
  const history: string[] = [];
  // 2^n - 1 references: the disk's own, and one for each snapshot.
  const mostSnapshots = Math.min(5, 2 ** (options.refcountBits ?? 16) - 2);
  const canResize = (): boolean => options.version !== 2 || state.snapshots.length === 0;
  for (let i = 0; i < steps; i++) {
    const kind = random(20);
    const at = random(state.disk.length / 512) * 512;
    const most = state.disk.length - at;
    const length = Math.min(most, 512 * (1 + random(random(4) === 0 ? 2000 : 64)));
    if (kind < 8) {
      history.push(`write ${at} ${length}`);
      const bytes = randomBytes(random, length);
      await state.image.write(at, bytes);
      state.disk.set(bytes, at);
    } else if (kind < 10) {
      history.push(`zero ${at} ${length}`);
      await state.image.writeZeroes(at, length);
      state.disk.fill(0, at, at + length);
    } else if (kind === 10) {
      history.push(`discard ${at} ${length}`);
      await state.image.discard(at, length);
      // Anything may be there now.
      await state.image.read(at, state.disk.subarray(at, at + length));
    } else if (kind < 13) {
      const start = at - (at % state.image.clusterSize);
      const bytes = randomBytes(random, Math.min(state.image.clusterSize, state.disk.length - start));
      history.push(`compressed ${start}`);
      await state.image.writeCompressed(start, bytes);
      state.disk.set(bytes, start);
    } else if (kind === 13) {
      history.push('flush');
      await state.image.flush();
    } else if (kind === 14) {
      history.push('close and open');
      await state.image.close();
      state.image = await Qcow2Image.open(file, { name: 'image' });
    } else if (kind === 15 && canResize()) {
      const sizeBytes = 512 * (1 + random(8000));
      history.push(`resize ${sizeBytes}`);
      await state.image.resize(sizeBytes);
      const disk = new Uint8Array(sizeBytes);
      disk.set(state.disk.subarray(0, sizeBytes));
      state.disk = disk;
    } else {
      const done = await withSnapshots(state, random, {
        name: `s${i}`,
        most: mostSnapshots,
        isV2: options.version === 2,
      });
      if (done !== undefined) history.push(done);
    }
    if (i % 8 === 0 || i === steps - 1) await compare(state, history);
  }
  await state.image.close();
  return { disk: state.disk, snapshots: state.snapshots, history };
}

async function withSnapshots(
  state: State,
  random: Random,
  { name, most, isV2 }: { name: string; most: number; isV2: boolean },
): Promise<string | undefined> {
  const { image, snapshots } = state;
  const kind = random(4);
  const chosen = snapshots[random(snapshots.length)];
  // Clusters of compressed data may be shared by many clusters of the guest: narrow counts run out sooner.
  const isNarrow = (isV2 ? 16 : image.refcounts.bits) < 8;
  try {
    if (kind < 2 && snapshots.length < most) {
      await image.snapshots.create(name, NEW_SNAPSHOT);
      snapshots.push({ name, disk: state.disk.slice() });
      return `snapshot ${name}`;
    }
    if (kind === 2 && chosen !== undefined && !(isV2 && chosen.disk.length !== state.disk.length)) {
      await image.snapshots.apply(chosen.name);
      state.disk = chosen.disk.slice();
      return `apply ${chosen.name}`;
    }
    if (kind === 3 && chosen !== undefined) {
      await image.snapshots.delete(chosen.name);
      snapshots.splice(snapshots.indexOf(chosen), 1);
      return `delete ${chosen.name}`;
    }
  } catch (error) {
    if (isNarrow && error instanceof Error && error.message.includes('refcounts allow no more')) return 'no more';
    throw error;
  }
  return undefined;
}

async function compare(state: State, history: readonly string[]): Promise<void> {
  const bytes = new Uint8Array(state.image.sizeBytes);
  await state.image.read(0, bytes);
  const same = bytes.length === state.disk.length && bytes.every((byte, i) => byte === state.disk[i]);
  if (!same) throw new Error(`the image reads otherwise than the model after\n${history.join('\n')}`);
}
