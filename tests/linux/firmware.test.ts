/** SeaBIOS starts Debian's kernel on q35 and pc: option ROM and tables from fw_cfg, suspend to RAM. */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { hasLinux, LinuxGuest, TIMEOUT_MS } from './guest.ts';
import { PROMPT } from './history.ts';

const rom = (name: string): URL => new URL(`../../roms/out/${name}`, import.meta.url);
const FIRMWARE = ['bios-256k.bin', 'linuxboot_dma.bin'];
const hasFirmware = FIRMWARE.every((name) => existsSync(rom(name)));
const files = (): Record<string, Uint8Array> =>
  Object.fromEntries(FIRMWARE.map((name) => [name, readFileSync(rom(name))]));

/** `-bios`: firmware runs even though nobody looks at a screen. */
const MACHINE = ['-m', '64', '-initrd', 'initrd', '-bios', 'bios-256k.bin', '-vga', 'none'];

async function suspended({ vm }: LinuxGuest): Promise<void> {
  while ((await vm.status()).state !== 'suspended') await new Promise((resolve) => setTimeout(resolve, 50));
}

describe.skipIf(!hasLinux || !hasFirmware).each([
  ['q35', 'Standard PC (Q35 + ICH9, 2009)'],
  ['pc', 'Standard PC (i440FX + PIIX, 1996)'],
])('Linux behind SeaBIOS on %s', (machine, product) => {
  test(
    'finds the tables, sleeps and wakes up',
    async () => {
      const guest = await LinuxGuest.startWith(files(), '-M', machine, ...MACHINE);
      await guest.see(PROMPT);
      await guest.preparePrompt();
      expect(await guest.command('cat /sys/class/dmi/id/product_name')).toBe(product);
      expect(await guest.command('dmesg | grep -c "ACPI.*[Ee]rror"')).toBe('0');
      expect(await guest.command('dmesg | grep -o "ACPI: PM: (supports.*"')).toBe('ACPI: PM: (supports S0 S3 S4 S5)');
      expect(await guest.command('ls /sys/firmware/acpi/tables')).toContain('HPET');

      await guest.type('echo mem > /sys/power/state; echo it is a"wake"\n');
      await suspended(guest);
      await guest.vm.wakeup();
      await guest.see(`awake\r\n${PROMPT}`);
      expect(await guest.command('echo $((6 * 7))')).toBe('42');
      await guest.vm.quit();
    },
    TIMEOUT_MS,
  );
});
