/** What the programs ask of an engine: run guest code from a state, for so many instructions. */
import type { FrontEnd } from '../../src/cpu/isa/front-end.ts';

export const PAGE_SIZE = 4096;

export interface Image {
  pc: bigint;
  /** x0 … x31, unsigned. */
  readonly x: bigint[];
  /** Mapped pages by virtual address, all readable, writable and executable RAM. */
  readonly memory: Map<bigint, Uint8Array>;
}

/** Why the engine came back. `budget`: `insns` has reached the maximum. `fault`: exception `code` at the image's pc. */
export interface Stop {
  readonly kind: 'budget' | 'leave' | 'fault' | 'fetch';
  readonly code: number;
  /** Instructions completed. */
  readonly insns: number;
}

export interface Rv64Engine {
  readonly name: string;
  /** Run, changing the image, until `maxInsns` are done or the guest leaves translated code. */
  run(frontEnd: FrontEnd, image: Image, maxInsns: number): Stop;
}

/** Put bytes into an image's memory, mapping the pages they touch. */
export function write(image: Image, address: bigint, bytes: Uint8Array): void {
  bytes.forEach((byte, i) => {
    const at = BigInt.asUintN(64, address + BigInt(i));
    const page = at & ~BigInt(PAGE_SIZE - 1);
    const ram = image.memory.get(page) ?? new Uint8Array(PAGE_SIZE);
    ram[Number(at - page)] = byte;
    image.memory.set(page, ram);
  });
}
export const copyImage = (image: Image): Image => ({
  pc: image.pc,
  x: [...image.x],
  memory: new Map(Array.from(image.memory, ([page, bytes]) => [page, bytes.slice()])),
});
