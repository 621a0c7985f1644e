/** Runs a guest in Lockstep, in this thread: under Node or in a browser's worker. */
import type { VmEvent } from '../../src/vm/api.ts';
import type { Host as VmHost } from '../../src/vm/host.ts';
import { MachineVm } from '../../src/vm/machine-vm.ts';
import { type Meter, Recorder, type RunRecord } from '../recorder.ts';
import { type GuestImage, machineArguments } from '../workloads.ts';
import { meterWasm } from './wasm-meter.ts';

/** An image's files and how to run it. */
export interface GuestFiles {
  readonly image: GuestImage;
  readonly kernel: Uint8Array<ArrayBuffer>;
  readonly initrd: Uint8Array<ArrayBuffer> | undefined;
  readonly timeoutMs: number;
}

/** A meter without what the emulator itself counts; it is told what that reports of its memory. */
export interface ThreadMeter extends Pick<Meter, 'wallMs' | 'cpuMs'> {
  memory(reportedBytes: number | null): ReturnType<Meter['memory']>;
}

/** Why a run is given up, when its time has passed. */
export function lateAfter(timeoutMs: number): Promise<string> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(`no end after ${timeoutMs / 1000} s`), timeoutMs);
  });
}

export async function runLockstep(guest: GuestFiles, host: VmHost, meter: ThreadMeter): Promise<RunRecord> {
  const wasmBytes = meterWasm();
  const vm = new MachineVm({ host });
  const failed = Promise.withResolvers<string>();
  let status = { instructions: 0, engineBytes: 0 };
  const recorder = new Recorder({
    wallMs: meter.wallMs,
    cpuMs: meter.cpuMs,
    instructions: () => status.instructions,
    memory: () => meter.memory(status.engineBytes),
  });
  /** Serial output is put off until the status that goes with it is known, which takes no turn of the event loop. */
  const onEvent = (event: VmEvent): void => {
    if (event.kind === 'serial' && event.port === 0) {
      void vm.status().then((now) => {
        status = now;
        recorder.write(event.bytes);
      });
    } else if (event.kind === 'state' && event.state === 'internal-error') {
      failed.resolve(event.reason ?? 'internal error');
    } else if (event.kind === 'exit') {
      failed.resolve(`the machine ended (${event.reason}) before the guest was done`);
    }
  };
  const files = { kernel: guest.kernel, ...(guest.initrd !== undefined && { initrd: guest.initrd }) };
  const args = machineArguments(guest.image, { kernel: 'kernel', initrd: 'initrd' });
  recorder.powerOn();
  await vm.start({ args, files }, onEvent);
  const error = await Promise.race([recorder.done.then(() => null), failed.promise, lateAfter(guest.timeoutMs)]);
  const record = recorder.record(wasmBytes(), error);
  await vm.quit();
  return record;
}
