/** A CD-ROM drive, packet by packet, against native QEMU. */
import { expect, test } from 'vitest';
import {
  BASE,
  BUS_MASTER,
  busMaster,
  busMasterState,
  CONTROL,
  command,
  entry,
  irq,
  registers,
  settle,
  settleDma,
  setUp,
} from './ata.ts';
import { nativeTarget } from './native.ts';
import { ownTarget } from './own.ts';
import { createRandom, type Recorder, recordsOf, type Script } from './target.ts';

const SECTORS = 1500;

function patternDisc(sectors = SECTORS): Uint8Array {
  const disc = new Uint8Array(sectors * 2048);
  const words = new Uint32Array(disc.buffer);
  for (let i = 0; i < words.length; i++) words[i] = Math.imul(i, 0x9e3779b1);
  return disc;
}

async function compare(script: Script, disc: Uint8Array | number | undefined = patternDisc()): Promise<void> {
  const native = nativeTarget(
    'pc',
    disc === undefined
      ? ['-device', 'ide-cd,bus=ide.0,unit=0']
      : [
          ...['-drive', 'file=@cd,format=raw,if=none,id=cd0,readonly=on,media=cdrom'],
          ...['-device', 'ide-cd,drive=cd0,bus=ide.0,unit=0'],
        ],
    disc === undefined ? {} : { cd: disc },
  );
  const place = { bus: 'ide.0', unit: '0' };
  const own =
    disc === undefined
      ? ownTarget('pc', [{ driver: 'ide-cd', properties: place }])
      : ownTarget('pc', [{ driver: 'ide-cd', properties: { drive: 'cd0', ...place } }], {
          cd0: { bytes: disc, media: 'cdrom' },
        });
  const [theirs = [], ours = []] = await recordsOf([native, own], script);
  expect(ours).toEqual(theirs);
}

interface PacketOptions {
  readonly limit?: number;
  readonly feature?: number;
}

async function sendPacket(m: Recorder, bytes: readonly number[], { limit = 0xfffe, feature = 0 }: PacketOptions = {}) {
  m.say(`packet ${bytes.map((byte) => byte.toString(16)).join(' ')}, limit ${limit}, feature ${feature}`);
  await command(m, 0xa0, { feature, count: 0, lba: (limit & 0xffff) << 8, device: 0xa0 });
  await registers(m);
  await m.outBlock(
    BASE,
    Uint8Array.from({ length: 12 }, (_, i) => bytes[i] ?? 0),
  );
}

/** A packet by PIO, with all of its data. */
async function packet(m: Recorder, bytes: readonly number[], options: PacketOptions = {}): Promise<void> {
  await sendPacket(m, bytes, options);
  for (let blocks = 0; blocks < 40; blocks++) {
    await settle(m);
    const status = await m.in(CONTROL);
    if (!(status & 8)) break;
    await registers(m);
    const size = (await m.in(BASE + 4)) | ((await m.in(BASE + 5)) << 8);
    await m.inBlock(BASE, Math.ceil(size / 2));
  }
  await registers(m);
}

const REPLIES: readonly (readonly number[])[] = [
  [0x00],
  [0x03, 0, 0, 0, 18],
  [0x03, 0, 0, 0, 8],
  [0x12, 0, 0, 0, 36],
  [0x12, 0, 0, 0, 96],
  [0x12, 1, 0, 0, 36],
  [0x12, 1, 0x83, 0, 20],
  [0x12, 1, 0x83, 0, 40],
  [0x12, 1, 0x83, 0, 255],
  [0x12, 1, 0x80, 0, 255],
  [0x25],
  [0x2b, 0, 0, 0, 1, 0],
  [0x2b, 0, 0, 9, 1, 0],
  [0x43, 0, 0, 0, 0, 0, 0, 0, 64, 0],
  [0x43, 2, 0, 0, 0, 0, 0, 0, 64, 0],
  [0x43, 2, 0, 0, 0, 0, 1, 0, 12, 0],
  [0x43, 0, 0, 0, 0, 0, 0xaa, 0, 64, 0],
  [0x43, 0, 0, 0, 0, 0, 2, 0, 64, 0],
  [0x43, 0, 0, 0, 0, 0, 0, 0, 64, 0x40],
  [0x43, 0, 0, 0, 0, 0, 0, 0, 128, 0x80],
  [0x43, 2, 0, 0, 0, 0, 0, 0, 128, 0x80],
  [0x43, 0, 0, 0, 0, 0, 0, 0, 128, 0xc0],
  [0x46, 0, 0, 0, 0, 0, 0, 1, 0],
  [0x46, 0, 0, 0, 0, 0, 0, 0, 8],
  [0x46, 0, 0, 3, 0, 0, 0, 1, 0],
  [0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8],
  [0x4a, 1, 0, 0, 0x02, 0, 0, 0, 8],
  [0x4a, 0, 0, 0, 0x10, 0, 0, 0, 8],
  [0x51, 0, 0, 0, 0, 0, 0, 0, 34],
  [0x51, 1, 0, 0, 0, 0, 0, 0, 34],
  [0x5a, 0, 0x01, 0, 0, 0, 0, 0, 255],
  [0x5a, 0, 0x0e, 0, 0, 0, 0, 0, 255],
  [0x5a, 0, 0x2a, 0, 0, 0, 0, 0, 255],
  [0x5a, 0, 0x3f, 0, 0, 0, 0, 0, 255],
  [0x5a, 0, 0x6a, 0, 0, 0, 0, 0, 255],
  [0x5a, 0, 0xc1, 0, 0, 0, 0, 0, 255],
  [0x1e, 0, 0, 0, 1],
  [0x5a, 0, 0x2a, 0, 0, 0, 0, 0, 30],
  [0x1b, 0, 0, 0, 2],
  [0x1e, 0, 0, 0, 0],
  [0x1b, 0, 0, 0, 1],
  [0x1b, 0, 0, 0, 0x12],
  [0xad, 0, 0, 0, 0, 0, 0, 0, 8, 4],
  [0xad, 0, 0, 0, 0, 0, 0, 0xff, 0, 64],
  [0xad, 0, 0, 0, 0, 0, 0, 0x90, 0, 64],
  [0xbb],
  [0xbd, 0, 0, 0, 0, 0, 0, 0, 0, 8],
  [0xff],
  [0x03, 0, 0, 0, 18],
];

test('IDENTIFY PACKET DEVICE, and IDENTIFY DEVICE refused with the signature', () =>
  compare(async (m) => {
    await setUp(m);
    await registers(m);
    await command(m, 0xa1, { device: 0xa0 });
    await registers(m);
    await m.inBlock(BASE, 256);
    await registers(m);
    await command(m, 0xec, { device: 0xa0 });
    await registers(m);
  }));

test('every ATA command that moves no data', () =>
  compare(async (m) => {
    await setUp(m);
    for (let code = 0; code < 256; code++) {
      if (code === 0xa0 || code === 0xa1) continue;
      m.say(`command ${code}`);
      await command(m, code, { lba: 0x1234, count: 3 });
      await registers(m);
    }
  }));

test('every packet that does not read sectors, with a disc', () =>
  compare(async (m) => {
    await setUp(m);
    for (const bytes of REPLIES) await packet(m, bytes);
  }));

test('every packet that does not read sectors, without a disc', async () => {
  await compare(async (m) => {
    await setUp(m);
    for (const bytes of REPLIES) await packet(m, bytes);
    await packet(m, [0x28, 0, 0, 0, 0, 0, 0, 0, 1]);
  }, undefined);
});

test('a DVD', () =>
  compare(async (m) => {
    await setUp(m);
    await packet(m, [0x46, 0, 0, 0, 0, 0, 0, 1, 0]);
    for (const format of [0x00, 0x01, 0x03, 0x04, 0xff]) await packet(m, [0xad, 0, 0, 0, 0, 0, 0, format, 8, 4]);
    await packet(m, [0x43, 2, 0, 0, 0, 0, 0, 0, 64, 0]);
  }, 361_000 * 2048));

test('READ (10), READ (12) and READ CD in blocks of all sizes', () =>
  compare(async (m) => {
    await setUp(m);
    for (const limit of [0xfffe, 0xffff, 2048, 2047, 3000, 512, 0]) {
      await packet(m, [0x28, 0, 0, 0, 0, 5, 0, 0, 3], { limit });
    }
    await packet(m, [0x28, 0, 0, 0, 0, 5, 0, 0, 40], { limit: 0xfffe });
    await packet(m, [0xa8, 0, 0, 0, 0, 7, 0, 0, 0, 2]);
    await packet(m, [0xbe, 0, 0, 0, 0, 9, 0, 0, 2, 0x10]);
    await packet(m, [0xbe, 0, 0, 0, 0, 9, 0, 0, 3, 0xf8], { limit: 4000 });
    await packet(m, [0xbe, 0, 0, 0, 0, 9, 0, 0, 3, 0]);
    await packet(m, [0xbe, 0, 0, 0, 0, 9, 0, 0, 3, 0x40]);
    await packet(m, [0x28, 0, 0, 0, SECTORS >> 8, (SECTORS & 255) - 1, 0, 0, 2]);
    await packet(m, [0x28, 0, 0, 0, 0, 0, 0, 0, 0]);
    await packet(m, [0x03, 0, 0, 0, 18]);
  }));

test('by DMA: sectors, raw sectors, answers, tables too long and too short', () =>
  compare(async (m) => {
    await setUp(m);
    for (const [bytes, length] of [
      [[0x28, 0, 0, 0, 0, 5, 0, 0, 3], 3 * 2048],
      [[0x28, 0, 0, 0, 0, 5, 0, 0, 3], 4 * 2048],
      [[0xbe, 0, 0, 0, 0, 9, 0, 0, 3, 0xf8], 3 * 2352],
      [[0x12, 0, 0, 0, 36], 36],
      [[0x12, 0, 0, 0, 36], 64],
    ] as const) {
      await entry(m, 0, 0x20000, length, true);
      await m.out(BUS_MASTER + 2, 0x66);
      await sendPacket(m, bytes, { feature: 1 });
      await busMaster(m, 9);
      await settleDma(m);
      await busMasterState(m);
      await registers(m);
      await m.out(BUS_MASTER, 0);
      await m.read(0x20000, 10000);
    }
  }));

test('resets: DEVICE RESET and SRST in the middle of a transfer', () =>
  compare(async (m) => {
    await setUp(m);
    await sendPacket(m, [0x28, 0, 0, 0, 0, 5, 0, 0, 3]);
    await registers(m);
    await m.inBlock(BASE, 100);
    await m.out(BASE + 7, 8);
    await registers(m);
    await sendPacket(m, [0x12, 0, 0, 0, 36]);
    await registers(m);
    await m.out(CONTROL, 4);
    await m.out(CONTROL, 0);
    await registers(m);
    await packet(m, [0x12, 0, 0, 0, 36]);
  }));

test('400 random packets', () =>
  compare(async (m) => {
    await setUp(m);
    const random = createRandom(21);
    for (let i = 0; i < 400; i++) {
      const known = REPLIES[random(REPLIES.length)] ?? [0];
      const bytes = Array.from({ length: 12 }, (_, at) => (random(12) === 0 ? random(256) : (known[at] ?? 0)));
      // What QEMU leaves of the packet in its answer to reserved fields is no behaviour.
      if (bytes[0] === 0xad || bytes[0] === 0x1b || (bytes[0] === 0x5a && ((bytes[2] ?? 0) & 0x3f) === 0x0e)) continue;
      await packet(m, bytes, { limit: [0xfffe, 64, 10, 12][random(4)] ?? 2 });
      await irq(m);
    }
  }));
