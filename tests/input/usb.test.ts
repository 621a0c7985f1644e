/** Debian's uhci_hcd and usbhid drive keyboard and tablet behind the UHCI, one of them behind a hub. */
import { expect, test } from 'vitest';
import { USB_MODULE_FILES } from '../../roms/manifest.ts';
import { LinuxGuest, TIMEOUT_MS } from '../linux/guest.ts';
import { DETERMINISTIC, PROMPT } from '../linux/history.ts';
import { hasGuest, initrdWith, kernel } from './initrd.ts';

const EVENT_BYTES = 16;

/** `type code value` of the input events (struct input_event of a 32-bit system) in a file of the guest. */
async function eventsIn(guest: LinuxGuest, file: string): Promise<string[]> {
  const dump = await guest.command(`od -An -v -tx1 ${file}`);
  const bytes = Buffer.from(dump.replaceAll(/\s/g, ''), 'hex');
  return Array.from({ length: Math.floor(bytes.length / EVENT_BYTES) }, (_, i) => {
    const at = i * EVENT_BYTES;
    return [bytes.readUInt16LE(at + 8), bytes.readUInt16LE(at + 10), bytes.readInt32LE(at + 12)].join(' ');
  }).filter((event) => !event.startsWith('0 ') && !event.startsWith('4 '));
}

test.skipIf(!hasGuest(USB_MODULE_FILES))(
  'Linux finds the devices, and gets keys, places and lights',
  async () => {
    const guest = new LinuxGuest();
    await guest.vm.start(
      {
        args: [
          ...DETERMINISTIC,
          ...['-M', 'pc', '-m', '128', '-usb', '-device', 'usb-tablet', '-device', 'usb-kbd'],
          ...['-initrd', 'initrd'],
        ],
        files: { vmlinuz: kernel(), initrd: initrdWith(USB_MODULE_FILES) },
      },
      guest.hear,
    );
    await guest.see(PROMPT);
    await guest.preparePrompt();
    await guest.command('sh /modules/load; sleep 3');
    expect(await guest.vm.monitor('info usb')).toBe(
      '  Device 0.2, Port 1, Speed 12 Mb/s, Product QEMU USB Tablet\n' +
        '  Device 0.3, Port 2, Speed 12 Mb/s, Product QEMU USB Hub\n' +
        '  Device 0.4, Port 2.1, Speed 12 Mb/s, Product QEMU USB Keyboard\n',
    );
    const devices = await guest.command('cat /proc/bus/input/devices');
    const eventOf = (name: string): string => {
      const entry = devices.split('\n\n').find((text) => text.includes(`Name="QEMU ${name}"`)) ?? '';
      return /event\d+/.exec(entry)?.[0] ?? `no ${name}`;
    };
    const [tablet, keyboard] = [eventOf('QEMU USB Tablet'), eventOf('QEMU USB Keyboard')];
    await guest.command(`cat /dev/input/${tablet} >/t & cat /dev/input/${keyboard} >/k & sleep 1`);
    await guest.vm.pointer({ x: 100, y: 200 });
    await guest.vm.pointer({ buttons: 1 });
    await guest.vm.pointer({ buttons: 0, dz: 1 });
    await guest.vm.monitor('sendkey shift-a 50');
    await guest.command('sleep 1');
    expect(await eventsIn(guest, '/t')).toEqual(['3 0 100', '3 1 200', '1 272 1', '1 272 0', '2 8 -1', '2 11 -120']);
    expect(await eventsIn(guest, '/k')).toEqual(['1 42 1', '1 30 1', '1 30 0', '1 42 0']);
    expect(await guest.vm.monitor('info mice')).toContain('* Mouse #3: QEMU HID Tablet (absolute)');
    await guest.vm.quit();
  },
  TIMEOUT_MS,
);
