/** Pieces of the character devices that a program with a terminal puts together itself. */
export { createMux, type Mux } from '../chardev/mux.ts';
