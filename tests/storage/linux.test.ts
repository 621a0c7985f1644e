/** Debian's drivers write disks behind each controller and read them back; what they wrote is in the images. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { STORAGE_MODULE_FILES } from '../../roms/manifest.ts';
import { hasGuest, initrdWith, kernel } from '../input/initrd.ts';
import { LinuxGuest, TIMEOUT_MS } from '../linux/guest.ts';
import { DETERMINISTIC, PROMPT } from '../linux/history.ts';

const MiB = 2 ** 20;
const directory = mkdtempSync(join(tmpdir(), 'lockstep-storage-'));
const image = (name: string): string => join(directory, name);
const md5 = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('hex');

function pattern(bytes: number, seed: number): Uint8Array {
  const data = new Uint8Array(bytes);
  const words = new Uint32Array(data.buffer);
  for (let i = 0; i < words.length; i++) words[i] = Math.imul(i + seed, 0x9e3779b1);
  return data;
}

const DISKS = [
  { name: 'ide', bytes: 16 * MiB },
  { name: 'sata', bytes: 16 * MiB },
  { name: 'nvme', bytes: 16 * MiB },
] as const;
const OPTICAL = ['idecd', 'satacd'] as const;

beforeAll(() => {
  for (const [i, { name, bytes }] of DISKS.entries()) writeFileSync(image(name), pattern(bytes, i));
  for (const [i, name] of OPTICAL.entries()) writeFileSync(image(name), pattern(2 * MiB, 100 + i));
  writeFileSync(image('floppy'), pattern(1440 * 1024, 200));
});
afterAll(() => rmSync(directory, { recursive: true }));

const drive = (name: string, more = ''): string[] => [
  '-drive',
  `if=none,id=${name},file=${image(name)},format=raw${more}`,
];

test.skipIf(!hasGuest(STORAGE_MODULE_FILES))(
  'Linux reads and writes disks behind IDE, AHCI and NVMe, reads discs, and a floppy',
  async () => {
    const guest = new LinuxGuest();
    await guest.vm.start(
      {
        args: [
          ...DETERMINISTIC,
          ...['-M', 'pc', '-m', '128', '-initrd', 'initrd'],
          ...['-drive', `if=ide,index=0,file=${image('ide')},format=raw`],
          ...['-drive', `if=ide,index=2,media=cdrom,file=${image('idecd')},format=raw`],
          ...['-drive', `if=floppy,file=${image('floppy')},format=raw`],
          ...['-device', 'ich9-ahci,id=ahci', ...drive('sata'), ...drive('satacd', ',media=cdrom')],
          ...[...drive('nvme'), '-device', 'nvme,drive=nvme,serial=one'],
          ...['-device', 'ide-hd,drive=sata,bus=ahci.0', '-device', 'ide-cd,drive=satacd,bus=ahci.1'],
        ],
        files: { vmlinuz: kernel(), initrd: initrdWith(STORAGE_MODULE_FILES) },
      },
      guest.hear,
    );
    await guest.see(PROMPT);
    await guest.preparePrompt();
    await guest.command('sh /modules/load; sleep 2');
    const sum = async (device: string): Promise<string> =>
      (await guest.command(`md5sum ${device}`)).split(' ')[0] ?? '';
    const partitions = await guest.command('cat /proc/partitions');
    expect(partitions).toContain('sda');
    expect(partitions).toContain('sdb');
    const [, major, minor] = /(\d+) +(\d+) +\d+ nvme0n1/.exec(partitions) ?? [];
    const nodes = [
      ['/dev/sda', '8 0'],
      ['/dev/sdb', '8 16'],
      ['/dev/nvme0n1', `${major} ${minor}`],
    ] as const;
    for (const [i, { name, bytes }] of DISKS.entries()) {
      const [device, numbers] = nodes[i] ?? ['', ''];
      await guest.command(`mknod ${device} b ${numbers}`);
      expect(await sum(device)).toBe(md5(pattern(bytes, i)));
      const write = `dd if=/dev/urandom of=${device} bs=64k count=100 seek=11 && sync && echo 3 >/proc/sys/vm/drop_caches`;
      await guest.command(write);
      const after = await sum(device);
      expect(after).toBe(md5(readFileSync(image(name))));
      expect(after).not.toBe(md5(pattern(bytes, i)));
    }
    for (const [i, name] of OPTICAL.entries()) {
      await guest.command(`mknod /dev/sr${i} b 11 ${i}`);
      expect(await sum(`/dev/sr${i}`)).toBe(md5(readFileSync(image(name))));
    }
    await guest.command(
      'mknod /dev/fd0 b 2 0; dd if=/dev/urandom of=/dev/fd0 bs=9k count=40 seek=3; sync; echo 3 >/proc/sys/vm/drop_caches',
    );
    expect(await sum('/dev/fd0')).toBe(md5(readFileSync(image('floppy'))));
    await guest.vm.quit();
  },
  TIMEOUT_MS,
);
