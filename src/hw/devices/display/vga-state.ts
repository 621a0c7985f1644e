/** The registers of the VGA by their names, and the state that all adapters with a VGA core share. */
import { array, below, bool, bytes, type StateOf, u8, u16, u32 } from '../../core/state.ts';

/** Sequencer. */
export const SR = { CLOCKING: 1, MAP_MASK: 2, FONT: 3, MEMORY: 4 } as const;
export const SR_CLOCKING = { EIGHT_DOTS: 0x01, HALF_CLOCK: 0x08, SCREEN_OFF: 0x20 } as const;
export const SR_MEMORY = { CHAIN4: 0x08 } as const;
/** Bits that exist. */
export const SR_MASK = [0x03, 0x3d, 0x0f, 0x3f, 0x0e, 0x00, 0x00, 0xff] as const;

/** Graphics controller. */
export const GR = {
  SET_RESET: 0,
  ENABLE_SET_RESET: 1,
  COLOUR_COMPARE: 2,
  ROTATE: 3,
  READ_MAP: 4,
  MODE: 5,
  MISC: 6,
  COLOUR_DONT_CARE: 7,
  BIT_MASK: 8,
} as const;
export const GR_MODE = { READ_COMPARE: 0x08, ODD_EVEN: 0x10 } as const;
export const GR_MISC_GRAPHICS = 0x01;
export const GR_MASK = [0x0f, 0x0f, 0x0f, 0x1f, 0x03, 0x7b, 0x0f, 0x0f, 0xff, 0, 0, 0, 0, 0, 0, 0] as const;

/** CRT controller. */
export const CR = {
  H_TOTAL: 0x00,
  H_DISPLAY_END: 0x01,
  V_TOTAL: 0x06,
  OVERFLOW: 0x07,
  PRESET_ROW_SCAN: 0x08,
  MAX_SCAN: 0x09,
  CURSOR_START: 0x0a,
  CURSOR_END: 0x0b,
  START_HIGH: 0x0c,
  START_LOW: 0x0d,
  CURSOR_HIGH: 0x0e,
  CURSOR_LOW: 0x0f,
  V_RETRACE_START: 0x10,
  V_RETRACE_END: 0x11,
  V_DISPLAY_END: 0x12,
  OFFSET: 0x13,
  MODE: 0x17,
  LINE_COMPARE: 0x18,
} as const;
export const CR_PROTECT = 0x80; // in V_RETRACE_END: CR0 to CR7 are read-only

/** Attribute controller. */
export const AR = { MODE: 0x10, OVERSCAN: 0x11, PLANE_ENABLE: 0x12, PANNING: 0x13, COLOUR_SELECT: 0x14 } as const;
export const AR_MODE = { LINE_GRAPHICS: 0x04, BLINK: 0x08, PELS_256: 0x40, P54_SELECT: 0x80 } as const;
export const AR_COUNT = 0x15;
/** In the index register: the palette's address source; 0 blanks the screen. */
export const AR_VIDEO_ON = 0x20;

export const MSR_COLOUR = 0x01;

/** Bochs's display interface. */
export const VBE = {
  ID: 0,
  XRES: 1,
  YRES: 2,
  BPP: 3,
  ENABLE: 4,
  BANK: 5,
  VIRT_WIDTH: 6,
  VIRT_HEIGHT: 7,
  X_OFFSET: 8,
  Y_OFFSET: 9,
  MEMORY_64K: 10,
} as const;
export const VBE_REGISTERS = 10;
export const VBE_ENABLE = { ENABLED: 0x01, GETCAPS: 0x02, DAC_8BIT: 0x20, NO_CLEAR: 0x80 } as const;
export const VBE_ID0 = 0xb0c0;
export const VBE_ID5 = 0xb0c5;

export const vgaFields = {
  msr: u8(),
  fcr: u8(),
  srIndex: below(8),
  sr: bytes(SR_MASK.length),
  grIndex: below(16),
  gr: bytes(GR_MASK.length),
  arIndex: below(64),
  /** The next byte at 3C0h is data. */
  arData: bool(),
  ar: bytes(AR_COUNT),
  crIndex: u8(),
  cr: bytes(256),
  dacState: below(4),
  dacPart: below(3),
  dacReadIndex: u8(),
  dacWriteIndex: u8(),
  dacCache: bytes(3),
  palette: bytes(768),
  /** What the last read of video memory left, a byte a plane. */
  latch: u32(),
  vbeIndex: u16(),
  vbe: array(VBE_REGISTERS, u16()),
  /** Where the window at A0000h starts in video memory. */
  bankOffset: u32(),
};

export type VgaState = StateOf<typeof vgaFields>;

export const vbeEnabled = (s: VgaState): boolean => ((s.vbe[VBE.ENABLE] ?? 0) & VBE_ENABLE.ENABLED) !== 0;

/** In packed-pixel modes of the display interface the sequencer is bypassed: memory is linear, all planes are written. */
export const vbePacked = (s: VgaState): boolean => vbeEnabled(s) && s.vbe[VBE.BPP] !== 4;
