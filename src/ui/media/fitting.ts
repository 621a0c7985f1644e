/** The machine that fits what was brought: one click away from running. */
import {
  type DriveSlot,
  type DriveSpec,
  defaultSpec,
  type FileRef,
  type MachineSpec,
} from '../library/machine-spec.ts';
import type { FileRole } from '../library/records.ts';

export interface Brought {
  readonly name: string;
  readonly role: FileRole;
  readonly file: FileRef;
}

const places: Readonly<Record<'floppy' | 'disk' | 'cdrom', readonly DriveSlot[]>> = {
  floppy: ['fda', 'fdb'],
  disk: ['hda', 'hdb', 'hdd'],
  cdrom: ['hdc', 'hdd', 'hdb'],
};

/** Memory that is plenty for what usually comes on such a medium, MiB. */
const memory: Readonly<Record<FileRole, number>> = {
  floppy: 64,
  bios: 64,
  kernel: 256,
  initrd: 256,
  disk: 256,
  cdrom: 512,
};

/** What does not fit any more (a second kernel, a third floppy) is left out: its names are in `left`. */
export function fittingSpec(brought: readonly Brought[]): {
  readonly spec: MachineSpec;
  readonly left: readonly string[];
} {
  const drives: DriveSpec[] = [];
  const single: { kernel?: FileRef; initrd?: FileRef; bios?: FileRef } = {};
  const left: string[] = [];
  for (const { name, role, file } of brought) {
    if (role === 'kernel' || role === 'initrd' || role === 'bios') {
      if (single[role] === undefined) single[role] = file;
      else left.push(name);
      continue;
    }
    const slot = places[role].find((place) => drives.every((drive) => drive.slot !== place));
    if (slot === undefined) left.push(name);
    else drives.push({ slot, media: role, file });
  }
  const spec: MachineSpec = {
    ...defaultSpec,
    ramMiB: Math.max(defaultSpec.ramMiB / 2, ...brought.map(({ role }) => memory[role])),
    ...single,
    drives,
    // A Linux kernel speaks on the serial line if it is told to; all else expects a screen.
    ...(single.kernel && { cpu: 'pentium2', append: 'console=ttyS0', display: 'serial' as const }),
    bootOrder: single.kernel ? '' : bootOrderOf(drives),
  };
  return { spec, left };
}

/** A floppy or a CD that somebody brings is to be started, else they would have left it out. */
function bootOrderOf(drives: readonly DriveSpec[]): string {
  if (drives.some(({ media }) => media === 'floppy')) return 'a';
  return drives.some(({ media }) => media === 'cdrom') ? 'd' : '';
}
