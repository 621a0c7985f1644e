/** Categories of `-d` that hardware writes to: a guest's misuse of a device, and what we do not model. */
export type LogCategory = 'guest_errors' | 'unimp';
export type LogHook = (category: LogCategory, message: string) => void;
export const noLog: LogHook = () => {};

/** `0x` and lower-case hexadecimal digits, as QEMU's log lines have them. */
export const hex = (value: number, digits = 0): string => `0x${value.toString(16).padStart(digits, '0')}`;
