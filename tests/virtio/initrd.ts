/** The default guest's root file system with the kernel's drivers for virtio devices and a judge of file systems. */
import { existsSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { type CpioEntry, cpioArchive } from '../../roms/cpio.ts';
import { MODULE_FILES } from '../../roms/manifest.ts';

const OUT = new URL('../../roms/out/', import.meta.url);
const at = (name: string) => new URL(name, OUT);

export const hasVirtioGuest = ['vmlinuz-i386', 'initramfs-i386.cpio.gz', 'e2fsck-i386', ...MODULE_FILES].every((name) =>
  existsSync(at(name)),
);

/** What the guest runs first: the drivers, in order. */
const LOAD = `for m in $(cat /modules/order); do insmod /modules/$m || echo "no $m"; done
mkdir -p /mnt
`;

/** Several archives one after the other are one root file system to Linux. */
export function virtioInitrd(): Uint8Array {
  const files = MODULE_FILES.map((name) => ({ name: name.split('/').at(-1) as string, data: readFileSync(at(name)) }));
  const text = (s: string) => new TextEncoder().encode(s);
  const entries: CpioEntry[] = [
    { kind: 'directory', path: 'modules' },
    ...files.map(({ name, data }): CpioEntry => ({ kind: 'file', path: `modules/${name}`, data })),
    { kind: 'file', path: 'modules/order', data: text(files.map(({ name }) => `${name}\n`).join('')) },
    { kind: 'file', path: 'modules/load', data: text(LOAD) },
    { kind: 'file', path: 'bin/e2fsck', mode: 0o755, data: readFileSync(at('e2fsck-i386')) },
  ];
  return Buffer.concat([readFileSync(at('initramfs-i386.cpio.gz')), gzipSync(cpioArchive(entries))]);
}
