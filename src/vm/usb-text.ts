/** `info usb`, in QEMU's form. */
import type { DeviceBus } from '../hw/core/device.ts';
import { SPEED_TEXT, UsbBus } from '../hw/devices/usb/usb.ts';
import type { Machine } from '../hw/machines/machine.ts';

export function describeUsb({ devices }: Machine): string {
  const buses = devices.flatMap(({ parts }): readonly DeviceBus[] => parts.buses ?? []).filter(isUsb);
  if (buses.length === 0) return 'USB support not enabled\n';
  return buses
    .flatMap((bus, n) =>
      bus.devices.map(({ port, device }) => {
        // Unnamed devices have made-up ids with a dot in them.
        const id = device.id.includes('.') ? '' : `, ID: ${device.id}`;
        const speed = SPEED_TEXT[device.speed];
        return `  Device ${n}.${device.address}, Port ${port}, Speed ${speed} Mb/s, Product ${device.product}${id}\n`;
      }),
    )
    .join('');
}

const isUsb = (bus: DeviceBus): bus is UsbBus => bus instanceof UsbBus;
