/** SeaBIOS boots GRUB's rescue media from each controller. */
import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createNodeHost } from '../../src/cli/node-host.ts';
import { MachineVm } from '../../src/vm/machine-vm.ts';

const OUT = new URL('../../roms/out/', import.meta.url);
const FILES = ['bios.bin', 'bios-256k.bin', 'grub-rescue-floppy.img', 'grub-rescue-cdrom.iso'] as const;
const isThere = FILES.every((name) => existsSync(new URL(name, OUT)));

const CD = ['-cdrom', 'grub-rescue-cdrom.iso', '-boot', 'd'];
const HD = ['-drive', 'file=grub-rescue-cdrom.iso,format=raw'];
const FLOPPY = ['-drive', 'if=floppy,file=grub-rescue-floppy.img,format=raw', '-boot', 'a'];
const NVME = [
  '-drive',
  'if=none,id=n,file=grub-rescue-cdrom.iso,format=raw',
  '-device',
  'nvme,drive=n,serial=one,bootindex=0',
];

test.skipIf(!isThere).each([
  ['a floppy', ['-M', 'pc', ...FLOPPY], 'Booting from Floppy'],
  ['a CD behind IDE', ['-M', 'pc', ...CD], 'Booting from DVD/CD'],
  ['a disk behind IDE', ['-M', 'isapc', ...HD], 'Booting from Hard Disk'],
  ['a CD behind AHCI', ['-M', 'q35', ...CD], 'Booting from DVD/CD'],
  ['a disk behind NVMe', ['-M', 'pc', ...NVME], 'Booting from Hard Disk'],
])(
  'GRUB shows its menu from %s',
  async (_from, args, message) => {
    const vm = new MachineVm({ host: createNodeHost() });
    const files = Object.fromEntries(FILES.map((name) => [name, readFileSync(new URL(name, OUT))]));
    let output = '';
    const menu = Promise.withResolvers<void>();
    await vm.start({ args: ['-m', '32', '-nographic', '-vga', 'none', ...args], files }, (event) => {
      if (event.kind === 'serial') output += Buffer.from(event.bytes).toString('latin1');
      if (event.kind === 'exit') menu.reject(new Error(`the machine ended:\n${output}`));
      if (output.includes('Press enter to boot')) menu.resolve();
    });
    await menu.promise;
    expect(output).toContain(message);
    await vm.quit();
  },
  120_000,
);
