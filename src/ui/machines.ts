/** The machines that the start screen offers: data, no code. */

export type CardId = 'linux-pc' | 'linux-isapc' | 'own';

/** A kernel of roms/out with its root file system. */
export interface DefaultGuest {
  readonly kernel: string;
  readonly initrd: string;
}

export interface MachineCard {
  readonly id: CardId;
  readonly title: string;
  readonly summary: string;
  /** What -M and -cpu name. */
  readonly board: 'pc' | 'isapc';
  readonly cpu: string;
  /** What the machine is made of, as label and value. */
  readonly parts: readonly (readonly [label: string, value: string])[];
  /** Absent: the person brings the files. */
  readonly guest?: DefaultGuest;
  readonly append: string;
}

const debian: DefaultGuest = { kernel: 'vmlinuz-i386', initrd: 'initramfs-i386.cpio.gz' };
/** Debian's kernel tests each of its ciphers at every start, which would take most of the time it needs. */
const debianAppend = 'console=ttyS0 cryptomgr.notests';

export const machineCards: readonly [MachineCard, ...MachineCard[]] = [
  {
    id: 'linux-pc',
    title: 'Linux 6.1 i386',
    summary: 'Debian’s kernel and a busybox shell on a PC with PCI.',
    board: 'pc',
    cpu: 'pentium2',
    parts: [
      ['Board', 'pc: i440FX, PIIX3'],
      ['Processor', 'Pentium II'],
      ['Console', 'ttyS0'],
    ],
    guest: debian,
    append: debianAppend,
  },
  {
    id: 'linux-isapc',
    title: 'Linux 6.1 i386, ISA only',
    summary: 'The same system on a PC of the years before PCI.',
    board: 'isapc',
    cpu: 'pentium2',
    parts: [
      ['Board', 'isapc: ISA bus'],
      ['Processor', 'Pentium II'],
      ['Console', 'ttyS0'],
    ],
    guest: debian,
    append: debianAppend,
  },
  {
    id: 'own',
    title: 'Your own kernel',
    summary: 'A Linux bzImage or a multiboot kernel from your disk. The files stay in this tab.',
    board: 'pc',
    cpu: 'pentium2',
    parts: [
      ['Board', 'pc: i440FX, PIIX3'],
      ['Processor', 'Pentium II'],
      ['Takes', 'bzImage, multiboot 1'],
    ],
    append: 'console=ttyS0',
  },
];

/** Guest memory to choose from, MiB. */
export const ramChoices: readonly number[] = [64, 128, 256, 512, 1024];

export const cardById = (id: CardId): MachineCard => machineCards.find((card) => card.id === id) ?? machineCards[0];
