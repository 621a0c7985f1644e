/** Options that put images into drives. */
import { type DrivePreset, parseDrive } from './drive-options.ts';
import type { OptionRow } from './option-row.ts';

/** An option whose argument is a file's name, as it is. */
const imageRow = (name: string, help: string, preset: Omit<DrivePreset, 'file'>): OptionRow => ({
  names: [name],
  argument: true,
  group: 'Block device',
  usage: `-${name} file`,
  help,
  apply: (draft, argument) => void draft.drives.push(parseDrive('', { ...preset, file: argument })),
});

/** The file's name alone is the first hard disk. */
export const FIRST_DISK: DrivePreset = { index: 0 };

export const driveRows: readonly OptionRow[] = [
  imageRow('fda', "use 'file' as floppy disk 0 image", { interface: 'floppy', index: 0 }),
  imageRow('fdb', "use 'file' as floppy disk 1 image", { interface: 'floppy', index: 1 }),
  imageRow('hda', "use 'file' as hard disk 0 image", FIRST_DISK),
  imageRow('hdb', "use 'file' as hard disk 1 image", { index: 1 }),
  imageRow('hdc', "use 'file' as hard disk 2 image", { index: 2 }),
  imageRow('hdd', "use 'file' as hard disk 3 image", { index: 3 }),
  imageRow('pflash', "use 'file' as a parallel flash image, for the firmware", { interface: 'pflash' }),
  imageRow('cdrom', "use 'file' as CD-ROM image", { index: 2, media: 'cdrom' }),
  {
    names: ['drive'],
    argument: true,
    group: 'Block device',
    usage:
      '-drive [file=file][,if=ide|scsi|floppy|pflash|virtio|none][,bus=n][,unit=m][,index=i]\n' +
      '       [,media=disk|cdrom][,format=f][,id=name][,readonly=on|off][,snapshot=on|off]\n' +
      '       [,serial=s][,cache=writethrough|writeback|none|directsync|unsafe]\n' +
      '       [,werror=ignore|stop|report|enospc|auto][,rerror=ignore|stop|report|auto]\n' +
      '       [,discard=ignore|unmap][[,bps=b]|[[,bps_rd=r][,bps_wr=w]]]\n' +
      '       [[,iops=i]|[[,iops_rd=r][,iops_wr=w]]]',
    help: "use 'file' as a drive image",
    apply: (draft, argument) => void draft.drives.push(parseDrive(argument)),
  },
  {
    names: ['snapshot'],
    argument: false,
    group: 'Block device',
    usage: '-snapshot',
    help: 'write to temporary images instead of disk image files',
    apply: ({ options }) => void (options.snapshot = true),
  },
];
