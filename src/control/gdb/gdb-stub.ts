/** GDB's remote serial protocol over any line of bytes: one debugger, one machine. */
import { VmError } from '../../util/errors.ts';
import type { StopReason, Watchpoint } from '../debug-control.ts';
import { createHumanMonitor } from '../hmp/hmp.ts';
import type { CpuView, VmControl } from '../vm-control.ts';
import { framePacket, fromHex, MAX_PACKET, PacketReader, toHex } from './packets.ts';
import { type GdbTarget, readRegister, targetXml, writeRegister } from './registers.ts';

const SIGINT = 2;
const SIGTRAP = 5;
const OK = 'OK';
/** Not an error: a command that we do not have. */
const UNKNOWN = '';
const BAD_ARGUMENT = 'E22'; // EINVAL
const BAD_ADDRESS = 'E14'; // EFAULT
const NO_ROOM = 'E28'; // ENOSPC
/** The only thread: the processor. */
const THREAD = '01';

/** What kinds of watchpoints are called in Z packets and in stop replies. */
const WATCH_KINDS: Readonly<Record<string, Watchpoint['kind']>> = { 2: 'write', 3: 'read', 4: 'access' };
const STOP_NAMES: Readonly<Record<Watchpoint['kind'], string>> = { write: 'watch', read: 'rwatch', access: 'awatch' };

type Handler = (argument: string) => string | undefined | Promise<string | undefined>;

export class GdbStub {
  private readonly vm: VmControl;
  private readonly cpu: CpuView;
  private readonly target: GdbTarget;
  private readonly line: (text: string) => void;
  private readonly reader: PacketReader;
  private readonly forgetListener: () => void;
  private breakpoints = new Set<bigint>();
  private watchpoints: Watchpoint[] = [];
  private lastReply = '';
  /** GDB waits for a stop reply. */
  private running = false;
  private asked: 'step' | 'interrupt' | undefined;
  private queue: Promise<void> = Promise.resolve();

  /** `send` takes text of one character a byte. The machine is stopped: GDB expects it so. */
  constructor(vm: VmControl, target: GdbTarget, send: (text: string) => void) {
    const [cpu] = vm.cpus;
    if (cpu === undefined) throw new Error('BUG: a machine without a processor');
    this.vm = vm;
    this.cpu = cpu;
    this.target = target;
    this.line = send;
    this.reader = new PacketReader(
      {
        packet: (data) => this.enqueue(data),
        interrupt: () => this.interrupt(),
        resend: () => this.line(this.lastReply),
      },
      send,
    );
    this.forgetListener = vm.debug.onStop((reason) => this.stopped(reason));
    void vm.stop();
    this.keepHistory();
  }

  /** So that GDB may go back; a machine with disks can't. */
  private keepHistory(): void {
    try {
      this.vm.debug.keepHistory(true);
    } catch (error) {
      if (!(error instanceof VmError)) throw error;
    }
  }

  receive(bytes: Uint8Array): void {
    this.reader.receive(bytes);
  }

  /** The line is gone: the machine keeps its state, without our breakpoints. */
  close(): void {
    this.forgetListener();
    this.vm.debug.setBreakpoints([]);
    this.vm.debug.setWatchpoints([]);
    this.vm.debug.keepHistory(false);
  }

  /** One packet after the other, each with its reply. */
  private enqueue(data: string): void {
    this.queue = this.queue.then(async () => {
      const reply = await this.handle(data);
      if (reply !== undefined) this.reply(reply);
    });
  }

  private reply(data: string): void {
    this.lastReply = framePacket(data);
    this.line(this.lastReply);
  }

  private async handle(data: string): Promise<string | undefined> {
    const name = Object.keys(this.handlers)
      .filter((prefix) => data.startsWith(prefix))
      .sort((a, b) => b.length - a.length)[0];
    const handler = name === undefined ? undefined : this.handlers[name];
    if (name === undefined || handler === undefined) return UNKNOWN;
    try {
      return await handler(data.slice(name.length));
    } catch (error) {
      if (!(error instanceof VmError)) throw error;
      return BAD_ARGUMENT;
    }
  }

  private readonly handlers: Readonly<Record<string, Handler>> = {
    '?': () => this.stopReply({ kind: 'pause' }),
    g: () => this.target.registers.map((register) => toHex(readRegister(this.cpu, register))).join(''),
    G: (argument) => this.writeAll(argument),
    p: (argument) => this.readOne(argument),
    P: (argument) => this.writeOne(argument),
    m: (argument) => this.readMemory(argument),
    M: (argument) => this.writeMemory(argument),
    X: (argument) => this.writeBinary(argument),
    c: (argument) => this.go('continue', argument),
    s: (argument) => this.go('step', argument),
    'vCont?': () => 'vCont;c;C;s;S',
    'vCont;': (argument) => this.go(/^[sS]/.test(argument) ? 'step' : 'continue', ''),
    bs: () => this.reverse('step'),
    bc: () => this.reverse('continue'),
    Z: (argument) => this.insert(argument),
    z: (argument) => this.remove(argument),
    H: () => OK,
    T: () => OK,
    D: () => this.detach(),
    k: () => this.kill(),
    qSupported: () =>
      `PacketSize=${MAX_PACKET.toString(16)};qXfer:features:read+;QStartNoAckMode+;vContSupported+` +
      (this.vm.debug.canReverse ? ';ReverseStep+;ReverseContinue+' : ''),
    QStartNoAckMode: () => {
      this.reader.acknowledges = false;
      return OK;
    },
    'qXfer:features:read:target.xml:': (argument) => this.transfer(targetXml(this.target), argument),
    qAttached: () => '1',
    qC: () => `QC${THREAD}`,
    qfThreadInfo: () => `m${THREAD}`,
    qsThreadInfo: () => 'l',
    'qThreadExtraInfo,': () => toHex(new TextEncoder().encode('CPU#0')),
    'qRcmd,': (argument) => this.monitorCommand(argument),
  };

  private readOne(argument: string): string {
    const register = this.target.registers[Number.parseInt(argument, 16)];
    return register === undefined ? BAD_ARGUMENT : toHex(readRegister(this.cpu, register));
  }

  private writeOne(argument: string): string {
    const [number = '', hex = ''] = argument.split('=');
    const register = this.target.registers[Number.parseInt(number, 16)];
    const bytes = fromHex(hex);
    if (register === undefined || bytes === undefined) return BAD_ARGUMENT;
    return writeRegister(this.cpu, register, bytes) ? OK : BAD_ARGUMENT;
  }

  private writeAll(argument: string): string {
    const bytes = fromHex(argument);
    if (bytes === undefined) return BAD_ARGUMENT;
    let at = 0;
    let isDone = true;
    for (const register of this.target.registers) {
      const size = register.bits / 8;
      if (at + size > bytes.length) break;
      isDone = writeRegister(this.cpu, register, bytes.subarray(at, at + size)) && isDone;
      at += size;
    }
    return isDone ? OK : BAD_ARGUMENT;
  }

  private readMemory(argument: string): string {
    const range = parseRange(argument);
    if (range === undefined || range.length > MAX_PACKET / 2) return BAD_ARGUMENT;
    const bytes = new Uint8Array(range.length);
    return this.cpu.readVirtual(range.address, bytes) ? toHex(bytes) : BAD_ADDRESS;
  }

  private writeMemory(argument: string): string {
    const colon = argument.indexOf(':');
    const bytes = fromHex(argument.slice(colon + 1));
    return this.store(argument.slice(0, colon), bytes);
  }

  private writeBinary(argument: string): string {
    const colon = argument.indexOf(':');
    const text = argument.slice(colon + 1);
    return this.store(
      argument.slice(0, colon),
      Uint8Array.from(text, (char) => char.charCodeAt(0)),
    );
  }

  private store(where: string, bytes: Uint8Array | undefined): string {
    const range = parseRange(where);
    if (range === undefined || bytes === undefined || bytes.length !== range.length) return BAD_ARGUMENT;
    return this.cpu.writeVirtual(range.address, bytes) ? OK : BAD_ADDRESS;
  }

  /** Nothing is answered now: the stop is the answer. */
  private async go(how: 'continue' | 'step', address: string): Promise<string | undefined> {
    if (/^[0-9a-f]+$/i.test(address)) this.cpu.writeRegister('eip', BigInt(`0x${address}`));
    this.running = true;
    if (how === 'continue') await this.vm.cont();
    else await this.vm.debug.step();
    return undefined;
  }

  private async reverse(how: 'step' | 'continue'): Promise<string | undefined> {
    if (!this.vm.debug.canReverse) return UNKNOWN;
    this.running = true;
    if (how === 'step') await this.vm.debug.reverseStep();
    else await this.vm.debug.reverseContinue();
    return undefined;
  }

  private interrupt(): void {
    if (!this.running) return;
    this.asked = 'interrupt';
    void this.vm.stop();
  }

  private stopped(reason: StopReason): void {
    if (!this.running) return;
    this.running = false;
    this.reply(this.stopReply(reason));
    this.asked = undefined;
  }

  private stopReply(reason: StopReason): string {
    if (reason.kind === 'exit') return 'W00';
    const signal = this.asked === 'interrupt' && reason.kind === 'pause' ? SIGINT : SIGTRAP;
    const head = `T${signal.toString(16).padStart(2, '0')}thread:${THREAD};`;
    if (reason.kind === 'watchpoint') {
      return `${head}${STOP_NAMES[reason.watchpoint.kind]}:${reason.watchpoint.address.toString(16)};`;
    }
    return reason.kind === 'history-begin' ? `${head}replaylog:begin;` : head;
  }

  private insert(argument: string): string {
    const point = parsePoint(argument);
    if (point === undefined) return BAD_ARGUMENT;
    const { type, address, length } = point;
    const kind = WATCH_KINDS[type];
    if (kind === undefined) {
      this.breakpoints.add(address);
      this.vm.debug.setBreakpoints([...this.breakpoints]);
      return OK;
    }
    if (this.watchpoints.length >= this.vm.debug.maxWatchpoints) return NO_ROOM;
    this.watchpoints.push({ address, length, kind });
    this.vm.debug.setWatchpoints(this.watchpoints);
    return OK;
  }

  private remove(argument: string): string {
    const point = parsePoint(argument);
    if (point === undefined) return BAD_ARGUMENT;
    const { type, address, length } = point;
    const kind = WATCH_KINDS[type];
    if (kind === undefined) {
      this.breakpoints.delete(address);
      this.vm.debug.setBreakpoints([...this.breakpoints]);
      return OK;
    }
    const index = this.watchpoints.findIndex(
      (watch) => watch.address === address && watch.length === length && watch.kind === kind,
    );
    if (index >= 0) this.watchpoints.splice(index, 1);
    this.vm.debug.setWatchpoints(this.watchpoints);
    return OK;
  }

  private async detach(): Promise<string> {
    this.close();
    await this.vm.cont();
    return OK;
  }

  private async kill(): Promise<undefined> {
    await this.vm.quit();
    return undefined;
  }

  private transfer(document: string, argument: string): string {
    const range = parseRange(argument);
    if (range === undefined) return BAD_ARGUMENT;
    const from = Number(range.address);
    const part = document.slice(from, from + Math.min(range.length, MAX_PACKET - 16));
    return `${from + part.length < document.length ? 'm' : 'l'}${part}`;
  }

  private async monitorCommand(argument: string): Promise<string> {
    const bytes = fromHex(argument);
    if (bytes === undefined) return BAD_ARGUMENT;
    const text = await createHumanMonitor(this.vm).execute(new TextDecoder().decode(bytes));
    const hex = toHex(new TextEncoder().encode(text));
    // GDB prints what comes in O packets as it comes; the last one may be the answer itself.
    for (let at = 0; at < hex.length; at += MAX_PACKET / 2) this.reply(`O${hex.slice(at, at + MAX_PACKET / 2)}`);
    return OK;
  }
}

/** `address,length` in hexadecimal. */
function parseRange(text: string): { readonly address: bigint; readonly length: number } | undefined {
  const match = /^([0-9a-f]{1,16}),([0-9a-f]{1,8})$/i.exec(text);
  if (match === null) return undefined;
  return { address: BigInt(`0x${match[1]}`), length: Number.parseInt(match[2] ?? '', 16) };
}

/** `type,address,kind` of Z and z: types 0 to 4. */
function parsePoint(
  text: string,
): { readonly type: string; readonly address: bigint; readonly length: number } | undefined {
  const match = /^([0-4]),([^;]*)/.exec(text);
  const range = parseRange(match?.[2] ?? '');
  if (match === null || range === undefined) return undefined;
  return { type: match[1] ?? '', address: range.address, length: Math.max(1, range.length) };
}
