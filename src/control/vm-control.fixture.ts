import type { BlockCounts, DriveView } from './block-control.ts';
import type { StopReason } from './debug-control.ts';
import type { RunState, VmControl } from './vm-control.ts';

/** The first bytes at F000:FFF0 of Debian's SeaBIOS, as the goldens of native QEMU show them. */
const RESET_VECTOR = [0xea, 0x5b, 0xe0, 0x00, 0xf0, 0x30, 0x36, 0x2f, 0x32, 0x33, 0x2f, 0x39, 0x39, 0x00, 0xfc, 0x00];

const COUNTS: BlockCounts = {
  readBytes: 1024,
  writtenBytes: 512,
  discardedBytes: 0,
  reads: 2,
  writes: 1,
  flushes: 3,
  discards: 0,
  failedReads: 0,
  failedWrites: 0,
  failedFlushes: 0,
  readNs: 20,
  writeNs: 10,
  flushNs: 30,
};

/** As those of native QEMU that `info block` was tried on. */
const DRIVES: readonly DriveView[] = [
  {
    device: 'ide0-hd0',
    attachedTo: '/machine/unattached/device[23]',
    removable: false,
    locked: false,
    trayOpen: false,
    failed: false,
    medium: {
      file: '/tmp/o.qcow2',
      nodeName: '#block177',
      driver: 'qcow2',
      sizeBytes: 8 << 20,
      readonly: false,
      writeback: true,
      backing: { file: '/tmp/d.img', depth: 1 },
    },
    counts: COUNTS,
  },
  {
    device: 'ide1-cd0',
    attachedTo: '/machine/unattached/device[24]',
    removable: true,
    locked: false,
    trayOpen: false,
    failed: false,
    medium: undefined,
    counts: COUNTS,
  },
];

export interface FakeVm extends VmControl {
  runState: RunState;
  name: string | undefined;
  readonly log: string[];
  /** Tells whoever listens that the machine came to a stop. */
  stopped(reason: StopReason): void;
}

/** A machine of 16 MB with a BIOS below 1 MB, at its reset vector. */
export function createFakeVm(): FakeVm {
  const memory = new Uint8Array(0x110000);
  memory.set(RESET_VECTOR, 0xffff0);
  const log: string[] = [];
  const listeners = new Set<(reason: StopReason) => void>();
  const registers: Record<string, bigint> = {
    eip: 0xfff0n,
    cs: 0xf000n,
    'cs.base': 0xffff0000n,
    pc: 0xfffffff0n,
    eax: 0n,
  };
  const read = (address: bigint, into: Uint8Array): boolean => {
    if (address + BigInt(into.length) > BigInt(memory.length)) return false;
    into.set(memory.subarray(Number(address), Number(address) + into.length));
    return true;
  };
  const vm: FakeVm = {
    debug: {
      maxWatchpoints: 2,
      setBreakpoints: (addresses) => void log.push(`breakpoints ${addresses.map((a) => a.toString(16))}`),
      setWatchpoints: (points) =>
        void log.push(`watchpoints ${points.map((p) => `${p.kind} ${p.address.toString(16)}`)}`),
      step: async () => {
        log.push('step');
        for (const listener of listeners) listener({ kind: 'step' });
      },
      keepHistory: (on) => void log.push(`history ${on}`),
      canReverse: false,
      history: undefined,
      seek: async (instructions) => void log.push(`seek ${instructions}`),
      reverseStep: async () => void log.push('reverse step'),
      reverseContinue: async () => void log.push('reverse continue'),
      onStop(stopped) {
        listeners.add(stopped);
        return () => void listeners.delete(stopped);
      },
    },
    stopped: (reason) => {
      for (const listener of listeners) listener(reason);
    },
    version: '0.1.0',
    name: undefined,
    uuid: '00000000-0000-0000-0000-000000000000',
    runState: 'prelaunch',
    log,
    balloon: undefined,
    blocks: {
      list: () => DRIVES,
      eject: async (device, force) => void log.push(`eject ${device} ${force}`),
      change: async (device, file, { format, mode, force }) =>
        void log.push(`change ${device} ${file} ${format} ${mode} ${force}`),
      resize: async (device, sizeBytes) => void log.push(`resize ${device} ${sizeBytes}`),
      commit: async (device) => void log.push(`commit ${device}`),
    },
    input: {
      key: (name, down, holdMs) => void log.push(`${name} ${down ? 'down' : 'up'} ${holdMs ?? ''}`.trimEnd()),
      pointer: (event) => void log.push(JSON.stringify(event)),
      mice: [
        { index: 3, name: 'QEMU HID Tablet', absolute: true, current: false },
        { index: 2, name: 'QEMU PS/2 Mouse', absolute: false, current: true },
      ],
      chooseMouse: (index) => index === 2 || index === 3,
    },
    cpus: [
      {
        index: 0,
        addressDigits: 8,
        dumpRegisters: () => 'EAX=00000000\n',
        register: (name) => registers[name],
        readVirtual: read,
        writeRegister: (name, value) => {
          if (!Object.hasOwn(registers, name)) return false;
          registers[name] = value;
          return true;
        },
        writeVirtual: (address, bytes) => void log.push(`write ${address.toString(16)} ${bytes}`) === undefined,
        disassemble(address) {
          const bytes = new Uint8Array(address === 0xffff0n ? 5 : 10);
          if (!read(address, bytes)) return undefined;
          return { text: address === 0xffff0n ? 'ljmpw $0xf000:$0xe05b' : 'nop', bytes };
        },
      },
    ],
    stop: () => void (vm.runState = 'paused'),
    cont: () => void (vm.runState = 'running'),
    systemReset: () => void log.push('reset'),
    systemPowerdown: () => void log.push('powerdown'),
    systemWakeup: () => void log.push('wakeup'),
    injectNmi: () => void log.push('nmi'),
    quit: () => void log.push('quit'),
    readPhysical: read,
    screen: { text: () => 'A:\\>\n', picture: async (format) => new TextEncoder().encode(format) },
    saveFile: (name, bytes) => void log.push(`file ${name}: ${new TextDecoder().decode(bytes)}`),
    describe: (topic) => (topic === 'pic' ? 'pic0: irr=00\n' : undefined),
  };
  return vm;
}
