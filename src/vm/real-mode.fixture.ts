/** Small guests for tests: 16-bit code in a firmware image, 32-bit code in a multiboot kernel. */
const IMAGE_BYTES = 0x10000;
const CODE_AT = 0xe000;
const RESET_VECTOR = 0xfff0;

/** An image that runs `code` at F000:E000. */
export function firmware(...code: readonly (readonly number[])[]): Uint8Array {
  const image = new Uint8Array(IMAGE_BYTES);
  image.set(code.flat(), CODE_AT);
  image.set([0xea, CODE_AT & 0xff, CODE_AT >> 8, 0x00, 0xf0], RESET_VECTOR);
  return image;
}

/** A multiboot kernel (specification 0.6.96, 3.1) whose 32-bit code follows its header. */
export function multiboot(code: readonly number[]): Uint8Array {
  const image = new Uint8Array(0x20 + code.length);
  const view = new DataView(image.buffer);
  const flags = 0x10000; // addresses are given here
  const header = [0x1badb002, flags, -(0x1badb002 + flags), 0x100000, 0x100000, 0, 0, 0x100020];
  for (const [i, value] of header.entries()) view.setUint32(i * 4, value, true);
  image.set(code, 0x20);
  return image;
}

const word = (value: number): number[] => [value & 0xff, value >> 8];

/** `mov dx, port; mov al, value; out dx, al` */
export const out8 = (port: number, value: number): number[] => [0xba, ...word(port), 0xb0, value, 0xee];
/** Writes a text to COM1. */
export const print = (text: string): number[] => Array.from(text).flatMap((c) => out8(0x3f8, c.charCodeAt(0)));
export const CLI = [0xfa];
export const HLT = [0xf4];
/** `jmp $` */
export const LOOP = [0xeb, 0xfe];
/** 32-bit code: `mov ecx, count; dec ecx; jnz` */
export const spin = (count: number): number[] => [
  0xb9,
  ...word(count & 0xffff),
  ...word(count >>> 16),
  0x49,
  0x75,
  0xfd,
];
/** An empty interrupt table, then a breakpoint: #BP, #GP, double fault, shutdown. `lidt cs:[0xffe0]; int3` */
export const TRIPLE_FAULT = [0x2e, 0x0f, 0x01, 0x1e, 0xe0, 0xff, 0xcc];
/** Sends each byte that COM1 receives back, until it is 'q'; then the next instruction follows. */
export const ECHO_UNTIL_Q = [
  ...[0xba, ...word(0x3fd)], // mov dx, 3fdh
  ...[0xec, 0xa8, 0x01, 0x74, 0xf8], // in al, dx; test al, 1; jz back to mov dx
  ...[0xba, ...word(0x3f8), 0xec, 0xee], // mov dx, 3f8h; in al, dx; out dx, al
  ...[0x3c, 0x71, 0x75, 0xef], // cmp al, 'q'; jnz back to the start
];
