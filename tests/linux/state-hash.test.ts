/** The key promise: one history, bit for bit, whatever engine runs it. */
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { hasLinux, LinuxGuest, linuxFiles, TIMEOUT_MS } from './guest.ts';
import { runHistory } from './history.ts';

describe.skipIf(!hasLinux)('Debian i386 on pc with 40 MB, from power-on through a command at the prompt', () => {
  test(
    'has the same state hash at the same instruction counts in JIT and interpreter; then it powers off',
    async () => {
      const compiled = new LinuxGuest();
      const first = await runHistory(compiled.vm, linuxFiles(), ['-accel', 'tcg,engine=jit'], compiled.hear);
      expect(first.output).toContain('\n3.14286\r\n');
      expect(first.output).toContain(createHash('sha256').update('42\n').digest('hex'));
      // The machine that was stopped so often goes on as if nothing had been.
      await compiled.vm.resume();
      await compiled.preparePrompt();
      expect(await compiled.command('echo $((6*7)) again')).toBe('42 again');
      await compiled.type('poweroff\n');
      expect(await compiled.exit()).toEqual({ kind: 'exit', code: 0, reason: 'guest-shutdown' });

      const interpreted = new LinuxGuest();
      const second = await runHistory(interpreted.vm, linuxFiles(), ['-accel', 'tcg,engine=interp']);
      await interpreted.vm.quit();
      expect(second.checkpoints).toEqual(first.checkpoints);
      expect(second.output).toBe(first.output);
    },
    2 * TIMEOUT_MS,
  );
});
