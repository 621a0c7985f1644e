import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { randomBytes, randomOf } from '../../src/block/formats/qcow2/sequence.fixture.ts';
import { runImg } from '../../src/cli/img/program.ts';
import { Desk } from './qemu-img.ts';

const desk = new Desk();
afterAll(() => desk.remove());

/** Runs a command as lockstep-img would, in a folder. */
async function ours(folder: string, line: string): Promise<{ status: number; text: string }> {
  let text = '';
  const out = { say: (words: string) => (text += words), complain: (words: string) => (text += words) };
  const words = line.split(' ').map((word) => (/^[a-z0-9-]+\.(img|qcow2|raw)$/.test(word) ? join(folder, word) : word));
  // The names in an image are relative to it.
  const at = words.findIndex((_, i) => i > 0 && ['-b', '-B'].includes(words[i - 1]!));
  if (at >= 0) words[at] = words[at]!.slice(folder.length + 1);
  const status = await runImg(words, out);
  return { status, text: text.replaceAll(`${folder}/`, '').replaceAll('lockstep-img', 'qemu-img') };
}

/** What legitimately differs: room on the disk, dates, options that only one of the two has. */
function comparable(text: string): string {
  return text
    .split('\n')
    .filter((line) => !/disk size|actual-size|icount|Formatting|date-|bitmaps|extended.l2/.test(line))
    .map((line) =>
      line
        .replace(/ \(actual path: .*\)| +ICOUNT$/, '')
        .replace(/ +\d{4}-\d\d-\d\d.*$/, '')
        .replace(/"corrupt": (\w+),/, '"corrupt": $1'),
    )
    .join('\n')
    .replaceAll('full-backing-filename', 'backing-filename');
}

const sorted = (text: string): unknown => (text.startsWith('{') ? JSON.parse(text) : text);

const SAME = `create -f qcow2 a.qcow2 1M
create -f raw b.raw 1M
create -f qcow2 -b b.raw -F raw c.qcow2
create -f qcow2 -o cluster_size=512,refcount_bits=1 d.qcow2 300k
create -f qcow2 -o compat=0.10 old.qcow2 10M
info a.qcow2
info c.qcow2
info d.qcow2
info old.qcow2
info b.raw
check a.qcow2
check --output=json a.qcow2
check d.qcow2
check b.raw
snapshot -c first a.qcow2
snapshot -l a.qcow2
info a.qcow2
snapshot -d nope a.qcow2
snapshot -a nope a.qcow2
snapshot -a first a.qcow2
snapshot -d first a.qcow2
snapshot -l a.qcow2
map a.qcow2
map --output=json a.qcow2
measure -O qcow2 --size 1G
measure -O qcow2 --size 3T
measure -O qcow2 -o cluster_size=4k,refcount_bits=64 --size 10G
measure -O raw a.qcow2
resize a.qcow2 +1M
resize a.qcow2 -4M
info a.qcow2
compare a.qcow2 b.raw
compare -s a.qcow2 b.raw
commit c.qcow2
frob
info
create -f qcow2 x.qcow2
create -f qcow2 -o bla=1 x.qcow2 1M
create -f foo x.qcow2 1M`.split('\n');

test('commands say and return what qemu-img does', async () => {
  const folder = desk.path('ours');
  mkdirSync(folder);
  for (const line of SAME) {
    const theirs = desk.qemuImg(...line.split(' '));
    const { status, text } = await ours(folder, line);
    expect({ line, status, text: sorted(comparable(text)) }).toEqual({
      line,
      status: theirs.status,
      text: sorted(comparable(theirs.text)),
    });
  }
});

describe('images with contents', () => {
  const random = randomOf(11);
  const disk = new Uint8Array(2 << 20);

  beforeAll(() => {
    for (let i = 0; i < 8; i++) disk.set(randomBytes(random, 60_000), random(disk.length - 60_000));
    desk.write('disk.raw', disk);
  });

  async function run(line: string): Promise<string> {
    const { status, text } = await ours(desk.directory, line);
    if (status !== 0) throw new Error(`${line}: ${text}`);
    return text;
  }

  test('convert writes what qemu-img reads as the same, compressed too', async () => {
    for (const options of ['', '-c ', '-o cluster_size=4k ', '-c -o cluster_size=512 ']) {
      await run(`convert -f raw -O qcow2 ${options}disk.raw out.qcow2`);
      desk.must('check', 'out.qcow2');
      desk.must('compare', '-f', 'raw', 'disk.raw', 'out.qcow2');
      await run('convert -f qcow2 -O raw out.qcow2 back.raw');
      expect(Buffer.compare(desk.read('back.raw'), disk)).toBe(0);
      expect(await run('compare -f raw disk.raw out.qcow2')).toBe('Images are identical.\n');
    }
  });

  test('map agrees with qemu-img on images with holes, zeros, compressed clusters and a backing image', async () => {
    desk.must('create', '-q', '-f', 'qcow2', '-b', 'out.qcow2', '-F', 'qcow2', 'top.qcow2', '3M');
    desk.run('qemu-io', [
      '-c',
      'write -P 7 64k 192k',
      '-c',
      'write -z 512k 256k',
      '-c',
      'write -P 1 2500k 8k',
      'top.qcow2',
    ]);
    for (const name of ['top.qcow2', 'out.qcow2']) {
      expect(JSON.parse(await run(`map --output=json ${name}`))).toEqual(
        JSON.parse(desk.must('map', '--output=json', name)).map(
          ({ compressed: _, ...piece }: { compressed?: boolean }) => piece,
        ),
      );
    }
  });

  test('commit moves what an image holds into its backing image and empties it', async () => {
    await run('convert -f raw -O qcow2 disk.raw base.qcow2');
    await run('create -q -f qcow2 -b base.qcow2 -F qcow2 top.qcow2');
    desk.run('qemu-io', ['-c', 'write -P 7 100k 300k', '-c', 'write -z 1M 128k', 'top.qcow2']);
    await run('convert -O raw top.qcow2 before.raw');
    expect(await run('commit top.qcow2')).toBe('Image committed.\n');
    desk.must('check', 'base.qcow2');
    desk.must('check', 'top.qcow2');
    desk.must('compare', '-f', 'raw', 'before.raw', 'base.qcow2');
    expect(
      JSON.parse(desk.must('map', '--output=json', 'top.qcow2')).every(({ depth }: { depth: number }) => depth > 0),
    ).toBe(true);
  });

  test('an image that is rebased reads as before', async () => {
    await run('convert -f raw -O qcow2 disk.raw base.qcow2');
    await run('create -q -f qcow2 other.qcow2 1M');
    desk.run('qemu-io', ['-c', 'write -P 3 0 700k', 'other.qcow2']);
    await run('create -q -f qcow2 -b base.qcow2 -F qcow2 top.qcow2');
    desk.run('qemu-io', ['-c', 'write -P 7 100k 300k', '-c', 'write -z 1M 128k', 'top.qcow2']);
    await run('convert -O raw top.qcow2 before.raw');
    for (const to of ['-b other.qcow2 -F qcow2', '-b ', '-b base.qcow2 -F qcow2']) {
      const { status, text } = await ours(desk.directory, `rebase ${to} top.qcow2`);
      expect([status, text]).toEqual([0, '']);
      desk.must('check', 'top.qcow2');
      desk.must('compare', '-f', 'raw', 'before.raw', 'top.qcow2');
    }
  });

  test('check repairs leaks and errors and says so', async () => {
    await run('create -q -f qcow2 bad.qcow2 1M');
    desk.run('qemu-io', ['-c', 'write -P 5 0 256k', 'bad.qcow2']);
    const bytes = desk.read('bad.qcow2');
    bytes.set([0, 2, 0, 0], 0x20000 + 10);
    writeFileSync(desk.path('bad.qcow2'), bytes);
    const found = await ours(desk.directory, 'check bad.qcow2');
    expect(found.status).toBe(2);
    // Faults go to one stream, the summary to the other.
    const lines = (text: string): string[] => comparable(text).split('\n').sort();
    expect(lines(found.text)).toEqual(lines(desk.qemuImg('check', 'bad.qcow2').text));
    const repaired = await ours(desk.directory, 'check -r all bad.qcow2');
    expect(repaired.status).toBe(0);
    expect(repaired.text).toContain('The following inconsistencies were found and repaired');
    expect(desk.must('check', 'bad.qcow2')).toContain('No errors were found');
  });

  test('a chain that leads back to itself is refused', async () => {
    await run('create -q -f qcow2 ring-a.qcow2 1M');
    await run('create -q -f qcow2 -b ring-a.qcow2 -F qcow2 ring-b.qcow2');
    await run('rebase -u -b ring-b.qcow2 -F qcow2 ring-a.qcow2');
    const { status, text } = await ours(desk.directory, 'map ring-a.qcow2');
    expect(status).toBe(1);
    expect(text).toContain('stands on itself');
    expect((await ours(desk.directory, 'info --backing-chain ring-a.qcow2')).text).toContain(
      'creates an infinite loop',
    );
  });

  test('chains of images keep what was written to them through commits, rebases and snapshots', async () => {
    for (let seed = 1; seed <= 4; seed++) {
      const roll = randomOf(seed);
      await run('convert -f raw -O qcow2 -o cluster_size=4k disk.raw c0.qcow2');
      for (const [i, cluster] of [1, 2, 3].map((n) => [n, ['512', '4k', '64k'][roll(3)]])) {
        await run(`create -q -f qcow2 -o cluster_size=${cluster} -b c${Number(i) - 1}.qcow2 -F qcow2 c${i}.qcow2`);
        const writes = Array.from({ length: 6 }, () => `write -P ${1 + roll(255)} ${roll(1900)}k ${1 + roll(140)}k`);
        desk.run('qemu-io', [...writes.flatMap((write) => ['-c', write]), `c${i}.qcow2`]);
        if (roll(2) === 0) await run(`snapshot -c s c${i}.qcow2`);
      }
      await run('convert -O raw c3.qcow2 before.raw');
      await run('rebase -b c1.qcow2 -F qcow2 c3.qcow2');
      desk.must('compare', '-f', 'raw', 'before.raw', 'c3.qcow2');
      await run('commit c3.qcow2');
      for (const name of ['c0.qcow2', 'c1.qcow2', 'c3.qcow2']) desk.must('check', name);
      desk.must('compare', '-f', 'raw', 'before.raw', 'c1.qcow2');
      desk.must('compare', '-f', 'raw', 'before.raw', 'c3.qcow2');
    }
  });
});

test('the names of the two programs lead to it', () => {
  const { bin } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'));
  expect(bin['lockstep-img']).toBe('bin/lockstep-img.mjs');
  const { status, text } = desk.run(join(import.meta.dirname, '../../bin/lockstep-img'), ['info', '--help']);
  expect(status).toBe(1);
  expect(text).toContain("unrecognized option '--help'");
});
