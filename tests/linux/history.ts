/**
 * One history of a machine, looked at from several sides: Debian's kernel from power-on to the prompt and through a
 * command, with the state's hash at exact instruction counts. Whoever runs it (interpreter or JIT, Node or a browser)
 * has to come to the same list. Nothing of a host is needed here, so that a page can import it.
 */
import type { VmEvent, VmOptions } from '../../src/vm/api.ts';
import type { RemoteVm } from '../../src/vm/remote-vm.ts';

/** What init's shell shows when it waits for a command. */
export const PROMPT = '/ # ';
/**
 * Options of a machine whose history does not depend on the host: its time is its instruction count, and the date at
 * power-on is fixed. The kernel leaves out the self-tests of its ciphers, which would take longer than all the rest.
 */
export const DETERMINISTIC: readonly string[] = [
  ...['-kernel', 'vmlinuz', '-append', 'console=ttyS0 panic=-1 cryptomgr.notests', '-nographic', '-no-reboot'],
  ...['-icount', 'shift=3,sleep=off', '-rtc', 'base=2020-01-01T12:00:00'],
];

/** Looked at on the way: in the kernel's own decompressor, and later. */
const FIRST_COUNTS = [1e6, 3e8, 1e9, 2e9];
/** From there on in these steps, until the prompt is there. */
const STEP = 1e8;
/** A kernel that has not booted by then hangs. */
const LAST_COUNT = 8e9;
/** Typed at the prompt, while the machine is paused: so it arrives at an exact count. */
const COMMAND = "awk 'BEGIN { print 22 / 7 }'; echo $((6*7)) | sha256sum\n";
const COMMAND_STEPS = 2;

export interface Checkpoint {
  readonly instructions: number;
  readonly hash: string;
}
export interface History {
  readonly checkpoints: readonly Checkpoint[];
  /** All that the guest wrote to its serial port up to the last of them. */
  readonly output: string;
}

/** Runs a machine through the history, and leaves it paused at the end. */
export async function runHistory(
  vm: Pick<RemoteVm, 'start' | 'pauseAt' | 'stateHash' | 'serialInput'>,
  files: VmOptions['files'],
  args: readonly string[],
  onEvent: (event: VmEvent) => void = () => {},
): Promise<History> {
  const checkpoints: Checkpoint[] = [];
  const decoder = new TextDecoder('latin1');
  let output = '';
  let at = 0;
  const goOn = async (to: number): Promise<void> => {
    at = to;
    await vm.pauseAt(at);
    checkpoints.push(await vm.stateHash());
  };
  const machine = ['-S', '-M', 'pc', '-m', '40', '-initrd', 'initrd', ...DETERMINISTIC, ...args];
  await vm.start({ args: machine, files }, (event) => {
    if (event.kind === 'serial') output += decoder.decode(event.bytes);
    onEvent(event);
  });
  for (const count of FIRST_COUNTS) await goOn(count);
  while (!output.includes(`\n${PROMPT}`)) {
    if (at >= LAST_COUNT) throw new Error(`no prompt after ${at} instructions:\n${output.slice(-2000)}`);
    await goOn(at + STEP);
  }
  await vm.serialInput(0, new TextEncoder().encode(COMMAND));
  for (let i = 0; i < COMMAND_STEPS; i++) await goOn(at + STEP);
  return { checkpoints, output };
}
