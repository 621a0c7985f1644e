/** A page for screen.spec.ts: a machine of these options, and nothing but its screen. */
import { createRoot } from 'react-dom/client';
import { Screen } from '../src/ui/screen/screen.tsx';
import { createVmClient, type VmClient } from '../src/vm/client.ts';

declare global {
  /** Starts a machine with these options and files of /roms/, and shows its screen. */
  var showMachine: (args: readonly string[], roms: readonly string[]) => Promise<VmClient>;
}

async function download(name: string): Promise<Uint8Array> {
  const response = await fetch(`/roms/${name}`);
  if (!response.ok) throw new Error(`/roms/${name}: status ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

globalThis.showMachine = async (args, roms) => {
  const vm = createVmClient(
    () => new Worker(new URL('../workers/machine.worker.ts', import.meta.url), { type: 'module' }),
  );
  const files = Object.fromEntries(
    await Promise.all(roms.map(async (name): Promise<[string, Uint8Array]> => [name, await download(name)])),
  );
  await vm.start({ args, files }, () => {});
  const source = await vm.screen();
  if (source === undefined) throw new Error('this machine has no screen');
  createRoot(document.getElementById('root')!).render(<Screen source={source} scaling="fit" smooth={false} />);
  return vm;
};
