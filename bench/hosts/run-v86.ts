/** Runs a guest in v86, in this thread: under Node or in a browser's worker. */
import type { V86 as Emulator } from 'v86';
import { Recorder, type RunRecord } from '../recorder.ts';
import { type GuestFiles, lateAfter, type ThreadMeter } from './run-lockstep.ts';
import { meterWasm } from './wasm-meter.ts';

export interface V86Parts {
  readonly V86: typeof Emulator;
  /** File path under Node, address in a browser. */
  readonly wasmPath: string;
  readonly bios: Uint8Array<ArrayBuffer>;
  readonly vgaBios: Uint8Array<ArrayBuffer>;
}

export async function runV86(guest: GuestFiles, parts: V86Parts, meter: ThreadMeter): Promise<RunRecord> {
  const wasmBytes = meterWasm();
  let emulator: Emulator | undefined;
  const recorder = new Recorder({
    wallMs: meter.wallMs,
    cpuMs: meter.cpuMs,
    instructions: () => instructions.total(),
    memory: () => meter.memory(null),
  });
  const instructions = unwrapped(() => emulator?.get_instruction_counter() ?? 0);
  const { kernel, initrd, image } = guest;
  const file = (bytes: Uint8Array<ArrayBuffer>): { buffer: ArrayBuffer } => ({ buffer: bytes.slice().buffer });
  const boot =
    image.suite === 'linux'
      ? { bzimage: file(kernel), cmdline: image.commandLine, ...(initrd !== undefined && { initrd: file(initrd) }) }
      : { multiboot: file(kernel) };
  const machine = {
    wasm_path: parts.wasmPath,
    bios: file(parts.bios),
    vga_bios: file(parts.vgaBios),
    memory_size: image.memoryMiB * 2 ** 20,
    autostart: true,
    ...boot,
  };
  recorder.powerOn();
  emulator = new parts.V86(machine);
  const byte = new Uint8Array(1);
  emulator.add_listener('serial0-output-byte', (value) => {
    byte[0] = value;
    recorder.write(byte);
  });
  const error = await Promise.race([recorder.done.then(() => null), lateAfter(guest.timeoutMs)]);
  const record = recorder.record(wasmBytes(), error);
  await emulator.destroy();
  return record;
}

/** v86 counts instructions in 32 bits; looked at often enough, the whole count can be had. */
function unwrapped(read: () => number): { total(): number } {
  let total = 0;
  let last = 0;
  return {
    total() {
      const now = read() >>> 0;
      total += (now - last) >>> 0;
      last = now;
      return total;
    },
  };
}
