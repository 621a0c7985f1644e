/** The machine with Debian's own kernel and busybox, as `npm run roms` fetches them. */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { createNodeHost } from '../cli/node-host.ts';
import type { VmEvent } from './api.ts';
import { MachineVm } from './machine-vm.ts';

const ROMS = new URL('../../roms/out/', import.meta.url);
const KERNEL = new URL('vmlinuz-i386', ROMS);
const INITRD = new URL('initramfs-i386.cpio.gz', ROMS);
const TIMEOUT_MS = 240_000;
/** The crypto self-tests take six times as long as the rest of the boot. */
const COMMAND_LINE = 'console=ttyS0 panic=-1 cryptomgr.notests';

/** A machine on whose serial line one can wait for a text. */
async function boot(...args: string[]) {
  let output = '';
  let arrived = (): void => {};
  const host = createNodeHost();
  const vm = new MachineVm({ host });
  let exit: Extract<VmEvent, { kind: 'exit' }> | undefined;
  const decoder = new TextDecoder('latin1');
  const files = { vmlinuz: readFileSync(KERNEL), initrd: readFileSync(INITRD) };
  const common = ['-kernel', 'vmlinuz', '-append', COMMAND_LINE, '-nographic', '-no-reboot'];
  await vm.start({ args: [...common, '-icount', 'shift=2,sleep=off', ...args], files }, (event) => {
    if (event.kind === 'serial') output += decoder.decode(event.bytes);
    if (event.kind === 'exit') exit = event;
    arrived();
  });
  const until = async <T>(look: () => T | undefined): Promise<T> => {
    for (;;) {
      const found = look();
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => {
        arrived = resolve;
      });
    }
  };
  return {
    vm,
    get output() {
      return output;
    },
    /** Waits for a text, or for the end of the machine, which then is the failure's message. */
    async see(text: string): Promise<void> {
      await until(() => (output.includes(text) || exit !== undefined ? true : undefined));
      expect(output).toContain(text);
    },
    type: (text: string) => vm.serialInput(0, new TextEncoder().encode(text)),
    exit: () => until(() => exit),
  };
}

describe.skipIf(!existsSync(KERNEL) || !existsSync(INITRD))('Debian i386', () => {
  test.each([[['-M', 'pc', '-m', '256', '-cpu', 'pentium2']], [['-M', 'isapc', '-m', '40', '-cpu', 'pentium2']]])(
    '%j boots to the shell, runs commands',
    async (args) => {
      const guest = await boot(...args, '-initrd', 'initrd');
      await guest.see('\n/ # ');
      await guest.type('echo $((6*7)) is the answer\n');
      await guest.see('\n42 is the answer');
      // A board without ACPI halts after "Power down"; a reset ends it under -no-reboot.
      await guest.type(args.includes('isapc') ? 'reboot -f\n' : 'poweroff\n');
      const reason = args.includes('isapc') ? 'guest-reset' : 'guest-shutdown';
      expect(await guest.exit()).toEqual({ kind: 'exit', code: 0, reason });
    },
    TIMEOUT_MS,
  );

  test(
    'without an initrd panics, and the reset that follows ends the machine',
    async () => {
      const guest = await boot('-m', '64', '-cpu', 'pentium2');
      expect(await guest.exit()).toMatchObject({ code: 0, reason: 'guest-reset' });
      expect(guest.output).toContain('Kernel panic - not syncing: VFS: Unable to mount root fs');
    },
    TIMEOUT_MS,
  );
});
