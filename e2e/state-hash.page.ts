/** A page for state-hash.spec.ts: runs the history of tests/linux in the worker that the real page uses. */
import { createVmClient } from '../src/vm/client.ts';
import { type History, runHistory } from '../tests/linux/history.ts';

declare global {
  /** Runs the history with these options added; the files come from /roms/. */
  var historyOf: (...args: string[]) => Promise<History>;
}

async function download(name: string): Promise<Uint8Array> {
  const response = await fetch(`/roms/${name}`);
  if (!response.ok) throw new Error(`/roms/${name}: status ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

globalThis.historyOf = async (...args) => {
  const vm = createVmClient(
    () => new Worker(new URL('../workers/machine.worker.ts', import.meta.url), { type: 'module' }),
  );
  const files = { vmlinuz: await download('vmlinuz-i386'), initrd: await download('initramfs-i386.cpio.gz') };
  try {
    return await runHistory(vm, files, args);
  } finally {
    vm.dispose();
  }
};
