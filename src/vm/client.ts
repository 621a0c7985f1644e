/** What a page imports to have a machine: it runs in a worker of its own. */
import { proxy, type Remote, releaseProxy, wrap } from 'comlink';
import { fromRemote } from './remote-error.ts';
import type { RemoteVm } from './remote-vm.ts';

export interface VmClient extends RemoteVm {
  /** Ends the worker, whatever it does, and gives back its memory. */
  dispose(): void;
}

/** `createWorker` makes the worker of workers/machine.worker.ts (bundlers want to see its URL where they build). */
export function createVmClient(createWorker: () => Worker): VmClient {
  const worker = createWorker();
  const remote: Remote<RemoteVm> = wrap<RemoteVm>(worker);
  /** A worker that fails as a whole (its script does not load, memory runs out) answers no call. */
  const broken = new Promise<never>((_resolve, reject) => {
    worker.addEventListener('error', (event) => {
      reject(new Error(`BUG: the machine's worker failed: ${event.message || 'its script could not be loaded'}`));
    });
  });
  broken.catch(() => {});
  const call = async <T>(result: Promise<T>): Promise<T> => {
    try {
      return await Promise.race([result, broken]);
    } catch (error) {
      throw fromRemote(error);
    }
  };
  return {
    start: (options, onEvent) => call(remote.start(options, proxy(onEvent))),
    pause: () => call(remote.pause()),
    resume: () => call(remote.resume()),
    reset: () => call(remote.reset()),
    quit: () => call(remote.quit()),
    status: () => call(remote.status()),
    serialInput: (port, bytes) => call(remote.serialInput(port, bytes)),
    key: (name, down) => call(remote.key(name, down)),
    pointer: (event) => call(remote.pointer(event)),
    type: (codes) => call(remote.type(codes)),
    screen: () => call(remote.screen()),
    screenText: () => call(remote.screenText()),
    drives: () => call(remote.drives()),
    changeMedium: (device, file, medium) => call(remote.changeMedium(device, file, medium)),
    ejectMedium: (device, force) => call(remote.ejectMedium(device, force)),
    exportImage: (name, source, format, sink) => call(remote.exportImage(name, source, format, proxy(sink))),
    exportDrive: (device, format, sink) => call(remote.exportDrive(device, format, proxy(sink))),
    monitor: (line) => call(remote.monitor(line)),
    stateHash: () => call(remote.stateHash()),
    pauseAt: (instructions) => call(remote.pauseAt(instructions)),
    dispose() {
      remote[releaseProxy]();
      worker.terminate();
    },
  };
}
