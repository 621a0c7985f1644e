/** The default guest's root file system: busybox, a console and our /init. Applet links are made at boot. */
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { type CpioEntry, cpioArchive } from './cpio.ts';

const DIRECTORIES = ['bin', 'sbin', 'usr', 'usr/bin', 'usr/sbin', 'dev', 'etc', 'proc', 'sys', 'root', 'run', 'tmp'];

/** cttyhack opens the tty behind /dev/console (ttyS0, tty1), so that the shell has job control. */
const INITTAB = `::respawn:/bin/cttyhack /bin/sh -l
::ctrlaltdel:/sbin/reboot
`;

const PROFILE = `export HOME=/root PATH=/bin:/sbin:/usr/bin:/usr/sbin
`;

const text = (s: string) => new TextEncoder().encode(s);

/** What lies in the root file system; `busybox` is the statically linked program of the guest's architecture. */
export function initramfsEntries(busybox: Uint8Array): CpioEntry[] {
  const init = readFileSync(new URL('init.sh', import.meta.url));
  return [
    ...DIRECTORIES.map((path): CpioEntry => ({ kind: 'directory', path, ...(path === 'tmp' ? { mode: 0o1777 } : {}) })),
    { kind: 'char', path: 'dev/console', major: 5, minor: 1 }, // the kernel opens it for init before devtmpfs is there
    { kind: 'char', path: 'dev/null', major: 1, minor: 3, mode: 0o666 },
    { kind: 'file', path: 'bin/busybox', mode: 0o755, data: busybox },
    { kind: 'file', path: 'init', mode: 0o755, data: init },
    { kind: 'file', path: 'etc/inittab', data: text(INITTAB) },
    { kind: 'file', path: 'etc/profile', data: text(PROFILE) },
    { kind: 'file', path: 'etc/passwd', data: text('root::0:0:root:/root:/bin/sh\n') },
    { kind: 'file', path: 'etc/group', data: text('root:x:0:\n') },
  ];
}

/** The gzip-compressed initramfs; equal inputs give equal bytes. */
export function initramfs(busybox: Uint8Array): Uint8Array {
  return gzipSync(cpioArchive(initramfsEntries(busybox)), { level: 9 });
}
