/** Disks of this folder in native QEMU and in our machine: a picture of each video mode, and what they report. */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createNodeHost } from '../../src/cli/node-host.ts';
import type { VmEvent } from '../../src/vm/api.ts';
import { MachineVm } from '../../src/vm/machine-vm.ts';

const ROMS = new URL('../../roms/out/', import.meta.url);
const FIRMWARE = ['bios-256k.bin', 'vgabios-stdvga.bin', 'bios.bin', 'vgabios.bin', 'vgabios-cirrus.bin'];
/** What the code reads at once, and more. */
const MIN_DISK_BYTES = 128 * 512;
const directory = mkdtempSync(join(tmpdir(), 'lockstep-display-'));

const has = (program: string): boolean => spawnSync(program, ['--version']).status === 0;
/** What is missing for these tests, if anything. */
export const missing =
  ['as', 'ld', 'qemu-system-i386'].find((program) => !has(program)) ??
  FIRMWARE.find((name) => !existsSync(new URL(name, ROMS)));

/** A mode's picture, or why there is none. */
export type Pictures = ReadonlyMap<number, Uint8Array | 'not supported'>;

/** The path of a raw image: the code of a source file of this folder, followed by `data`. */
export function assembledDisk(name: string, data: Uint8Array = new Uint8Array()): string {
  const [object, image] = [join(directory, `${name}.o`), join(directory, `${name}.img`)];
  const source = fileURLToPath(new URL(`${name}.s`, import.meta.url));
  for (const [program, ...args] of [
    ['as', '--32', '-o', object, source],
    ['ld', '-m', 'elf_i386', '-Ttext', '0x7c00', '--oformat', 'binary', '-e', '0x7c00', '-o', image, object],
  ] as const) {
    const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' });
    if (status !== 0) throw new Error(stderr);
  }
  const code = readFileSync(image);
  const disk = new Uint8Array(Math.max(MIN_DISK_BYTES, Math.ceil((code.length + data.length) / 512) * 512));
  disk.set(code);
  disk.set(data, code.length);
  writeFileSync(image, disk);
  return image;
}

/** Follows the disk's reports on the serial line; has `take` make a picture of each mode before the next. */
class Follower {
  readonly pictures = new Map<number, Uint8Array | 'not supported'>();
  readonly done: Promise<void>;
  private readonly take: () => Promise<Uint8Array>;
  private readonly goOn: () => void;
  private reports: number[] = [];
  private finish: () => void = () => {};
  private fail: (error: unknown) => void = () => {};

  constructor(take: () => Promise<Uint8Array>, goOn: () => void) {
    this.take = take;
    this.goOn = goOn;
    this.done = new Promise((resolve, reject) => {
      this.finish = resolve;
      this.fail = reject;
    });
  }

  hear(bytes: Uint8Array): void {
    for (const byte of bytes) {
      this.reports.push(byte);
      if (this.reports.length === 1 && byte === 'E'.charCodeAt(0)) this.finish();
      if (this.reports.length < 3) continue;
      const [low = 0, high = 0, how] = this.reports;
      this.reports = [];
      const mode = low | (high << 8);
      if (how === 'S'.charCodeAt(0)) {
        this.pictures.set(mode, 'not supported');
        continue;
      }
      this.take().then((picture) => {
        this.pictures.set(mode, picture);
        this.goOn();
      }, this.fail);
    }
  }
}

export async function picturesOfQemu(disk: string, ...args: string[]): Promise<Pictures> {
  const socket = join(directory, 'monitor');
  const common = ['-m', '32', '-accel', 'tcg', '-display', 'none', '-nic', 'none', '-serial', 'stdio'];
  const monitorAt = ['-monitor', `unix:${socket},server=on,wait=off`];
  const qemu = spawn('qemu-system-i386', [...common, ...monitorAt, '-drive', `file=${disk},format=raw`, ...args]);
  try {
    const monitor = await connected(qemu, socket);
    let count = 0;
    const follower = new Follower(
      async () => {
        const file = join(directory, `qemu-${count++}.ppm`);
        await answered(monitor, `screendump ${file}`);
        return readFileSync(file);
      },
      () => void qemu.stdin.write('.'),
    );
    qemu.stdout.on('data', (bytes: Buffer) => follower.hear(bytes));
    await follower.done;
    return follower.pictures;
  } finally {
    qemu.kill();
  }
}

async function connected(qemu: ChildProcessWithoutNullStreams, path: string): Promise<Socket> {
  for (let tries = 0; ; tries++) {
    if (qemu.exitCode !== null || tries > 200) throw new Error('qemu-system-i386 did not start');
    if (existsSync(path)) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const socket = connect(path);
  await answered(socket, '');
  return socket;
}

/** Sends a line and waits for the prompt that follows its end; what is typed is echoed behind prompts of its own. */
function answered(monitor: Socket, line: string): Promise<void> {
  return new Promise((resolve) => {
    let heard = '';
    const onData = (data: Buffer): void => {
      heard += data.toString('latin1');
      if (!(line === '' ? /\(qemu\) $/ : /\r\n(?:.*\r\n)*\(qemu\) $/).test(heard)) return;
      monitor.off('data', onData);
      resolve();
    };
    monitor.on('data', onData);
    if (line !== '') monitor.write(`${line}\n`);
  });
}

export async function ourPictures(disk: string, ...args: string[]): Promise<Pictures> {
  const vm = new MachineVm({ host: createNodeHost() });
  let dumped: (bytes: Uint8Array) => void = () => {};
  const follower = new Follower(
    () =>
      new Promise((resolve) => {
        dumped = resolve;
        void vm.monitor('screendump picture.ppm');
      }),
    () => void vm.serialInput(0, Uint8Array.of(46)),
  );
  await startOurs(vm, disk, args, (event) => {
    if (event.kind === 'serial') follower.hear(event.bytes);
    if (event.kind === 'file') dumped(event.bytes);
  });
  await follower.done;
  await vm.quit();
  return follower.pictures;
}

/** The first `length` bytes that a disk reports on the serial line of native QEMU. */
export function reportOfQemu(disk: string, length: number, ...args: string[]): Promise<Uint8Array> {
  const common = [
    '-m',
    '32',
    '-accel',
    'tcg',
    '-display',
    'none',
    '-nic',
    'none',
    '-serial',
    'stdio',
    '-monitor',
    'none',
  ];
  const qemu = spawn('qemu-system-i386', [...common, '-drive', `file=${disk},format=raw`, ...args]);
  return new Promise((resolve, reject) => {
    const heard: number[] = [];
    qemu.once('error', reject);
    qemu.stdout.on('data', (bytes: Buffer) => {
      heard.push(...bytes);
      if (heard.length < length) return;
      qemu.kill();
      resolve(Uint8Array.from(heard.slice(0, length)));
    });
  });
}

export async function ourReport(disk: string, length: number, ...args: string[]): Promise<Uint8Array> {
  const vm = new MachineVm({ host: createNodeHost() });
  const heard: number[] = [];
  const done = new Promise<void>((resolve) => {
    void startOurs(vm, disk, args, (event) => {
      if (event.kind !== 'serial') return;
      heard.push(...event.bytes);
      if (heard.length >= length) resolve();
    });
  });
  await done;
  await vm.quit();
  return Uint8Array.from(heard.slice(0, length));
}

function startOurs(vm: MachineVm, disk: string, args: readonly string[], onEvent: (event: VmEvent) => void) {
  const roms = Object.fromEntries(FIRMWARE.map((name) => [name, new Uint8Array(readFileSync(new URL(name, ROMS)))]));
  return vm.start(
    {
      args: ['-m', '32', '-display', 'none', '-drive', 'file=disk,format=raw', ...args],
      files: { ...roms, disk: new Uint8Array(readFileSync(disk)) },
    },
    onEvent,
  );
}
