/** The primary IDE channel of machine `pc`, as scripts use it. */
import type { Recorder } from './target.ts';

export const BASE = 0x1f0;
export const CONTROL = 0x3f6;
export const BUS_MASTER = 0xc000;
const TABLE = 0x10000;

/** Neither BSY nor, under DMA, DRQ. */
export const settle = (m: Recorder): Promise<void> =>
  m.settle(async (target) => ((await target.in(CONTROL)) & 0x80) !== 0);
export const settleDma = (m: Recorder): Promise<void> =>
  m.settle(async (target) => ((await target.in(CONTROL)) & 0x88) !== 0);

export async function registers(m: Recorder): Promise<void> {
  await settle(m);
  await m.in(CONTROL);
  for (let i = 1; i <= 6; i++) await m.in(BASE + i);
  await irq(m);
  await m.in(BASE + 7);
  await irq(m);
}
/** The slave interrupt controller's request register: IRQ 14 is bit 6. */
export async function irq(m: Recorder): Promise<void> {
  await m.out(0xa0, 0x0a);
  await m.in(0xa0);
}
interface Address {
  readonly feature?: number;
  readonly count?: number;
  readonly lba?: number;
  readonly device?: number;
}
export async function command(m: Recorder, code: number, { feature = 0, count = 1, lba = 0, device }: Address = {}) {
  await m.out(BASE + 1, feature);
  await m.out(BASE + 2, count & 0xff);
  await m.out(BASE + 3, lba & 0xff);
  await m.out(BASE + 4, (lba >> 8) & 0xff);
  await m.out(BASE + 5, (lba >> 16) & 0xff);
  await m.out(BASE + 6, device ?? 0x40 | ((lba >> 24) & 0xf));
  await m.out(BASE + 7, code);
}
export async function setUp(m: Recorder): Promise<void> {
  // Edge-triggered interrupt controllers, as firmware leaves them.
  for (const [port, base] of [
    [0x20, 8],
    [0xa0, 0x70],
  ] as const) {
    await m.out(port, 0x11);
    await m.out(port + 1, base);
    await m.out(port + 1, port === 0x20 ? 4 : 2);
    await m.out(port + 1, 1);
  }
  await config(m, 0x20, BUS_MASTER | 1, 4);
  await config(m, 0x04, 5, 2);
}
async function config(m: Recorder, register: number, value: number, size: 2 | 4): Promise<void> {
  await m.out(0xcf8, 0x80000900 | register, 4);
  await m.out(0xcfc, value, size);
}
export async function entry(m: Recorder, n: number, gpa: number, bytes: number, last: boolean): Promise<void> {
  const words = new Uint32Array([gpa, ((bytes & 0xffff) | (last ? 0x80000000 : 0)) >>> 0]);
  await m.write(TABLE + n * 8, new Uint8Array(words.buffer));
}
export async function busMaster(m: Recorder, value: number): Promise<void> {
  await m.out(BUS_MASTER + 4, TABLE, 4);
  await m.out(BUS_MASTER, value);
}
export async function busMasterState(m: Recorder): Promise<void> {
  await m.in(BUS_MASTER);
  await m.in(BUS_MASTER + 2);
}
