/** The default guest's root file system with drivers that its kernel has as modules. */
import { existsSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { type CpioEntry, cpioArchive } from '../../roms/cpio.ts';

const OUT = new URL('../../roms/out/', import.meta.url);

export const hasGuest = (modules: readonly string[]): boolean =>
  ['vmlinuz-i386', 'initramfs-i386.cpio.gz', ...modules].every((name) => existsSync(new URL(name, OUT)));

export const kernel = (): Uint8Array => readFileSync(new URL('vmlinuz-i386', OUT));

/** `sh /modules/load` loads the drivers, in order. Several archives one after the other are one root file system to Linux. */
export function initrdWith(modules: readonly string[]): Uint8Array {
  const files = modules.map((name) => ({
    name: name.split('/').at(-1) ?? name,
    data: readFileSync(new URL(name, OUT)),
  }));
  const load = files.map(({ name }) => `insmod /modules/${name} || echo "no ${name}"\n`).join('');
  const entries: CpioEntry[] = [
    { kind: 'directory', path: 'modules' },
    ...files.map(({ name, data }): CpioEntry => ({ kind: 'file', path: `modules/${name}`, data })),
    { kind: 'file', path: 'modules/load', data: new TextEncoder().encode(load) },
  ];
  return Buffer.concat([readFileSync(new URL('initramfs-i386.cpio.gz', OUT)), gzipSync(cpioArchive(entries))]);
}
