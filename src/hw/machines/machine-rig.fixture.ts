/** A machine on a plain buffer, without a CPU. */
import { boardByName } from './boards.ts';
import { buildMachine } from './build.ts';
import { bzImage } from './loaders/images.fixture.ts';
import type { Machine } from './machine.ts';
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
      requestSuspend: () => void requests.push('suspend'),
      reportPanic: () => void requests.push('panic'),
      watchdogExpired: () => void requests.push('watchdog'),
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

/** Reads files of fw_cfg by name, numbered items as integers. */
export function fwCfgReader({ io }: Machine) {
  const bytes = (key: number, length: number): number[] => {
    io.write(0x510, key, 2);
    return Array.from({ length }, () => io.read(0x511, 1));
  };
  const bigEndian = (part: readonly number[]): number => part.reduce((value, byte) => value * 256 + byte, 0);
  function file(name: string): number[] {
    const count = bigEndian(bytes(0x19, 4));
    const directory = bytes(0x19, 4 + 64 * count).slice(4);
    for (let at = 0; at < directory.length; at += 64) {
      const [entry = ''] = String.fromCharCode(...directory.slice(at + 8, at + 64)).split('\0');
      if (entry !== name) continue;
      return bytes(bigEndian(directory.slice(at + 4, at + 6)), bigEndian(directory.slice(at, at + 4)));
    }
    throw new Error(`no file ${name}`);
  }
  return Object.assign(file, { u32: (key: number): number => bigEndian(bytes(key, 4).reverse()) });
}
