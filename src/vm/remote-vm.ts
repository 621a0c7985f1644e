/** The machine that a worker offers to its page. */
import type { ExportFormat, ImageSource, PieceSink, Vm } from './api.ts';
import { exportSource } from './export-image.ts';
import { createWorkerHost } from './host.ts';
import { MachineVm } from './machine-vm.ts';
import { toRemote } from './remote-error.ts';

/** `pauseAt` is for tools that compare machines: see MachineVm. */
export type RemoteVm = Vm &
  Pick<MachineVm, 'pauseAt'> & {
    /** Hands on an image that no machine has open, as a file. */
    exportImage(name: string, source: ImageSource, format: ExportFormat, sink: PieceSink): Promise<void>;
  };

/** A machine in this worker, its errors fit to be passed to the page. */
export function createRemoteVm(): RemoteVm {
  const vm = new MachineVm({ host: createWorkerHost() });
  const guarded =
    <A extends readonly unknown[], R>(call: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      try {
        return await call(...args);
      } catch (error) {
        throw toRemote(error);
      }
    };
  return {
    start: guarded((options, onEvent) => vm.start(options, onEvent)),
    pause: guarded(() => vm.pause()),
    resume: guarded(() => vm.resume()),
    reset: guarded(() => vm.reset()),
    quit: guarded(() => vm.quit()),
    status: guarded(() => vm.status()),
    serialInput: guarded((port, bytes) => vm.serialInput(port, bytes)),
    key: guarded((name, down) => vm.key(name, down)),
    pointer: guarded((event) => vm.pointer(event)),
    type: guarded((codes) => vm.type(codes)),
    screen: guarded(() => vm.screen()),
    screenText: guarded(() => vm.screenText()),
    drives: guarded(() => vm.drives()),
    changeMedium: guarded((device, file, medium) => vm.changeMedium(device, file, medium)),
    ejectMedium: guarded((device, force) => vm.ejectMedium(device, force)),
    exportImage: guarded(exportSource),
    exportDrive: guarded((device, format, sink) => vm.exportDrive(device, format, sink)),
    monitor: guarded((line) => vm.monitor(line)),
    stateHash: guarded(() => vm.stateHash()),
    pauseAt: guarded((instructions) => vm.pauseAt(instructions)),
  };
}
