/** The command line of lockstep-system-i386 that a choice on the start screen stands for. */
import type { MachineCard } from './machines.ts';

export interface MachineChoice {
  readonly card: MachineCard;
  readonly ramMiB: number;
  /** The kernel's command line. */
  readonly append: string;
  /** Names of the files; no initrd is a choice too, no kernel is an unfinished one. */
  readonly kernelName: string | undefined;
  readonly initrdName: string | undefined;
}

const PROGRAM = 'lockstep-system-i386';

/** QEMU's arguments, without the program's name. */
export function argumentsOf({ card, ramMiB, append, kernelName, initrdName }: MachineChoice): readonly string[] {
  const args = ['-M', card.board, '-cpu', card.cpu, '-m', String(ramMiB)];
  if (kernelName !== undefined) {
    args.push('-kernel', kernelName);
    if (initrdName !== undefined) args.push('-initrd', initrdName);
    if (append !== '') args.push('-append', append);
  }
  args.push('-nographic');
  return args;
}

/** The same as one would type it into a POSIX shell. */
export function shellText(args: readonly string[]): string {
  return [PROGRAM, ...args].map(quoted).join(' ');
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
