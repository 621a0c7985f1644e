/** Cases from SFF-8020i revision 2.6, MMC-3 and ATA/ATAPI-6 §9.11. */
import { describe, expect, test } from 'vitest';
import { testDrive } from '../../../block/drive.fixture.ts';
import { type IdeRig, ideRig, patternDisk, reloaded } from './ide-rig.fixture.ts';

/** Much faster to compare than bytes. */
const hex = (saved: readonly Uint8Array[]): string[] => saved.map((bytes) => Buffer.from(bytes).toString('hex'));

const STATUS = 0x3f6;

const withDisc = (sectors = 64) =>
  ideRig({ disc: testDrive(sectors === 0 ? undefined : patternDisk(sectors * 4), { media: 'cdrom', readonly: true }) });

function packet(rig: IdeRig, bytes: readonly number[], { limit = 0xfffe, feature = 0 } = {}): void {
  rig.command(0xa0, { feature, lba: limit << 8, device: 0xb0 });
  for (let i = 0; i < 12; i += 2) rig.out(0x1f0, (bytes[i] ?? 0) | ((bytes[i + 1] ?? 0) << 8), 2);
}
const sense = (rig: IdeRig): readonly number[] => {
  packet(rig, [0x03, 0, 0, 0, 18]);
  const data = rig.words(9);
  return [data[2]!, data[12]!];
};
const count = (rig: IdeRig): number => rig.in(0x1f4) | (rig.in(0x1f5) << 8);

describe('READ (10)', () => {
  test('by PIO: busy while the drive reads, then blocks of at most the byte count limit, then the status', () => {
    const rig = withDisc();
    packet(rig, [0x28, 0, 0, 0, 0, 3, 0, 0, 2], { limit: 3000 });
    expect(rig.in(STATUS) & 0x88).toBe(0x80);
    rig.disc?.complete();
    expect(rig.in(STATUS)).toBe(0x58);
    expect(rig.in(0x1f2) & 3).toBe(2);
    expect(count(rig)).toBe(3000);
    const first = rig.words(1500);
    expect(count(rig)).toBe(1096);
    const second = rig.words(548);
    expect([...first, ...second]).toEqual([...patternDisk(20).subarray(3 * 2048)]);
    expect(rig.in(STATUS)).toBe(0x50);
    expect(rig.in(0x1f2) & 3).toBe(3);
    expect(rig.irq.edges).toBe(1);
  });

  test('by DMA, moved to other devices while the drive reads', () => {
    let rig = withDisc();
    packet(rig, [0x28, 0, 0, 0, 0, 1, 0, 0, 4], { feature: 1 });
    rig.startBusMaster([[0x4000, 8192]], 9);
    rig = reloaded(rig);
    rig.disc?.complete();
    expect(rig.ram.slice(0x4000, 0x6000)).toEqual(patternDisk(20).slice(2048));
    expect(rig.busMasterStatus & 7).toBe(4);
    expect(rig.in(STATUS)).toBe(0x50);
  });

  test('a saved state in the middle of a block goes on in another device', () => {
    let rig = withDisc();
    packet(rig, [0x28, 0, 0, 0, 0, 0, 0, 0, 2], { limit: 2048 });
    rig.disc?.complete();
    const first = rig.words(500);
    rig = reloaded(rig);
    const rest = rig.words(524);
    rig.disc?.complete();
    const last = rig.words(1024);
    expect([...first, ...rest, ...last]).toEqual([...patternDisk(8)]);
  });

  test('beyond the end: ILLEGAL REQUEST, out of range', () => {
    const rig = withDisc();
    packet(rig, [0x28, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 2]);
    expect(rig.in(STATUS)).toBe(0x41);
    expect(rig.in(0x1f1) >> 4).toBe(5);
    expect(sense(rig)).toEqual([5, 0x21]);
  });

  test('a host that cannot read says so as the drive', () => {
    const rig = withDisc();
    packet(rig, [0x28, 0, 0, 0, 0, 0, 0, 0, 1]);
    rig.disc?.complete('EIO');
    expect(rig.in(STATUS)).toBe(0x41);
  });
});

describe('media', () => {
  test('a new disc: first none, then UNIT ATTENTION until the sense is read, then it is there (SFF-8020i §10.6)', () => {
    const rig = withDisc(0);
    packet(rig, [0x00]);
    expect(sense(rig)).toEqual([2, 0x3a]);
    rig.disc?.insert(patternDisk(16));
    packet(rig, [0x00]);
    expect(sense(rig)).toEqual([2, 0x3a]);
    packet(rig, [0x00]);
    expect(rig.in(0x1f1) >> 4).toBe(6);
    packet(rig, [0x00]);
    expect(rig.in(STATUS) & 1).toBe(1);
    expect(sense(rig)).toEqual([6, 0x28]);
    packet(rig, [0x00]);
    expect(rig.in(STATUS)).toBe(0x50);
    packet(rig, [0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8]);
    expect([...rig.words(4)].slice(4, 6)).toEqual([2, 2]);
  });

  test('the guest opens the tray unless it locked it', () => {
    const rig = withDisc();
    packet(rig, [0x1e, 0, 0, 0, 1]);
    expect(rig.disc?.locked).toBe(true);
    packet(rig, [0x1b, 0, 0, 0, 2]);
    expect(sense(rig)).toEqual([2, 0x53]);
    packet(rig, [0x1e, 0, 0, 0, 0]);
    packet(rig, [0x1b, 0, 0, 0, 2]);
    expect(rig.disc?.open).toBe(true);
    packet(rig, [0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8]);
    expect([...rig.words(4)].slice(4, 6)).toEqual([0, 1]);
    packet(rig, [0x1b, 0, 0, 0, 3]);
    expect(rig.disc?.open).toBe(false);
  });
});

test('10^5 random accesses leave a drive that works after a reset, and a state that can be moved at any time', () => {
  let rig = withDisc();
  let x = 2;
  const random = (limit: number): number => {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    return Math.floor((x / 2 ** 32) * limit);
  };
  const opcodes = [0x00, 0x03, 0x12, 0x1b, 0x1e, 0x25, 0x28, 0x43, 0x46, 0x4a, 0x51, 0x5a, 0xa8, 0xad, 0xbd, 0xbe];
  const accesses = Number(process.env['FUZZ_ACCESSES'] ?? 100_000);
  for (let i = 0; i < accesses; i++) {
    if (random(20) === 0) {
      const bytes = Array.from({ length: 12 }, () => (random(2) ? 0 : random(256)));
      packet(rig, [opcodes[random(opcodes.length)]!, ...bytes], { limit: random(65536), feature: random(3) });
    }
    const port = random(10) === 0 ? 0xc000 + random(8) : random(40) === 0 ? STATUS : 0x1f0 + random(8);
    const size = port === 0x1f0 ? [2, 4][random(2)]! : 1;
    if (random(3) > 0) {
      const value = rig.in(port, size);
      expect(value >= 0 && value < 2 ** (8 * size)).toBe(true);
    } else {
      rig.out(port, random(2 ** (8 * size)), size);
    }
    if (random(200) === 0) rig.disc?.insert(random(2) ? patternDisk(4 * random(100)) : undefined);
    for (const drive of [rig.disk, rig.disc!]) {
      if (random(4) === 0 && drive.waiting.length > 0) drive.complete(random(8) === 0 ? 'EIO' : undefined);
    }
    if (i % 5000 === 0) {
      const saved = rig.save();
      rig = reloaded(rig);
      expect(hex(rig.save())).toEqual(hex(saved));
    }
  }
  rig.disc?.insert(patternDisk(16));
  rig.reset();
  packet(rig, [0x28, 0, 0, 0, 0, 1, 0, 0, 1]);
  rig.disc?.completeAll();
  expect(rig.words(1024)).toEqual(patternDisk(16).slice(2048, 4096));
});
