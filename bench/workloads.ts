/** The rows of the bench: what the guests run, in this order. */

export type Suite = 'linux' | 'freestanding';

export interface Workload {
  readonly name: string;
  readonly suite: Suite;
  readonly what: string;
}

/** From power-on to the first line of the guest's own program. */
export const POWER_ON = 'power-on';

const LINUX = {
  [POWER_ON]: 'power-on to /init (QEMU and v86 run SeaBIOS first, Lockstep loads the kernel directly)',
  sha256sum: 'sha256sum of 16 MiB',
  md5sum: 'md5sum of 64 MiB',
  gzip: 'gzip of 8 MiB',
  shell: 'a loop of the shell, 100 000 rounds',
  awk: 'floating point in awk, 1 000 000 rounds',
  fork: '500 times fork and exec',
} as const;

const FREESTANDING = {
  sieve: 'sieve of Eratosthenes over 2 MB',
  crc: 'CRC-32 by table over 1 MiB',
  sha256: 'SHA-256 over 64 KiB',
  qsort: 'quicksort of 200 000 integers',
  matmul: 'product of integer matrices, 160 x 160',
  string: 'string instructions, byte loops, lengths and comparisons',
  fib: 'recursive calls',
  vm: 'interpreter of a bytecode',
  lz: 'LZ77 unpacking of 256 KiB',
  arith64: '64-bit arithmetic with division',
  list: 'walk of a linked list over 8 MiB',
  mix: 'lists, small matrices, a state machine and CRC-16',
  cold: '4000 functions, each called 2 to 20 times',
} as const;

const rowsOf = (suite: Suite, rows: Readonly<Record<string, string>>): Workload[] =>
  Object.entries(rows).map(([name, what]) => ({ name, suite, what }));

export const WORKLOADS: readonly Workload[] = [...rowsOf('linux', LINUX), ...rowsOf('freestanding', FREESTANDING)];

/** What a guest gets to run. */
export interface GuestImage {
  readonly suite: Suite;
  readonly memoryMiB: number;
  /** Paths of the kernel and, for Linux, of the initial file system. */
  readonly kernel: string;
  readonly initrd: string | undefined;
  readonly commandLine: string;
}

/** Command line of the machine, for QEMU and for Lockstep; files by the names that they are given here. */
export function machineArguments(
  image: GuestImage,
  { kernel, initrd }: { readonly kernel: string; readonly initrd: string },
): string[] {
  return [
    ...['-M', 'pc', '-cpu', 'pentium2', '-m', String(image.memoryMiB)],
    ...['-kernel', kernel],
    ...(image.initrd === undefined ? [] : ['-initrd', initrd]),
    ...(image.commandLine === '' ? [] : ['-append', image.commandLine]),
    ...['-serial', 'stdio', '-monitor', 'none', '-display', 'none', '-no-reboot'],
  ];
}
