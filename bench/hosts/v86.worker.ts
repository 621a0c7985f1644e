/** v86 in a worker of a page, as its authors built it: its script is served as it is. */
import { fetchBytes, serveTask } from './browser-worker.ts';
import { runV86 } from './run-v86.ts';

const script = '/v86/libv86.mjs';

serveTask(async (guest, meter) => {
  const { V86 }: typeof import('v86') = await import(/* @vite-ignore */ script);
  const [bios, vgaBios] = await Promise.all([fetchBytes('/guest/bios'), fetchBytes('/guest/vga-bios')]);
  return runV86(guest, { V86, wasmPath: '/v86/v86.wasm', bios, vgaBios }, meter);
});
