/** IDE, register by register, against native QEMU. */
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
import { createRandom, recordsOf, type Script } from './target.ts';

const DISK_BYTES = 20 * 2 ** 20;

function patternDisk(): Uint8Array {
  const disk = new Uint8Array(DISK_BYTES);
  const words = new Uint32Array(disk.buffer);
  for (let i = 0; i < words.length; i++) words[i] = Math.imul(i, 0x9e3779b1) >>> 0;
  disk[510] = 0;
  return disk;
}

async function compare(script: Script, disk = patternDisk()): Promise<void> {
  const native = nativeTarget(
    'pc',
    ['-drive', 'file=@hd,format=raw,if=none,id=hd0,cache=unsafe', '-device', 'ide-hd,drive=hd0,bus=ide.0,unit=0'],
    { hd: disk },
  );
  const own = ownTarget('pc', [{ driver: 'ide-hd', properties: { drive: 'hd0', bus: 'ide.0', unit: '0' } }], {
    hd0: { bytes: disk },
  });
  const [theirs = [], ours = []] = await recordsOf([native, own], script);
  expect(ours).toEqual(theirs);
}

test('PCI function 1.1 has the configuration space of QEMU', () =>
  compare(async (m) => {
    for (let register = 0; register < 0x100; register += 4) {
      await m.out(0xcf8, 0x80000900 | register, 4);
      await m.in(0xcfc, 4);
    }
  }));

test('IDENTIFY DEVICE, registers after it, and its data', () =>
  compare(async (m) => {
    await setUp(m);
    await registers(m);
    await command(m, 0xec);
    await registers(m);
    await m.inBlock(BASE, 256);
    await registers(m);
    await m.in(BASE, 2);
  }));

test('every command code that moves no data', () =>
  compare(async (m) => {
    await setUp(m);
    const moves = [
      0x06, 0x20, 0x21, 0x24, 0x25, 0x29, 0x30, 0x31, 0x34, 0x35, 0x38, 0x39, 0x3c, 0xc4, 0xc5, 0xc8, 0xc9, 0xca, 0xcb,
      0xcd, 0xec,
    ];
    for (let code = 0; code < 256; code++) {
      if (moves.includes(code)) continue;
      m.say(`command ${code}`);
      await command(m, code, { lba: 0x1234, count: 3 });
      await registers(m);
    }
  }));

test('an absent slave', () =>
  compare(async (m) => {
    await setUp(m);
    await command(m, 0xec, { device: 0xf0 });
    await registers(m);
    await m.out(BASE + 6, 0xa0);
    await registers(m);
  }));

test('the secondary channel without devices', () =>
  compare(async (m) => {
    for (let i = 1; i <= 7; i++) await m.out(0x170 + i, i * 17);
    for (let i = 0; i <= 7; i++) await m.in(0x170 + i);
    await m.in(0x376);
  }));

test('software reset in the middle of a transfer', () =>
  compare(async (m) => {
    await setUp(m);
    await command(m, 0x20, { count: 4, lba: 7 });
    await registers(m);
    await m.inBlock(BASE, 10);
    await m.out(CONTROL, 4);
    await m.out(CONTROL, 0);
    await registers(m);
    await m.in(BASE, 2);
  }));

test('READ SECTORS: 28 and 48 bits, CHS, over the end', () =>
  compare(async (m) => {
    await setUp(m);
    for (const [code, address, blocks] of [
      [0x20, { count: 3, lba: 5 }, 3],
      [0x24, { count: 2, lba: 0x1000 }, 2],
      [0x20, { count: 2, device: 0xa2, lba: 0x000301 }, 2],
      [0x20, { count: 4, lba: DISK_BYTES / 512 - 2 }, 3],
      [0x20, { count: 1, lba: DISK_BYTES / 512 }, 1],
      [0x20, { count: 1, device: 0xa0, lba: 0 }, 1],
    ] as const) {
      m.say(`command ${code.toString(16)}`);
      await command(m, code, address);
      for (let i = 0; i < blocks; i++) {
        await registers(m);
        await m.inBlock(BASE, 256);
      }
      await registers(m);
    }
  }));

test('READ MULTIPLE and SET MULTIPLE MODE', () =>
  compare(async (m) => {
    await setUp(m);
    for (const multiple of [1, 2, 3, 4, 8, 16, 32, 0]) {
      await command(m, 0xc6, { count: multiple });
      await registers(m);
      await command(m, 0xc4, { count: 5, lba: 100 });
      for (let i = 0; i < 5; i++) {
        await registers(m);
        await m.inBlock(BASE, 256);
      }
      await registers(m);
      await m.out(CONTROL, 4);
      await m.out(CONTROL, 0);
      await settle(m);
    }
  }));

test('WRITE SECTORS and WRITE MULTIPLE, read back', () =>
  compare(async (m) => {
    await setUp(m);
    const data = Uint8Array.from({ length: 512 }, (_, i) => i * 3);
    for (const code of [0x30, 0xc5, 0x34]) {
      await command(m, code, { count: 3, lba: 50 + code });
      for (let i = 0; i < 3; i++) {
        await registers(m);
        await m.outBlock(BASE, data);
      }
      await registers(m);
      await command(m, 0x20, { count: 4, lba: 50 + code });
      for (let i = 0; i < 4; i++) {
        await registers(m);
        await m.inBlock(BASE, 256);
      }
      await registers(m);
    }
    await command(m, 0xe7);
    await registers(m);
  }));

test('SMART', () =>
  compare(async (m) => {
    await setUp(m);
    for (const [feature, sector] of [
      [0xd0, 0],
      [0xd1, 0],
      [0xd4, 1],
      [0xd5, 6],
      [0xd5, 1],
      [0xd5, 3],
      [0xd2, 0],
      [0xd0, 0],
      [0xd2, 0xf1],
      [0xda, 0],
      [0xd9, 0],
      [0xd0, 0],
      [0xd8, 0],
      [0xda, 0],
    ] as const) {
      await command(m, 0xb0, { feature, lba: 0xc24f00 | sector });
      await registers(m);
      await m.inBlock(BASE, 256);
      await registers(m);
    }
    await command(m, 0xb0, { feature: 0xd0, lba: 0 });
    await registers(m);
  }));

test('SET FEATURES, every subcommand', () =>
  compare(async (m) => {
    await setUp(m);
    // QEMU's disk makes up its identification when it is asked first.
    await command(m, 0xec);
    await settle(m);
    await m.inBlock(BASE, 256);
    for (let feature = 0; feature < 256; feature++) {
      await command(m, 0xef, { feature, count: 0x42 });
      await registers(m);
    }
    for (const mode of [0x00, 0x0c, 0x12, 0x21, 0x44, 0x60]) {
      await command(m, 0xef, { feature: 3, count: mode });
      await registers(m);
      await command(m, 0xec);
      await settle(m);
      await m.inBlock(BASE, 256);
    }
  }));

test('READ DMA and WRITE DMA over a table of three regions', () =>
  compare(async (m) => {
    await setUp(m);
    for (const [code, lengths] of [
      [0xc8, [1000, 1072, 2024]], // 4,096 bytes: exactly
      [0xc8, [512, 512, 8192]], // more than needed
      [0xc8, [512, 512, 510]], // too short
      [0x25, [65536, 2, 2]],
      [0xca, [1000, 1072, 2024]],
      [0x35, [4096, 4096, 4096]],
    ] as const) {
      m.say(`command ${code.toString(16)}: ${lengths.join()}`);
      let at = 0x20000;
      for (const [n, length] of lengths.entries()) {
        await entry(m, n, at, length, n === 2);
        at += length + 256;
      }
      await m.out(BUS_MASTER + 2, 0x66);
      await command(m, code, { count: 8, lba: 200 });
      await settle(m);
      await m.in(CONTROL);
      await busMasterState(m);
      await busMaster(m, code === 0xca || code === 0x35 ? 1 : 9);
      await settleDma(m);
      await busMasterState(m);
      await registers(m);
      await m.out(BUS_MASTER, 0);
      await busMasterState(m);
      await m.read(0x20000, 10000);
    }
    await command(m, 0x20, { count: 8, lba: 200 });
    for (let i = 0; i < 8; i++) {
      await settle(m);
      await m.inBlock(BASE, 256);
    }
    await m.out(BUS_MASTER + 2, 0x66);
    await command(m, 0xc8, { count: 8, lba: DISK_BYTES / 512 - 4 });
    await busMaster(m, 9);
    await settleDma(m);
    await busMasterState(m);
    await registers(m);
  }));

test('DATA SET MANAGEMENT: TRIM, and one beyond the end', () =>
  compare(async (m) => {
    await setUp(m);
    await entry(m, 0, 0x20000, 512, true);
    for (const lba of [1000, DISK_BYTES / 512 - 1]) {
      const list = new BigUint64Array(64);
      list[3] = BigInt(lba) | (4n << 48n);
      await m.write(0x20000, new Uint8Array(list.buffer));
      await m.out(BUS_MASTER + 2, 0x66);
      await command(m, 0x06, { feature: 1, count: 1 });
      await busMaster(m, 1);
      await settleDma(m);
      await busMasterState(m);
      await registers(m);
      await m.out(BUS_MASTER, 0);
    }
  }));

test('a partition table gives the geometry', async () => {
  for (const [endHead, endSector] of [
    [7, 32],
    [254, 63],
  ] as const) {
    const disk = patternDisk();
    disk.fill(0, 0x1be, 510);
    disk.set([0x80, 1, 1, 0, 6, endHead, endSector, 77, 63, 0, 0, 0, 0, 32, 0, 0], 0x1be);
    disk.set([0x55, 0xaa], 510);
    await compare(async (m) => {
      await command(m, 0xec);
      await settle(m);
      await m.inBlock(BASE, 256);
    }, disk);
  }
});

test('1,000 random register accesses', () =>
  compare(async (m) => {
    await setUp(m);
    const random = createRandom(20);
    const codes = [
      0xec, 0x20, 0x30, 0xc4, 0xc5, 0x24, 0x90, 0x10, 0x70, 0xe7, 0xf8, 0x27, 0x40, 0xe5, 0xb0, 0xa1, 0x08,
    ];
    for (let i = 0; i < 1000; i++) {
      await settle(m);
      switch (random(6)) {
        case 0:
          await m.out(BASE + 7, codes[random(codes.length)] ?? 0);
          break;
        case 1:
          await m.out(BASE + 1 + random(6), random(4) === 0 ? random(256) : random(3));
          break;
        case 2:
          await m.in(BASE + 1 + random(7));
          break;
        case 3:
          for (let n = random(60); n > 0; n--) {
            await m.in(BASE, random(2) ? 2 : 4);
            await settle(m);
          }
          break;
        case 4:
          for (let n = random(60); n > 0; n--) {
            await m.out(BASE, random(65536), 2);
            await settle(m);
          }
          break;
        default:
          if (random(8) === 0) {
            // QEMU's reset is over before SRST falls; here, as in the standard, the device stays busy until then.
            const control = [0, 2, 4, 0x80][random(4)] ?? 0;
            await m.out(CONTROL, control);
            if (control === 4) await m.out(CONTROL, 0);
          }
          await m.in(CONTROL);
          await irq(m);
      }
    }
  }));

test('two disks on one channel: selection, diagnosis, reset, a command for each', async () => {
  const [first, second] = [patternDisk(), patternDisk().reverse()];
  const native = nativeTarget(
    'pc',
    [
      ...['-drive', 'file=@a,format=raw,if=none,id=a,cache=unsafe', '-device', 'ide-hd,drive=a,bus=ide.0,unit=0'],
      ...['-drive', 'file=@b,format=raw,if=none,id=b,cache=unsafe', '-device', 'ide-hd,drive=b,bus=ide.0,unit=1'],
    ],
    { a: first, b: second },
  );
  const own = ownTarget(
    'pc',
    ['a', 'b'].map((drive, i) => ({ driver: 'ide-hd', properties: { drive, bus: 'ide.0', unit: `${i}` } })),
    { a: { bytes: first }, b: { bytes: second } },
  );
  const [theirs = [], ours = []] = await recordsOf([native, own], async (m) => {
    await setUp(m);
    for (const device of [0xe0, 0xf0]) {
      await command(m, 0xec, { device });
      await registers(m);
      await m.inBlock(BASE, 256);
      await command(m, 0x20, { device, lba: 5 });
      await registers(m);
      await m.inBlock(BASE, 256);
      await command(m, 0x90, { device });
      await registers(m);
    }
    await command(m, 0x20, { device: 0xf0, lba: 6 });
    await registers(m);
    await m.out(CONTROL, 4);
    await m.out(CONTROL, 0);
    await registers(m);
    for (const register of [0x12, 0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x20, 0x23, 0x24, 0x25, 0x26, 0x39]) {
      await m.out(0x70, register);
      await m.in(0x71);
    }
  });
  expect(ours).toEqual(theirs);
});
