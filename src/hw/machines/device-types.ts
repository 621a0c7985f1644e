/** All device types that boards and users may name. */
import { VmError } from '../../util/errors.ts';
import type { AnyDeviceType } from '../core/device.ts';
import { ac97 } from '../devices/audio/ac97.ts';
import { sb16 } from '../devices/audio/sb16.ts';
import { uart16550 } from '../devices/char/uart16550.ts';
import { cirrusVga } from '../devices/display/cirrus-vga.ts';
import { isaVga } from '../devices/display/isa-vga.ts';
import { ramfb } from '../devices/display/ramfb.ts';
import { vgaPci } from '../devices/display/vga-pci.ts';
import { i8237 } from '../devices/dma/i8237.ts';
import { i8042 } from '../devices/input/i8042.ts';
import { inputRouting } from '../devices/input/input-routing.ts';
import { ps2Keyboard } from '../devices/input/ps2-keyboard.ts';
import { ps2Mouse } from '../devices/input/ps2-mouse.ts';
import { i8259 } from '../devices/intc/i8259.ts';
import { debugcon } from '../devices/misc/debugcon.ts';
import { isaDebugExit } from '../devices/misc/isa-debug-exit.ts';
import { pcTestdev } from '../devices/misc/pc-testdev.ts';
import { port61 } from '../devices/misc/port61.ts';
import { port80 } from '../devices/misc/port80.ts';
import { port92 } from '../devices/misc/port92.ts';
import { portF0 } from '../devices/misc/portf0.ts';
import { pvpanic } from '../devices/misc/pvpanic.ts';
import { fwCfg } from '../devices/nvram/fw-cfg.ts';
import { pciHost, q35Host } from '../devices/pci/host.ts';
import { i440fx } from '../devices/pci/i440fx.ts';
import { ich9Lpc } from '../devices/pci/ich9-lpc.ts';
import { ich9Smbus } from '../devices/pci/ich9-smbus.ts';
import { piix3 } from '../devices/pci/piix3.ts';
import { piix4Pm } from '../devices/pci/piix4-pm.ts';
import { q35Mch } from '../devices/pci/q35-mch.ts';
import { scsiCd, scsiHd } from '../devices/scsi/scsi-disk.ts';
import { ahci } from '../devices/storage/ahci.ts';
import { i82077 } from '../devices/storage/i82077.ts';
import { ideCd } from '../devices/storage/ide-cd.ts';
import { ideHd } from '../devices/storage/ide-hd.ts';
import { isaIde } from '../devices/storage/isa-ide.ts';
import { nvme } from '../devices/storage/nvme.ts';
import { pflashCfi01 } from '../devices/storage/pflash-cfi01.ts';
import { piix3Ide } from '../devices/storage/piix3-ide.ts';
import { hpet } from '../devices/timer/hpet.ts';
import { i8254 } from '../devices/timer/i8254.ts';
import { mc146818 } from '../devices/timer/mc146818.ts';
import { piix3Uhci } from '../devices/usb/uhci.ts';
import { usbHub } from '../devices/usb/usb-hub.ts';
import { usbKbd } from '../devices/usb/usb-kbd.ts';
import { usbMouse, usbTablet } from '../devices/usb/usb-pointers.ts';
import { virtconsole, virtserialport } from '../devices/virtio/serial-ports.ts';
import { virtioBalloonPci } from '../devices/virtio/virtio-balloon.ts';
import { virtioBlkPci } from '../devices/virtio/virtio-blk.ts';
import { virtioKeyboardPci, virtioMousePci, virtioTabletPci } from '../devices/virtio/virtio-input.ts';
import { virtioRngPci } from '../devices/virtio/virtio-rng.ts';
import { virtioScsiPci } from '../devices/virtio/virtio-scsi.ts';
import { virtioSerialPci } from '../devices/virtio/virtio-serial.ts';
import { i6300esb } from '../devices/watchdog/i6300esb.ts';
import { ib700 } from '../devices/watchdog/ib700.ts';
import { a20Gate } from './a20-gate.ts';
import { bootOrderDevice } from './boot-order.ts';

/** What `-device` takes. */
export const userDeviceTypes: readonly AnyDeviceType[] = [
  i6300esb,
  ib700,
  pvpanic,
  uart16550,
  debugcon,
  isaDebugExit,
  pcTestdev,
  ahci,
  ideCd,
  ideHd,
  nvme,
  virtioBalloonPci,
  virtioBlkPci,
  virtioKeyboardPci,
  virtioMousePci,
  virtioRngPci,
  virtioScsiPci,
  virtioSerialPci,
  virtioTabletPci,
  virtconsole,
  virtserialport,
  ac97,
  sb16,
  piix3Uhci,
  usbHub,
  usbKbd,
  usbMouse,
  usbTablet,
  cirrusVga,
  ramfb,
  scsiHd,
  scsiCd,
  vgaPci,
  isaVga,
];

const boardDeviceTypes: readonly AnyDeviceType[] = [
  a20Gate,
  bootOrderDevice,
  fwCfg,
  hpet,
  i440fx,
  ich9Lpc,
  ich9Smbus,
  q35Host,
  q35Mch,
  i8042,
  i82077,
  i8237,
  i8254,
  i8259,
  inputRouting,
  isaIde,
  mc146818,
  pflashCfi01,
  pciHost,
  piix3,
  piix3Ide,
  piix4Pm,
  port61,
  port80,
  port92,
  portF0,
  ps2Keyboard,
  ps2Mouse,
];

export function boardDeviceType(name: string): AnyDeviceType {
  const type = [...boardDeviceTypes, ...userDeviceTypes].find((t) => t.type === name);
  if (type === undefined) throw new Error(`BUG: no device type '${name}'`);
  return type;
}

export function userDeviceType(name: string): AnyDeviceType {
  const type = userDeviceTypes.find((t) => t.type === name);
  if (type !== undefined) return type;
  const onBoards = boardDeviceTypes.some((t) => t.type === name);
  throw new VmError(
    onBoards
      ? `Parameter 'driver' expects a pluggable device type: '${name}' is part of a board`
      : `'${name}' is not a valid device model name`,
    { hint: 'see -device help' },
  );
}
