import type { Chardev } from './api.ts';

/** Swallows output and never has input: `-serial null`, and the default of an unconnected port. */
export const nullChardev: Chardev = { write() {}, attach() {}, accept() {} };
