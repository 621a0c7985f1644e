/** Lockstep in a worker of a page. */
import { createWorkerHost } from '../../src/vm/host.ts';
import { serveTask } from './browser-worker.ts';
import { runLockstep } from './run-lockstep.ts';

serveTask((guest, meter) => runLockstep(guest, createWorkerHost(), meter));
