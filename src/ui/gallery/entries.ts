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
  {
    id: 'memtest',
    title: 'Memtest86+',
    summary: 'Tests every byte of the machine’s memory, pattern by pattern.',
    advice: 'F1 changes what it tests. A pass over 32 MiB takes a few minutes.',
    spec: { ...defaultSpec, ramMiB: 32, kernel: { kind: 'rom', name: 'memtest86+ia32.bin' } },
  },
  {
    id: 'grub-floppy',
    title: 'GRUB rescue floppy',
    summary: 'SeaBIOS starts GRUB from a 1.44 MB floppy disk.',
    advice: 'A shell of its own: try help, ls and lspci.',
    spec: {
      ...defaultSpec,
      ramMiB: 64,
      drives: [{ slot: 'fda', media: 'floppy', file: { kind: 'rom', name: 'grub-rescue-floppy.img' } }],
      bootOrder: 'a',
    },
  },
  {
    id: 'grub-cd',
    title: 'GRUB rescue CD',
    summary: 'The same from a CD in an IDE drive.',
    advice: 'ls (cd) shows what is on it.',
    spec: {
      ...defaultSpec,
      ramMiB: 64,
      drives: [{ slot: 'hdc', media: 'cdrom', file: { kind: 'rom', name: 'grub-rescue-cdrom.iso' } }],
      bootOrder: 'd',
    },
  },
  {
    id: 'invaders',
    title: 'GRUB Invaders',
    summary: 'A game in 7 KB that needs no operating system: a multiboot kernel.',
    advice: 'Arrow keys move, Space shoots.',
    spec: { ...defaultSpec, ramMiB: 32, kernel: { kind: 'rom', name: 'invaders.exec' } },
  },
  {
    id: 'ipxe',
    title: 'iPXE',
    summary: 'The network boot loader. There is no network card yet, so it ends at its shell.',
    advice: 'Ctrl+B for its command line; help lists the commands.',
    spec: { ...defaultSpec, ramMiB: 64, kernel: { kind: 'rom', name: 'ipxe.lkrn' } },
  },
  {
    id: 'debian-installer',
    title: 'Debian installer',
    summary: 'Debian 12’s text installer on the serial console, up to where it wants a network.',
    advice: 'Its package is 100 MB: npm run roms -- --all fetches it for the server.',
    spec: {
      ...defaultSpec,
      cpu: 'pentium2',
      ramMiB: 512,
      kernel: { kind: 'rom', name: 'debian-installer-linux' },
      initrd: { kind: 'rom', name: 'debian-installer-initrd.gz' },
      append: 'console=ttyS0 cryptomgr.notests',
      display: 'serial',
    },
  },
];
