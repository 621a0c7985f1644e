/** Debian's kernel with its own drivers uses each virtio device. */
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { LinuxGuest, linuxFiles, TIMEOUT_MS } from '../linux/guest.ts';
import { DETERMINISTIC, PROMPT } from '../linux/history.ts';
import { hasVirtioGuest, virtioInitrd } from './initrd.ts';

const MiB = 2 ** 20;
const sha256 = (data: string | Uint8Array) => createHash('sha256').update(data).digest('hex');
const disc = Uint8Array.from({ length: 200 * 2048 }, (_, i) => (i * 31) >> 3);
const numbers = Array.from({ length: 50_000 }, (_, i) => `${i + 1}\n`).join('');

/** Makes a file system on a disk, writes, has it checked, and reads it back after a new mount. */
const exerciseDisk = (disk: string) =>
  `mke2fs -q -F ${disk} >/dev/null && mount -t ext4 ${disk} /mnt && seq 50000 >/mnt/n && umount /mnt && ` +
  `e2fsck -fn ${disk} 2>&1 | tail -1 | cut -d: -f1 && mount -t ext4 ${disk} /mnt && sha256sum </mnt/n && umount /mnt`;

describe.skipIf(!hasVirtioGuest)('Linux and virtio', () => {
  test(
    'block device, SCSI disk and CD-ROM, random numbers, console, port and balloon work',
    async () => {
      const guest = new LinuxGuest();
      const written: Record<string, string> = {};
      const initrd = virtioInitrd();
      const drive = (id: string, more: string) => ['-drive', `id=${id},file=${id},format=raw,${more}`];
      await guest.vm.start(
        {
          args: [
            ...DETERMINISTIC,
            ...['-M', 'pc', '-m', '128', '-initrd', 'initrd'],
            ...drive('disk0', 'if=virtio,serial=number-1'),
            ...[
              '-device',
              'virtio-scsi-pci,id=scsi0',
              ...drive('disk1', 'if=none'),
              ...drive('disc', 'if=none,media=cdrom'),
            ],
            ...['-device', 'scsi-hd,drive=disk1,bus=scsi0.0', '-device', 'scsi-cd,drive=disc,bus=scsi0.0'],
            ...['-device', 'virtio-rng-pci', '-device', 'virtio-balloon-pci', '-device', 'virtio-serial-pci'],
            ...['-chardev', 'file,id=c0,path=hvc', '-device', 'virtconsole,chardev=c0'],
            ...['-chardev', 'file,id=c1,path=port', '-device', 'virtserialport,chardev=c1,name=org.example.0'],
          ],
          files: { ...linuxFiles(), initrd, disk0: new Uint8Array(8 * MiB), disk1: new Uint8Array(8 * MiB), disc },
        },
        (event) => {
          if (event.kind === 'chardev') {
            written[event.id] = (written[event.id] ?? '') + new TextDecoder().decode(event.bytes);
          }
          guest.hear(event);
        },
      );
      await guest.see(`\n${PROMPT}`);
      await guest.preparePrompt();
      expect(await guest.command('sh /modules/load 2>&1')).toBe('');

      expect(await guest.command('cat /sys/block/vda/size /sys/block/vda/serial; echo')).toBe('16384\nnumber-1');
      for (const disk of ['/dev/vda', '/dev/sda']) {
        expect(await guest.command(exerciseDisk(disk))).toBe(`${disk}\n${sha256(numbers)}  -`);
      }
      expect(await guest.command('sha256sum </dev/sr0')).toBe(`${sha256(disc)}  -`);

      expect(await guest.command('cat /sys/class/misc/hw_random/rng_current')).toBe('virtio_rng.0');
      const draw = 'dd if=/dev/hwrng bs=32 count=1 2>/dev/null | sha256sum';
      expect(await guest.command(draw)).not.toBe(await guest.command(draw));

      await guest.command('echo to the console >/dev/hvc0; echo to the port >$(ls /dev/vport*p1)');
      expect(written).toEqual({ c0: 'to the console\r\n', c1: 'to the port\n' });
      await guest.vm.chardevInput('c0', new TextEncoder().encode('from the console\n'));
      expect(await guest.command('head -n 1 </dev/hvc0')).toBe('from the console');

      expect(await guest.vm.monitor('info balloon')).toBe('balloon: actual=128\n');
      await guest.vm.monitor('balloon 96');
      await guest.command('sleep 2');
      expect(await guest.vm.monitor('info balloon')).toBe('balloon: actual=96\n');

      await guest.type('poweroff\n');
      expect(await guest.exit()).toMatchObject({ reason: 'guest-shutdown' });
    },
    TIMEOUT_MS,
  );
});
