/** Numbers of the Virtual I/O Device specification, version 1.1 (OASIS, April 2019), that its parts share. */

/** §2.1: bits of the device status. */
export const STATUS = {
  ACKNOWLEDGE: 0x01,
  DRIVER: 0x02,
  DRIVER_OK: 0x04,
  FEATURES_OK: 0x08,
  NEEDS_RESET: 0x40,
  FAILED: 0x80,
} as const;

/** §6: feature bits that are no device's own. */
export const FEATURE = {
  NOTIFY_ON_EMPTY: 24, // §6.3, legacy
  ANY_LAYOUT: 27, // §6.3, legacy
  RING_INDIRECT_DESC: 28,
  RING_EVENT_IDX: 29,
  VERSION_1: 32,
} as const;

/** §5: numbers of device types. */
export const DEVICE_ID = {
  BLOCK: 2,
  CONSOLE: 3,
  ENTROPY: 4,
  BALLOON: 5,
  SCSI: 8,
  NINE_P: 9,
  GPU: 16,
  INPUT: 18,
} as const;

/** §4.1.5.1.2: no interrupt vector. There is no MSI-X, so a vector never sticks. */
export const NO_VECTOR = 0xffff;
