/** Commands of the DSP. Document: Sound Blaster Series Hardware Programming Guide, chapter 6. */

export const CMD = {
  DIRECT_OUTPUT: 0x10,
  OUTPUT_8: 0x14,
  OUTPUT_8_AUTO: 0x1c,
  DIRECT_INPUT: 0x20,
  INPUT_8: 0x24,
  INPUT_8_AUTO: 0x2c,
  TIME_CONSTANT: 0x40,
  OUTPUT_RATE: 0x41,
  INPUT_RATE: 0x42,
  BLOCK_SIZE: 0x48,
  SILENCE: 0x80,
  HIGH_SPEED_AUTO: 0x90,
  HIGH_SPEED: 0x91,
  HIGH_SPEED_INPUT_AUTO: 0x98,
  PAUSE_8: 0xd0,
  SPEAKER_ON: 0xd1,
  SPEAKER_OFF: 0xd3,
  CONTINUE_8: 0xd4,
  PAUSE_16: 0xd5,
  CONTINUE_16: 0xd6,
  SPEAKER_STATUS: 0xd8,
  EXIT_16_AUTO: 0xd9,
  EXIT_8_AUTO: 0xda,
  IDENTIFY: 0xe0,
  VERSION: 0xe1,
  COPYRIGHT: 0xe3,
  WRITE_TEST: 0xe4,
  READ_TEST: 0xe8,
  INTERRUPT_8: 0xf2,
  INTERRUPT_16: 0xf3,
} as const;

/** Bxh and Cxh: 16- and 8-bit transfers with a mode byte and a length. */
export const isTransfer = (command: number): boolean => command >= 0xb0 && command <= 0xcf;

/** Other commands with arguments; those that are not known here too, as their arguments must not be taken for commands. */
const ARGUMENTS: Readonly<Record<number, number>> = {
  4: 1,
  5: 1,
  7: 1,
  8: 1,
  14: 2,
  15: 1,
  16: 1,
  20: 2,
  22: 2,
  23: 2,
  36: 2,
  56: 1,
  64: 1,
  65: 2,
  66: 2,
  72: 2,
  116: 2,
  117: 2,
  118: 2,
  119: 2,
  128: 2,
  224: 1,
  226: 1,
  228: 1,
  249: 1,
};

export const argumentCount = (command: number): number => (isTransfer(command) ? 3 : (ARGUMENTS[command] ?? 0));

/** What E3h answers, zero-terminated. */
export const COPYRIGHT: readonly number[] = [
  ...new TextEncoder().encode('COPYRIGHT (C) CREATIVE TECHNOLOGY LTD, 1992.'),
  0,
];
