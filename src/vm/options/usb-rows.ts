/** Options about the USB. */
import { VmError } from '../../util/errors.ts';
import type { OptionRow } from './option-row.ts';

/** What `-usbdevice` takes, and the devices behind the names. */
const USB_DEVICES: Readonly<Record<string, string>> = {
  mouse: 'usb-mouse',
  tablet: 'usb-tablet',
  keyboard: 'usb-kbd',
};

export const usbRows: readonly OptionRow[] = [
  {
    names: ['usb'],
    argument: false,
    group: 'USB',
    usage: '-usb',
    help: 'enable on-board USB host controller (if not enabled by default)',
    apply: ({ options }) => void (options.usb = true),
  },
  {
    names: ['usbdevice'],
    argument: true,
    group: 'USB',
    usage: '-usbdevice name',
    help: `add the host or guest USB device 'name' (${Object.keys(USB_DEVICES).join(', ')})`,
    apply({ options }, argument) {
      const driver = Object.hasOwn(USB_DEVICES, argument) ? USB_DEVICES[argument] : undefined;
      if (driver === undefined) throw new VmError(`could not add USB device '${argument}'`);
      options.usb = true;
      options.devices = [...options.devices, { driver, id: undefined, properties: {} }];
    },
  },
];
