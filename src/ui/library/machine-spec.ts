/** A machine as the page keeps it: choices with names of their own, from which QEMU's command line follows. */

/** Where a file of a machine comes from: the server's roms/, or what is stored in this browser. */
export type FileRef = { readonly kind: 'rom'; readonly name: string } | { readonly kind: 'disk'; readonly id: string };

/** Where a medium sits. The places of IDE are QEMU's: hda and hdb on the first cable, hdc and hdd on the second. */
export const driveSlots = ['fda', 'fdb', 'hda', 'hdb', 'hdc', 'hdd', 'vda', 'vdb'] as const;
export type DriveSlot = (typeof driveSlots)[number];

export interface DriveSpec {
  readonly slot: DriveSlot;
  readonly media: 'disk' | 'cdrom' | 'floppy';
  /** Absent: the drive is empty. */
  readonly file?: FileRef;
}

export const displays = ['serial', 'std', 'cirrus'] as const;

export interface MachineSpec {
  /** -M */
  readonly board: string;
  /** -cpu; empty: what the board comes with. */
  readonly cpu: string;
  readonly ramMiB: number;
  readonly kernel?: FileRef;
  readonly initrd?: FileRef;
  /** The kernel's command line. */
  readonly append: string;
  /** Firmware of one's own. */
  readonly bios?: FileRef;
  readonly drives: readonly DriveSpec[];
  /** The serial console alone, or an adapter of -vga. */
  readonly display: (typeof displays)[number];
  /** -boot order=: letters; empty: the firmware's own. */
  readonly bootOrder: string;
  readonly bootMenu: boolean;
  /** More arguments, as typed into a shell. */
  readonly extra: string;
}

export const defaultSpec: MachineSpec = {
  board: 'pc',
  cpu: '',
  ramMiB: 128,
  append: '',
  drives: [],
  display: 'std',
  bootOrder: '',
  bootMenu: false,
  extra: '',
};

/** A file by the name that the command line uses, and its format where that is known. */
export interface NamedFile {
  readonly name: string;
  readonly format: string;
}

/** QEMU's arguments, without the program's name. `lookup` is asked for every file. */
export function argumentsOf(spec: MachineSpec, lookup: (file: FileRef) => NamedFile): readonly string[] {
  const args = ['-M', spec.board];
  const add = (...more: readonly string[]): void => void args.push(...more);
  if (spec.cpu !== '') add('-cpu', spec.cpu);
  add('-m', String(spec.ramMiB));
  if (spec.bios) add('-bios', lookup(spec.bios).name);
  if (spec.kernel) {
    add('-kernel', lookup(spec.kernel).name);
    if (spec.initrd) add('-initrd', lookup(spec.initrd).name);
    if (spec.append !== '') add('-append', spec.append);
  }
  for (const drive of spec.drives) add('-drive', driveText(drive, lookup));
  const boot = [...(spec.bootOrder === '' ? [] : [`order=${spec.bootOrder}`]), ...(spec.bootMenu ? ['menu=on'] : [])];
  if (boot.length > 0) add('-boot', boot.join(','));
  if (spec.display === 'serial') add('-nographic');
  else if (spec.display !== 'std') add('-vga', spec.display);
  add(...wordsOf(spec.extra));
  return args;
}

function driveText({ slot, media, file }: DriveSpec, lookup: (file: FileRef) => NamedFile): string {
  const index = slot.charCodeAt(2) - 'a'.charCodeAt(0);
  const bus = slot.startsWith('fd') ? 'floppy' : slot.startsWith('vd') ? 'virtio' : 'ide';
  const parts = [`if=${bus}`, `index=${index}`];
  if (media === 'cdrom') parts.push('media=cdrom');
  if (file) {
    const { name, format } = lookup(file);
    parts.push(`format=${format}`, `file=${name.replaceAll(',', ',,')}`); // QEMU: a comma in a value is written twice
  }
  return parts.join(',');
}

/** Splits as a POSIX shell does: blanks, quotes, backslashes. A quote that is left open ends with the text. */
export function wordsOf(text: string): readonly string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let at = 0; at < text.length; at++) {
    const character = text[at]!;
    if (quote === "'" ? character !== "'" : character === '\\' && at + 1 < text.length) {
      word = (word ?? '') + (quote === "'" ? character : text[++at]!);
    } else if (quote !== '') {
      if (character === quote) quote = '';
      else word = (word ?? '') + character;
    } else if (character === "'" || character === '"') {
      quote = character;
      word ??= '';
    } else if (/\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? '') + character;
  }
  if (word !== undefined) words.push(word);
  return words;
}

/** Every file that the machine refers to. */
export function filesOf(spec: MachineSpec): readonly FileRef[] {
  const files = [spec.bios, spec.kernel, spec.initrd, ...spec.drives.map(({ file }) => file)];
  return files.filter((file) => file !== undefined);
}

/** What a command for a terminal calls the program. */
const PROGRAM = 'lockstep-system-i386';

/** The arguments as one would type them into a POSIX shell. */
export function shellText(args: readonly string[]): string {
  return [PROGRAM, ...args].map(quoted).join(' ');
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
