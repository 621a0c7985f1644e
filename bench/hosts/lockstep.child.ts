/** A process that runs one guest in Lockstep under Node. Its arguments are the image and a time limit in ms; the record goes to standard output. */
import { createNodeHost } from '../../src/cli/node-host.ts';
import { guestOfArguments, nodeMeter, report } from './node-child.ts';
import { runLockstep } from './run-lockstep.ts';
import { nameWasm } from './wasm-names.ts';

if (process.argv[4] === 'named') nameWasm(); // for a profiler
const guest = guestOfArguments();
report(await runLockstep(guest, createNodeHost(), nodeMeter(guest.image)));
