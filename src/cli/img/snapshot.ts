/** `snapshot`: the snapshots within an image. */
import { BlockFailure } from '../../block/api.ts';
import type { Snapshots } from '../../block/formats/image.ts';
import { VmError } from '../../util/errors.ts';
import { type Arguments, oneImage, usage } from './arguments.ts';
import { snapshotLines } from './info.ts';
import type { Output } from './output.ts';
import { openImage } from './store.ts';

export const SNAPSHOT_NAMES = { l: false, c: true, a: true, d: true, q: false, f: true, U: false };

const VERBS = { c: 'create', a: 'apply', d: 'delete' } as const;

export async function snapshot(args: Arguments, out: Output): Promise<number> {
  const asked = (['c', 'a', 'd'] as const).filter((letter) => args.has(letter));
  if (asked.length + (args.has('l') ? 1 : 0) > 1) throw usage("Cannot mix '-l', '-a', '-c', '-d'");
  const name = oneImage(args);
  const letter = asked[0];
  const image = await openImage(name, {
    format: args.get('f'),
    readonly: letter === undefined,
    withBacking: letter !== undefined,
  });
  try {
    if (letter === undefined) {
      const list = image.info?.snapshots ?? [];
      if (list.length > 0) out.say(`Snapshot list:\n${snapshotLines(list).join('\n')}\n`);
      return 0;
    }
    const tag = args.get(letter)!;
    const what = `Could not ${VERBS[letter]} snapshot '${tag}'`;
    if (image.snapshots === undefined) throw new VmError(`${what}: the format ${image.driver} has no snapshots`);
    await perform(image.snapshots, letter, tag, what);
    return 0;
  } finally {
    await image.close();
  }
}

async function perform(snapshots: Snapshots, letter: keyof typeof VERBS, tag: string, what: string): Promise<void> {
  if (letter !== 'c' && !snapshots.list.some(({ id, name }) => id === tag || name === tag)) {
    throw new VmError(
      `${what}: ${letter === 'a' ? 'Failed to load snapshot: No such file or directory' : 'snapshot not found'}`,
    );
  }
  const now = Date.now();
  const at = { dateSeconds: Math.floor(now / 1000), dateNanoseconds: (now % 1000) * 1e6, vmClockNs: 0 };
  try {
    if (letter === 'c') await snapshots.create(tag, at);
    else if (letter === 'a') await snapshots.apply(tag);
    else await snapshots.delete(tag);
  } catch (error) {
    if (error instanceof BlockFailure) throw new VmError(`${what}: ${error.message}`, { cause: error });
    throw error;
  }
}
