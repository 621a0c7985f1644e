/** A machine on a plain buffer, without a CPU. */
import { boardByName } from './boards.ts';
import { buildMachine } from './build.ts';
import { bzImage } from './loaders/images.fixture.ts';
import { type MachineOptions, planMachine } from './plan.ts';

const MiB = 2 ** 20;

export function machineRig(name: string, options: Partial<MachineOptions> = {}) {
  const plan = planMachine({
    board: boardByName(name),
    ramBytes: 16 * MiB,
    kernel: {
      kernel: { name: 'vmlinuz', bytes: bzImage() },
      commandLine: 'console=ttyS0',
      openFile: () => new Uint8Array(5000),
    },
    ...options,
  });
  const ram = new Uint8Array(plan.backingBytes);
  const requests: string[] = [];
  const machine = buildMachine(plan, {
    ram: { bytes: ram, written() {} },
    control: {
      requestReset: () => void requests.push('reset'),
      requestShutdown: () => void requests.push('shutdown'),
      requestExit: (status) => void requests.push(`exit ${status}`),
    },
  });
  machine.reset();
  return {
    machine,
    plan,
    ram,
    requests,
    cmos(register: number): number {
      machine.io.write(0x70, register, 1);
      return machine.io.read(0x71, 1);
    },
  };
}
