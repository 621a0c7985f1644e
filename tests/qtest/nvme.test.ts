/** NVMe: queues, completions, data and interrupts against native QEMU, which has a newer revision and more features. */
import { expect, test } from 'vitest';
import { nativeTarget } from './native.ts';
import { ownTarget } from './own.ts';
import { type Recorder, recordsOf, type Script } from './target.ts';

const DISK_SECTORS = 20_000;
const BAR = 0xfe00_0000;
const ADMIN = { SQ: 0x10_0000, CQ: 0x10_1000 } as const;
const IO = { SQ: 0x10_2000, CQ: 0x10_3000 } as const;
const LIST = 0x10_4000;
const DATA = 0x11_0000;
const ENTRIES = 16;

function pattern(): Uint8Array {
  const bytes = new Uint8Array(DISK_SECTORS * 512);
  const words = new Uint32Array(bytes.buffer);
  for (let i = 0; i < words.length; i++) words[i] = Math.imul(i, 0x9e3779b1);
  return bytes;
}

async function compare(script: Script): Promise<void> {
  const disk = pattern();
  const native = nativeTarget(
    'pc',
    [
      ...['-drive', 'file=@disk,format=raw,if=none,id=d0,cache=unsafe'],
      ...['-device', 'nvme,drive=d0,serial=one,addr=4'],
    ],
    { disk },
  );
  const own = ownTarget('pc', [{ driver: 'nvme', properties: { drive: 'd0', serial: 'one', addr: '4' } }], {
    d0: { bytes: disk },
  });
  const [theirs = [], ours = []] = await recordsOf([native, own], async (m) => {
    for (const [register, value] of [
      [0x10, BAR],
      [0x14, 0],
      [0x04, 6],
    ] as const) {
      await m.out(0xcf8, 0x8000_2000 | register, 4);
      await m.out(0xcfc, value, 4);
    }
    await script(m);
  });
  expect(ours).toEqual(theirs);
}

const write32 = (m: Recorder, gpa: number, ...values: number[]): Promise<void> =>
  m.write(gpa, new Uint8Array(Uint32Array.from(values, (value) => value >>> 0).buffer));

class Queues {
  readonly tails = [0, 0];
  readonly heads = [0, 0];
  readonly m: Recorder;

  constructor(m: Recorder) {
    this.m = m;
  }

  /** Puts a command into a queue, waits for its completion, and takes it. */
  async run(queue: 0 | 1, dwords: Readonly<Record<number, number>>): Promise<void> {
    const { m } = this;
    const at = (queue === 0 ? ADMIN.SQ : IO.SQ) + (this.tails[queue] ?? 0) * 64;
    const cid = 0x100 + (this.tails[queue] ?? 0);
    await write32(
      m,
      at,
      ...Array.from({ length: 16 }, (_, n) => (n === 0 ? (dwords[0] ?? 0) | (cid << 16) : (dwords[n] ?? 0))),
    );
    this.tails[queue] = ((this.tails[queue] ?? 0) + 1) % ENTRIES;
    await write32(m, BAR + 0x1000 + queue * 8, this.tails[queue] ?? 0);
    const head = this.heads[queue] ?? 0;
    const completion = (queue === 0 ? ADMIN.CQ : IO.CQ) + head * 16;
    await m.settle(
      async (target) =>
        ((await target.read(completion + 12, 2))[0] ?? 0) + ((await target.read(completion + 13, 1))[0] ?? 0) * 256 !==
        cid,
    );
    await m.read(completion, 16);
    await this.interrupt();
    this.heads[queue] = (head + 1) % ENTRIES;
    await write32(m, BAR + 0x1004 + queue * 8, this.heads[queue] ?? 0);
    await this.interrupt();
  }
  /** The interrupt status bit of the function's status register. */
  async interrupt(): Promise<void> {
    await this.m.out(0xcf8, 0x8000_2004, 4);
    await this.m.inBits(0xcfe, 0x08);
  }
  async start(): Promise<void> {
    const { m } = this;
    await write32(m, BAR + 0x24, ((ENTRIES - 1) << 16) | (ENTRIES - 1));
    await write32(m, BAR + 0x28, ADMIN.SQ, 0, ADMIN.CQ, 0);
    await write32(m, BAR + 0x14, 0x0046_0001);
    await m.read(BAR + 0x14, 0x24);
  }
  async startIo(): Promise<void> {
    await this.start();
    await this.run(0, { 0: 0x05, 6: IO.CQ, 10: ((ENTRIES - 1) << 16) | 1, 11: 3 });
    await this.run(0, { 0: 0x01, 6: IO.SQ, 10: ((ENTRIES - 1) << 16) | 1, 11: (1 << 16) | 1 });
  }
}

const io = (opcode: number, lba: number, sectors: number, prp1: number, prp2 = 0) => ({
  0: opcode,
  1: 1,
  6: prp1,
  8: prp2,
  10: lba,
  12: sectors - 1,
});

test('queues are made and unmade; what is refused, with which status', () =>
  compare(async (m) => {
    const q = new Queues(m);
    await m.read(BAR + 0x0c, 0x34);
    await q.startIo();
    await q.run(0, { 0: 0x05, 6: IO.CQ, 10: (7 << 16) | 1, 11: 3 });
    await q.run(0, { 0: 0x05, 6: IO.CQ, 10: 2, 11: 3 });
    await q.run(0, { 0: 0x05, 6: IO.CQ + 4, 10: (7 << 16) | 2, 11: 3 });
    await q.run(0, { 0: 0x05, 6: IO.CQ, 10: (7 << 16) | 2, 11: 2 });
    await q.run(0, { 0: 0x01, 6: IO.SQ, 10: (7 << 16) | 2, 11: (9 << 16) | 1 });
    await q.run(0, { 0: 0x01, 6: IO.SQ, 10: (7 << 16) | 1, 11: (1 << 16) | 1 });
    await q.run(0, { 0: 0x01, 6: IO.SQ, 10: (7 << 16) | 2, 11: 1 << 16 });
    await q.run(0, { 0: 0x04, 10: 1 });
    await q.run(0, { 0: 0x04, 10: 0 });
    await q.run(0, { 0: 0x00, 10: 5 });
    await q.run(0, { 0: 0x00, 10: 1 });
    await q.run(0, { 0: 0x04, 10: 1 });
    await q.run(0, { 0: 0x04, 10: 1 });
    await q.run(0, { 0: 0x7f });
    await q.run(0, { 0: 0x08, 10: 0x10000 });
  }));

test('features, identification of the namespace, log pages that there are not', () =>
  compare(async (m) => {
    const q = new Queues(m);
    await q.start();
    for (const feature of [0x06, 0x0b]) await q.run(0, { 0: 0x0a, 10: feature });
    await q.run(0, { 0: 0x09, 10: 0x06, 11: 0 });
    await q.run(0, { 0: 0x0a, 10: 0x06 });
    await q.run(0, { 0: 0x09, 10: 0x0b, 11: 0x1f });
    await q.run(0, { 0: 0x0a, 10: 0x0b });
    await q.run(0, { 0: 0x09, 10: 0x7f });
    await q.run(0, { 0: 0x0a, 10: 0x7f });
    await q.run(0, { 0: 0x06, 1: 1, 6: DATA, 10: 0 });
    await m.read(DATA, 24);
    await q.run(0, { 0: 0x06, 1: 0, 6: DATA, 10: 2 });
    await m.read(DATA, 4096);
    await q.run(0, { 0: 0x06, 1: 0, 6: DATA, 10: 0x77 });
    await q.run(0, { 0: 0x02, 1: 0xffff_ffff, 6: DATA, 10: (15 << 16) | 0x70 });
  }));

test('reads and writes: regions, lists, errors', () =>
  compare(async (m) => {
    const q = new Queues(m);
    await q.startIo();
    await q.run(1, io(0x02, 3, 8, DATA));
    await m.read(DATA, 4096);
    await q.run(1, io(0x02, 30, 8, DATA + 1024, DATA + 0x4000));
    await m.read(DATA, 4096);
    await m.read(DATA + 0x4000, 1024);
    await write32(m, LIST, DATA + 0x6000, 0, DATA + 0x5000, 0, DATA + 0x8000, 0);
    await q.run(1, io(0x02, 40, 32, DATA, LIST));
    for (const offset of [0, 0x6000, 0x5000, 0x8000]) await m.read(DATA + offset, 4096);
    await q.run(1, io(0x01, 100, 32, DATA, LIST));
    await q.run(1, io(0x02, 96, 40, DATA + 0x1_0000, LIST));
    await m.read(DATA + 0x1_0000, 4096);
    await m.read(DATA + 0x6000, 4096);
    await q.run(1, { 0: 0x00, 1: 1 });
    await q.run(1, { 0: 0x00, 1: 0xffff_ffff });
    await q.run(1, io(0x08, 100, 4, 0));
    await q.run(1, io(0x02, 98, 8, DATA));
    await m.read(DATA, 4096);
    await write32(m, DATA, 0, 8, 300, 0);
    await q.run(1, { 0: 0x09, 1: 1, 6: DATA, 10: 0, 11: 4 });
    await q.run(1, io(0x02, DISK_SECTORS - 1, 2, DATA));
    await q.run(1, { ...io(0x02, 0, 1, DATA), 1: 1000 });
    await q.run(1, { ...io(0x02, 0, 1, DATA), 1: 0 });
    await q.run(1, io(0x02, 0, 16, DATA, DATA + 100));
    await q.run(1, io(0x02, 0, 2048, DATA, LIST));
    await q.run(1, { 0: 0x77, 1: 1 });
    await write32(m, BAR + 0x14, 0x0046_0000);
    await m.read(BAR + 0x14, 0x0c);
  }));
