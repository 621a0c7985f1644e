/** Debian's kernel boots to a shell on each board, at both ends of the RAM sizes, and works there. */
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { hasLinux, LinuxGuest, TIMEOUT_MS } from './guest.ts';
import { PROMPT } from './history.ts';

interface Row {
  readonly machine: string;
  readonly mebibytes: number;
  readonly args: readonly string[];
}
const ROWS: readonly Row[] = [
  { machine: 'pc', mebibytes: 256, args: [] },
  { machine: 'isapc', mebibytes: 40, args: ['-cpu', 'pentium2'] },
];

describe.skipIf(!hasLinux)('Debian i386', () => {
  test.each(ROWS)(
    'on $machine with $mebibytes MB boots to the shell, computes, reads /proc, and ends the machine',
    async ({ machine, mebibytes, args }) => {
      const guest = await LinuxGuest.start('-M', machine, '-m', String(mebibytes), '-initrd', 'initrd', ...args);
      await guest.see(`\n${PROMPT}`);
      await guest.preparePrompt();

      expect(await guest.command('echo $((6*7)) is the answer')).toBe('42 is the answer');
      const info = await guest.command('cat /proc/cpuinfo');
      expect(info).toMatch(/^vendor_id\t: GenuineIntel$/m);
      expect(info).toMatch(/^flags\t\t: fpu .*\bcmov\b/m);
      const total = Number(/MemTotal: +(\d+) kB/.exec(await guest.command('grep MemTotal /proc/meminfo'))?.[1]);
      expect(total).toBeLessThan(mebibytes * 1024);
      expect(total).toBeGreaterThan((mebibytes - 32) * 1024);
      expect((await guest.command('ls /')).split(/\s+/)).toEqual(
        expect.arrayContaining(['bin', 'dev', 'init', 'proc']),
      );

      // The same numbers from the host: integer, memory and x87 work at length.
      const text = Array.from({ length: 20_000 }, (_, i) => `${i + 1}\n`).join('');
      const hash = createHash('sha256').update(text).digest('hex');
      expect(await guest.command('seq 20000 | sha256sum')).toBe(`${hash}  -`);
      let sum = 0;
      for (let i = 1; i <= 5000; i++) sum += (i * 1.1) / (3 + (i % 7)) - 1 / i;
      const awk = `awk 'BEGIN { for (i = 1; i <= 5000; i++) s += i * 1.1 / (3 + i % 7) - 1 / i; printf "%.6f\\n", s }'`;
      expect(await guest.command(awk)).toBe(sum.toFixed(6));
      expect(await guest.command('sleep 1; seq 3 | while read n; do (echo "child $n"); done')).toBe(
        'child 1\nchild 2\nchild 3',
      );

      // A board without ACPI halts after "Power down"; a reset ends it under -no-reboot.
      const hasPowerOff = machine === 'pc';
      await guest.type(hasPowerOff ? 'poweroff\n' : 'reboot -f\n');
      const reason = hasPowerOff ? 'guest-shutdown' : 'guest-reset';
      expect(await guest.exit()).toEqual({ kind: 'exit', code: 0, reason });
    },
    TIMEOUT_MS,
  );

  test(
    'without an initrd panics, says so, and the reset that follows ends the machine',
    async () => {
      const guest = await LinuxGuest.start('-M', 'pc', '-m', '64');
      expect(await guest.exit()).toMatchObject({ code: 0, reason: 'guest-reset' });
      expect(guest.output).toContain('Kernel panic - not syncing: VFS: Unable to mount root fs');
    },
    TIMEOUT_MS,
  );
});
