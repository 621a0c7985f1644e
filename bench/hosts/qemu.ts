/** Native qemu-system-i386 with its translator, TCG. */
import { type ChildProcess, spawn } from 'node:child_process';
import { Recorder } from '../recorder.ts';
import { machineArguments } from '../workloads.ts';
import type { Host } from './host.ts';
import { cpuMsOf, memoryOf } from './proc.ts';

export const QEMU = 'qemu-system-i386';

export const qemuHost: Host = {
  name: 'qemu',
  async run(image, timeoutMs) {
    const names = { kernel: image.kernel, initrd: image.initrd ?? '' };
    const ended = Promise.withResolvers<string | null>();
    let child: ChildProcess | undefined;
    const pid = (): number => child?.pid ?? -1;
    const recorder = new Recorder({
      wallMs: () => performance.now(),
      cpuMs: () => cpuMsOf(pid()) ?? (child === undefined ? 0 : null),
      instructions: () => null,
      memory: () => memoryOf(pid(), image.memoryMiB * 2 ** 20, null),
    });
    recorder.powerOn();
    const qemu = spawn(QEMU, [...machineArguments(image, names), '-accel', 'tcg'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    child = qemu;
    qemu.stdout.on('data', (bytes: Uint8Array) => recorder.write(bytes));
    qemu.on('error', (error) => ended.resolve(`${QEMU}: ${error.message}`));
    qemu.on('exit', (code, signal) => ended.resolve(`${QEMU} ended (${signal ?? code}) before the guest was done`));
    void recorder.done.then(() => ended.resolve(null));
    const timer = setTimeout(() => ended.resolve(`no end after ${timeoutMs / 1000} s`), timeoutMs);
    const kill = (): void => void qemu.kill('SIGKILL');
    process.once('exit', kill);
    const error = await ended.promise;
    clearTimeout(timer);
    kill();
    process.off('exit', kill);
    return recorder.record(null, error);
  },
};
