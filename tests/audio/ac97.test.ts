/** Debian's snd-intel8x0 plays through the AC97 controller: what is written to /dev/dsp comes out as sound. */
import { expect, test } from 'vitest';
import { SOUND_MODULE_FILES } from '../../roms/manifest.ts';
import type { VmEvent } from '../../src/vm/api.ts';
import { hasGuest, initrdWith, kernel } from '../input/initrd.ts';
import { LinuxGuest, TIMEOUT_MS } from '../linux/guest.ts';
import { DETERMINISTIC, PROMPT } from '../linux/history.ts';

/** Rises of the left side through a level, of samples left and right in turn. */
function rises(samples: readonly number[], level: number): number {
  let count = 0;
  for (let i = 2; i < samples.length; i += 2) {
    if ((samples[i] ?? 0) >= level && (samples[i - 2] ?? 0) < level) count++;
  }
  return count;
}

test.skipIf(!hasGuest(SOUND_MODULE_FILES))(
  'Linux plays a tone of 500 Hz for a second',
  async () => {
    const guest = new LinuxGuest();
    const heard: number[] = [];
    const hear = (event: VmEvent): void => {
      if (event.kind === 'audio') heard.push(...event.samples);
      guest.hear(event);
    };
    await guest.vm.start(
      {
        args: [
          ...DETERMINISTIC,
          ...[
            '-M',
            'pc',
            '-m',
            '128',
            '-audiodev',
            'wav,id=w',
            '-device',
            'AC97,addr=5,audiodev=w',
            '-initrd',
            'initrd',
          ],
        ],
        files: { vmlinuz: kernel(), initrd: initrdWith(SOUND_MODULE_FILES) },
      },
      hear,
    );
    await guest.see(PROMPT);
    await guest.preparePrompt();
    await guest.command('sh /modules/load');
    // The driver leaves the codec mute, and this guest has no mixer program: its registers are set by hand.
    const base = Number.parseInt((await guest.command('grep 00:05.0 /proc/ioports | head -1')).trim(), 16);
    expect(base).toBeGreaterThan(0);
    const poke = (register: number): Promise<string> =>
      guest.command(
        `printf '\\0' | dd of=/dev/port bs=1 count=1 seek=$((${base} + ${register})) conv=notrunc 2>/dev/null`,
      );
    await poke(0x02);
    await poke(0x18);
    // 8,000 samples a second of one byte: 8 high, 8 low.
    await guest.command(
      "printf '\\300\\300\\300\\300\\300\\300\\300\\300\\100\\100\\100\\100\\100\\100\\100\\100' >/period",
    );
    await guest.command(
      'for i in 1 2 3 4 5; do cat /period /period /period /period /period >>/some; done; for i in $(seq 20); do cat /some; done >/tone',
    );
    await guest.command('cat /tone >/dev/dsp; sleep 1');
    expect(Math.abs(rises(heard, 0) - 500)).toBeLessThan(5);
    expect(Math.max(...heard.slice(0, 20_000))).toBeGreaterThan(12_000);
    await guest.vm.quit();
  },
  TIMEOUT_MS,
);
