/** PCI Local Bus Specification 3.0, chapter 6: offsets and bits of a type 0 configuration header. */

export const CONFIG_BYTES = 256;

export const CFG = {
  VENDOR_ID: 0x00,
  DEVICE_ID: 0x02,
  COMMAND: 0x04,
  STATUS: 0x06,
  REVISION_ID: 0x08,
  CLASS_CODE: 0x09,
  CACHE_LINE_SIZE: 0x0c,
  HEADER_TYPE: 0x0e,
  BAR0: 0x10,
  SUBSYSTEM_VENDOR_ID: 0x2c,
  SUBSYSTEM_ID: 0x2e,
  EXPANSION_ROM: 0x30,
  CAPABILITIES: 0x34,
  INTERRUPT_LINE: 0x3c,
  INTERRUPT_PIN: 0x3d,
  /** The first byte that belongs to the device. */
  DEVICE_SPECIFIC: 0x40,
} as const;

export const COMMAND = { IO: 0x1, MEMORY: 0x2, MASTER: 0x4, SERR: 0x100, INTX_DISABLE: 0x400 } as const;
/** Bits that a guest may change. */
export const COMMAND_WRITABLE = COMMAND.IO | COMMAND.MEMORY | COMMAND.MASTER | COMMAND.SERR | COMMAND.INTX_DISABLE;

export const STATUS = {
  INTERRUPT: 0x08,
  CAPABILITIES: 0x10,
  FAST_BACK_TO_BACK: 0x80,
  DEVSEL_MEDIUM: 0x200,
} as const;

export const HEADER_MULTIFUNCTION = 0x80;

/** QEMU's subsystem identification, for devices that do not have one of their own. */
export const QEMU_SUBSYSTEM = { vendor: 0x1af4, device: 0x1100 } as const;

/** Slot and function as one byte, as configuration addresses have them. */
export const devfnOf = (slot: number, fn: number): number => (slot << 3) | fn;
export const slotOf = (devfn: number): number => devfn >> 3;
export const functionOf = (devfn: number): number => devfn & 7;

/** `01.3`, as `info qtree` prints addresses. */
export const devfnText = (devfn: number): string =>
  `${slotOf(devfn).toString(16).padStart(2, '0')}.${functionOf(devfn)}`;
