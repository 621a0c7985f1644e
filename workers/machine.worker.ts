/** The worker in which a page's machine runs; src/vm/client.ts is its other end. */
import { expose } from 'comlink';
import { createRemoteVm } from '../src/vm/remote-vm.ts';

expose(createRemoteVm());
