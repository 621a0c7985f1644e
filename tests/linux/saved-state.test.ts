/** A machine that is saved in the middle of a boot goes on elsewhere as if nothing had been. */
import { describe, expect, test } from 'vitest';
import { hasLinux, LinuxGuest, TIMEOUT_MS } from './guest.ts';

const MACHINE = ['-S', '-M', 'pc', '-m', '40', '-initrd', 'initrd'];
/** The kernel unpacks itself; its drivers start; init runs. */
const SAVED_AT = [2e8, 2.2e9];
const FURTHER = 2e8;

describe.skipIf(!hasLinux)('a saved state', () => {
  test(
    'continues in another machine, in another engine, with the same hashes and the same output',
    async () => {
      const first = await LinuxGuest.start(...MACHINE, '-accel', 'tcg,engine=jit');
      for (const count of SAVED_AT) {
        await first.vm.pauseAt(count);
        const saved = await first.vm.saveState();
        const here = await first.vm.stateHash();

        const second = await LinuxGuest.start(...MACHINE, '-accel', 'tcg,engine=interp');
        await second.vm.loadState(saved);
        expect(await second.vm.stateHash()).toEqual(here);
        expect(Buffer.compare(await second.vm.saveState(), saved)).toBe(0);

        const written = first.output.length;
        await first.vm.pauseAt(count + FURTHER);
        await second.vm.pauseAt(count + FURTHER);
        expect(await second.vm.stateHash()).toEqual(await first.vm.stateHash());
        expect(second.output === first.output.slice(written)).toBe(true);
        await second.vm.quit();
      }
      await first.vm.quit();
    },
    TIMEOUT_MS,
  );

  test(
    'takes a running machine back, as often as one likes',
    async () => {
      const guest = await LinuxGuest.start(...MACHINE);
      await guest.vm.pauseAt(3e8);
      const saved = await guest.vm.saveState();
      await guest.vm.pauseAt(4e8);
      const later = await guest.vm.stateHash();
      for (let round = 0; round < 2; round++) {
        await guest.vm.loadState(saved);
        await guest.vm.pauseAt(4e8);
        expect(await guest.vm.stateHash()).toEqual(later);
      }
      await guest.vm.quit();
    },
    TIMEOUT_MS,
  );
});
