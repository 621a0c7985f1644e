/** The machines that are ready to run: data, no code. Their files come from roms/. */
import { defaultSpec, type MachineSpec } from '../library/machine-spec.ts';

export interface GalleryEntry {
  readonly id: string;
  readonly title: string;
  readonly summary: string;
  /** What to do once it runs. */
  readonly advice: string;
  readonly spec: MachineSpec;
}

const linux: MachineSpec = {
  ...defaultSpec,
  cpu: 'pentium2',
  kernel: { kind: 'rom', name: 'vmlinuz-i386' },
  initrd: { kind: 'rom', name: 'initramfs-i386.cpio.gz' },
  // Debian's kernel tests each of its ciphers at every start, which would take most of the time it needs.
  append: 'console=ttyS0 cryptomgr.notests',
  display: 'serial',
};

export const galleryEntries: readonly [GalleryEntry, ...GalleryEntry[]] = [
  {
    id: 'linux-pc',
    title: 'Linux 6.1 i386',
    summary: 'Debian’s kernel and a busybox shell on a PC with PCI.',
    advice: 'A root shell on the serial console, in seconds.',
    spec: linux,
  },
  {
    id: 'linux-isapc',
    title: 'Linux 6.1 i386, ISA only',
    summary: 'The same system on a PC of the years before PCI.',
    advice: 'For the curious: look at what the kernel finds missing.',
    spec: { ...linux, board: 'isapc' },
  },
];
