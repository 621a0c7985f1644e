/** Small multiboot guests, assembled in the test, run by our machine and by native QEMU. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createNodeHost } from '../../src/cli/node-host.ts';
import type { VmEvent } from '../../src/vm/api.ts';
import { MachineVm } from '../../src/vm/machine-vm.ts';

const directory = mkdtempSync(join(tmpdir(), 'lockstep-guests-'));
const prelude = join(dirname(fileURLToPath(import.meta.url)), 'prelude.s');
const COMMON = ['-m', '16', '-display', 'none', '-no-reboot', '-device', 'isa-debug-exit,iobase=0xf4,iosize=4'];
/** Long enough for a guest that runs for ever to show that it does. */
const QEMU_TIMEOUT_MS = 20_000;
let guests = 0;

const has = (program: string): boolean => spawnSync(program, ['--version']).status === 0;
/** What is missing for these tests, if anything. */
export const missing = ['as', 'ld', 'qemu-system-i386'].find((program) => !has(program));

/**
 * The path of an ELF image: prelude.s, then this code, entered at `test`. It runs in flat 32-bit protected mode at
 * level 0 with interrupts off; exceptions and interrupts are logged. `ret` ends it.
 */
export function assemble(code: string): string {
  const name = join(directory, `guest${guests++}`);
  writeFileSync(`${name}.s`, `${readFileSync(prelude, 'utf8')}\n.text\ntest:\n${code}\n`);
  const assembled = spawnSync('as', ['--32', `${name}.s`, '-o', `${name}.o`], { encoding: 'utf8' });
  if (assembled.status !== 0) throw new Error(assembled.stderr);
  const linked = spawnSync('ld', ['-m', 'elf_i386', '-N', '-Ttext', '0x100000', `${name}.o`, '-o', `${name}.elf`], {
    encoding: 'utf8',
  });
  if (linked.status !== 0) throw new Error(linked.stderr);
  return `${name}.elf`;
}

/** What the guest logged in native QEMU. */
export function logOfQemu(image: string, ...args: string[]): string[] {
  const file = `${image}.log`;
  const options = ['-M', 'pc', '-accel', 'tcg', '-kernel', image, '-debugcon', `file:${file}`, '-serial', 'none'];
  const run = spawnSync('qemu-system-i386', [...options, '-monitor', 'none', '-nic', 'none', ...COMMON, ...args], {
    timeout: QEMU_TIMEOUT_MS,
  });
  if (run.status === null) throw new Error(`qemu-system-i386 did not end: ${run.error?.message}`);
  return readFileSync(file, 'latin1').split('\n');
}

export interface Outcome {
  /** Lines that the guest logged. */
  readonly log: readonly string[];
  /** Errors, warnings and notes for the person in front of the machine. */
  readonly messages: readonly string[];
  /** Status and reason of the end, or that it stopped on an error or never ends. */
  readonly end: string;
}

/** Runs a guest in our machine until it ends, stops, or halts for good. */
export async function runGuest(image: string, ...args: string[]): Promise<Outcome> {
  const vm = new MachineVm({ host: createNodeHost() });
  const messages: string[] = [];
  let log = '';
  let ended = (_how: string): void => {};
  const end = new Promise<string>((resolve) => {
    ended = resolve;
  });
  const onEvent = (event: VmEvent): void => {
    if (event.kind === 'chardev') log += Buffer.from(event.bytes).toString('latin1');
    if (event.kind === 'exit') ended(`${event.reason} ${event.code}`);
    if (event.kind === 'state' && event.state === 'internal-error') ended('internal-error');
    if (event.kind !== 'message') return;
    messages.push(`${event.level}: ${event.text}`);
    if (event.text.includes('only a reset can wake it')) ended('halted');
  };
  const debugcon = ['-chardev', 'file,id=log,path=log', '-device', 'isa-debugcon,iobase=0xe9,chardev=log'];
  const files = { image: readFileSync(image) };
  await vm.start({ args: ['-M', 'pc', '-kernel', 'image', ...debugcon, ...COMMON, ...args], files }, onEvent);
  const how = await end;
  await vm.quit();
  return { log: log.split('\n'), messages, end: how };
}
