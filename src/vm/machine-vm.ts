/** The composition root: a command line becomes a machine that runs, and that page, terminal and monitor can drive. */
import type { BlockFailure } from '../block/api.ts';
import type { HostDrive, Medium } from '../block/drive.ts';
import type { BlockControl, DriveView } from '../control/block-control.ts';
import { GdbStub } from '../control/gdb/gdb-stub.ts';
import { GDB_I386 } from '../control/gdb/registers.ts';
import { createHumanMonitor, type HumanMonitor } from '../control/hmp/hmp.ts';
import { createQtest, type Qtest } from '../control/qtest.ts';
import type { VmControl } from '../control/vm-control.ts';
import type { RunControl } from '../hw/machines/machine.ts';
import { keyByName } from '../input/keys.ts';
import type { PointerEvent } from '../input/pointer.ts';
import { VmError } from '../util/errors.ts';
import type {
  ExportFormat,
  NewMedium,
  PieceSink,
  RunState,
  SharedScreen,
  Vm,
  VmEvent,
  VmOptions,
  VmStatus,
} from './api.ts';
import { type AssembledMachine, assemble, type History, ORDERS_TARGET } from './assemble.ts';
import { balloonView } from './balloon-view.ts';
import { catalogueI386 } from './catalogue-i386.ts';
import { Debugger } from './debugger.ts';
import { createDriveControl } from './drive-control.ts';
import { type ImageLibrary, type OpenHostFile, openMedia } from './drives.ts';
import { exportImage } from './export-image.ts';
import type { Host } from './host.ts';
import { type InputView, inputView } from './input-view.ts';
import { loadMachine, saveMachine } from './machine-state.ts';
import type { MachineOptions, WatchdogAction } from './options/machine-options.ts';
import { parseCommandLine } from './options/parse.ts';
import { describePic } from './pic-text.ts';
import { qtestTarget } from './qtest-target.ts';
import type { SliceEnd } from './run-loop.ts';
import { chardevTarget } from './serial-ports.ts';
import { createSound, type Sound } from './sound.ts';
import { hashParts } from './state-hash.ts';
import { describeUsb } from './usb-text.ts';
import { VERSION } from './version.ts';
import type { X86Processor } from './x86/processor.ts';

export interface MachineVmOptions {
  readonly host: Host;
  /** Where `-d` writes to; absent: nowhere. */
  readonly log?: ((text: string) => void) | undefined;
  readonly history?: History;
  /** Opens disk images that are not among the files given. */
  readonly openHostFile?: OpenHostFile;
}

/** What a device asked for; it happens between two instructions. */
type Request =
  | { readonly kind: 'reset' | 'shutdown' | 'suspend' | 'panic' | 'stop' | 'watchdog' }
  | { readonly kind: 'exit'; readonly status: number };

interface Parts extends AssembledMachine {
  readonly debugger: Debugger;
  readonly control: VmControl;
  readonly monitor: HumanMonitor;
  readonly keysAndPointers: InputView;
  readonly sound: Sound | undefined;
  readonly qtest: Qtest;
  readonly blocks: BlockControl;
  readonly library: ImageLibrary;
}

const SYSTEM_EVENTS = ['reset', 'stop', 'nmi', 'powerdown', 'wakeup'] as const;
type SystemEvent = (typeof SYSTEM_EVENTS)[number];

/** What only a reset ends. */
const STOPPED_STATES: ReadonlySet<RunState> = new Set(['internal-error', 'shutdown', 'guest-panicked', 'watchdog']);

const WATCHDOG_REQUESTS = { reset: 'reset', poweroff: 'shutdown', pause: 'watchdog' } as const;

export class MachineVm implements Vm {
  private readonly host: Host;
  private readonly logText: ((text: string) => void) | undefined;
  private readonly history: History;
  private readonly openHostFile: OpenHostFile | undefined;
  private starting = false;
  private parts: Parts | undefined;
  private runState: RunState = 'prelaunch';
  private request: Request | undefined;
  private leds = 0;
  private absolutePointer = false;
  private pauseReached: (() => void) | undefined;
  private onEvent: (event: VmEvent) => void = () => {};

  constructor({ host, log, history = {}, openHostFile }: MachineVmOptions) {
    this.openHostFile = openHostFile;
    this.history = history;
    this.host = host;
    this.logText = log;
  }

  async start(given: VmOptions, onEvent: (event: VmEvent) => void): Promise<void> {
    if (this.parts !== undefined || this.starting) throw new VmError('the machine is started already');
    this.onEvent = onEvent;
    const parsed = parseCommandLine(given.args, catalogueI386);
    if (parsed.kind === 'answer') {
      onEvent({ kind: 'message', level: 'info', text: parsed.text });
      onEvent({ kind: 'exit', code: parsed.exitCode, reason: 'host-quit' });
      return;
    }
    this.starting = true;
    let media: ReadonlyMap<string, Medium> = new Map();
    try {
      const library = this.imageLibrary(given);
      media = await openMedia(parsed.options.drives, parsed.options.flash, library);
      this.begin(this.build(parsed.options, given.files, library, media));
    } catch (error) {
      if (this.parts === undefined) await Promise.allSettled([...media.values()].map(({ node }) => node.close()));
      throw error;
    } finally {
      this.starting = false;
    }
  }

  private imageLibrary({ files, images = {} }: VmOptions): ImageLibrary {
    let nodes = 0;
    return {
      files,
      images: new Map(Object.entries(images)),
      openHostFile: this.openHostFile,
      warn: (text) => this.message('warning', text),
      nodeName: () => `#block${++nodes}`,
    };
  }

  private begin(parts: Parts): void {
    this.parts = parts;
    this.runState = 'prelaunch';
    this.powerOn(parts);
    if (!parts.options.startPaused && parts.options.accel.name !== 'qtest') this.setRunning(parts);
    void parts.loop.drive();
  }

  async pause(): Promise<void> {
    const parts = this.started();
    if (this.runState !== 'running') return;
    this.hold(parts, 'paused');
    parts.debugger.stopped('pause');
  }

  async resume(): Promise<void> {
    const parts = this.started();
    if (this.runState === 'internal-error') {
      throw new VmError('the machine stopped on an error', { hint: 'Reset it first.' });
    }
    // As QEMU: what was shut down under -no-shutdown needs a reset before it goes on.
    if (this.runState === 'shutdown') throw new VmError('Resetting the Virtual Machine is required');
    if (this.runState !== 'running' && this.runState !== 'suspended') this.setRunning(parts);
  }

  async reset(): Promise<void> {
    this.postSystemEvent('reset');
  }

  /** Presses the power button. */
  async powerdown(): Promise<void> {
    this.postSystemEvent('powerdown');
  }

  async wakeup(): Promise<void> {
    if (this.runState !== 'suspended') throw new VmError('Unable to wake up: guest is not in suspended state');
    this.postSystemEvent('wakeup');
  }

  /** QEMU's boards do not ask port 70H's bit 7 either. */
  async injectNmi(): Promise<void> {
    this.postSystemEvent('nmi');
  }

  private postSystemEvent(event: SystemEvent): void {
    const parts = this.started();
    parts.input.post(ORDERS_TARGET, event);
    if (!parts.loop.isRunning) parts.loop.settle();
  }

  async quit(): Promise<void> {
    if (this.parts !== undefined) await this.finish(this.parts, 0, 'host-quit');
  }

  async status(): Promise<VmStatus> {
    return this.started().status.read(this.runState);
  }

  async serialInput(port: number, bytes: Uint8Array): Promise<void> {
    const { input } = this.started();
    if (!input.post(`serial${port}`, Uint8Array.from(bytes)))
      throw new VmError(`there is no serial port ${port} with input`);
  }

  async key(name: string, down: boolean): Promise<void> {
    if (keyByName(name) === undefined) throw new VmError(`invalid parameter: ${name}`);
    this.started().keysAndPointers.key(name, down);
  }

  async pointer(event: PointerEvent): Promise<void> {
    this.started().keysAndPointers.pointer(event);
  }

  async type(codes: Uint8Array | undefined): Promise<void> {
    const { keysAndPointers } = this.started();
    if (codes === undefined) keysAndPointers.stopTyping();
    else keysAndPointers.type(Uint8Array.from(codes));
  }

  /** Bytes for the device behind a `-chardev`; taken at the pace the guest reads. */
  async chardevInput(id: string, bytes: Uint8Array): Promise<void> {
    const { input } = this.started();
    if (!input.post(chardevTarget(id), Uint8Array.from(bytes)))
      throw new VmError(`there is no chardev '${id}' with input`);
  }

  /** A line of the qtest protocol; its answer. */
  async qtest(line: string): Promise<string> {
    return this.started().qtest.execute(line);
  }

  /** Runs on and pauses when exactly so many instructions have retired since power-on. */
  async pauseAt(instructions: number): Promise<void> {
    const parts = this.started();
    const { executed } = parts.processor;
    if (!Number.isSafeInteger(instructions) || instructions <= executed) {
      throw new VmError(`cannot pause at instruction ${instructions}: ${executed} are executed`);
    }
    parts.input.scheduleFirst({ count: instructions, target: ORDERS_TARGET, data: 'stop' });
    const reached = new Promise<void>((resolve) => {
      this.pauseReached = resolve;
    });
    await this.resume();
    await reached;
  }

  /** A break condition on a serial line: Linux's magic SysRq. */
  serialBreak(port: number): void {
    this.started().input.post(`serial${port}.event`, 'break');
  }

  async screen(): Promise<SharedScreen | undefined> {
    const { screen } = this.started();
    if (screen === undefined) return undefined;
    screen.refresh();
    return { memory: screen.memory, words: screen.words };
  }

  async screenText(): Promise<string | undefined> {
    return this.started().screen?.text();
  }

  async drives(): Promise<readonly DriveView[]> {
    return this.started().blocks.list();
  }

  async changeMedium(device: string, file: string, { source, ...change }: NewMedium = {}): Promise<void> {
    const { blocks, library } = this.started();
    if (source !== undefined) library.images.set(file, source);
    await blocks.change(device, file, change);
  }

  async ejectMedium(device: string, force = false): Promise<void> {
    await this.started().blocks.eject(device, force);
  }

  async exportDrive(device: string, format: ExportFormat, sink: PieceSink): Promise<void> {
    await this.standingStill(async ({ drives }) => {
      const drive = drives.get(device);
      if (drive === undefined) throw new VmError(`Device '${device}' not found`, { class: 'DeviceNotFound' });
      await drive.alone(async (medium) => {
        if (medium === undefined) throw new VmError(`drive '${device}' is empty`);
        await exportImage(medium.node, format, sink);
      });
    });
  }

  async monitor(line: string): Promise<string> {
    return this.started().monitor.execute(line);
  }

  /** What a terminal shows before the first command, and before each. */
  get monitorGreeting(): { readonly banner: string; readonly prompt: string } {
    return this.started().monitor;
  }

  async stateHash(): Promise<{ readonly instructions: number; readonly hash: string }> {
    // Nothing may run while the parts are hashed, which takes several turns of the event loop.
    return this.standingStill(async ({ processor, machine }) => {
      const instructions = processor.executed;
      const devices = machine.save().flatMap(([id, state]) => [new TextEncoder().encode(id), state]);
      const ram = processor.engine.memory.backing;
      return { instructions, hash: await hashParts([processor.hashedState(), ram, ...devices]) };
    });
  }

  /** Calls `body` while nothing runs, neither the guest nor a request to a disk. */
  private async standingStill<T>(body: (parts: Parts) => T | Promise<T>): Promise<T> {
    const parts = this.started();
    const { loop, disks, drives, timeline } = parts;
    const wasRunning = loop.isRunning;
    if (wasRunning) loop.pause();
    try {
      // What ends may make a device ask for more.
      while (disks.busy) {
        for (const drive of drives.values()) {
          if (drive.hasStopped) throw new VmError(`drive '${drive.id}' has requests that failed: continue first`);
        }
        await disks.settled();
        loop.settle();
      }
      // In its past the machine gets what it got then, and only when it goes on.
      if (drives.size > 0 && !timeline.inPast) loop.settle();
      return await body(parts);
    } finally {
      if (wasRunning && this.runState === 'running' && this.parts === parts) loop.resume();
    }
  }

  /** The whole machine as a migration stream. It stands still meanwhile, between two instructions. */
  async saveState(): Promise<Uint8Array> {
    return this.standingStill(saveMachine);
  }

  /** Fills the machine from a stream that `saveState` wrote on a machine alike; it goes on running, or stays paused. */
  async loadState(stream: Uint8Array, name = 'the saved state'): Promise<void> {
    await this.standingStill((parts) => {
      loadMachine(parts, stream, name);
      this.request = undefined;
      parts.loop.restarted();
      if (this.runState === 'internal-error' || this.runState === 'shutdown') this.setState('paused');
    });
  }

  /** For a debugger, and other clients of the control interface. */
  get controlled(): VmControl {
    return this.started().control;
  }

  private started(): Parts {
    if (this.parts === undefined) throw new VmError('there is no machine', { hint: 'Start one first.' });
    return this.parts;
  }

  private build(
    options: MachineOptions,
    files: Readonly<Record<string, Uint8Array>>,
    library: ImageLibrary,
    media: ReadonlyMap<string, Medium>,
  ): Parts {
    const sound = createSound(options.audio, (event) => this.onEvent(event));
    const built = assemble(options, files, {
      host: this.host,
      logText: this.logText,
      history: this.history,
      media,
      onDiskStopped: (drive, error) => this.stopOnDisk(drive, error),
      hooks: {
        attend: (end) => this.attend(end),
        hung: () => this.reportHang(),
        turned: (hostNs) => this.turned(hostNs),
        failed: (error) => this.fail(error),
      },
      control: (processor) => this.control(processor, options.watchdogAction),
      leds: (leds) => this.showLeds(leds),
      audio: sound?.mixer,
    });
    built.input.receiveEvents<SystemEvent>(ORDERS_TARGET, {
      check: (data): data is SystemEvent => SYSTEM_EVENTS.some((event) => event === data),
      receive: (event) => this.systemEvent(this.started(), event),
      isBarrier: (event) => event === 'stop',
    });
    const keysAndPointers = inputView(built.machine, built.input);
    const blocks = createDriveControl({
      options,
      drives: built.drives,
      library,
      settle: () => void (!built.loop.isRunning && built.loop.settle()),
    });
    const debug = this.createDebugger(built);
    const control = this.controlInterface(built, keysAndPointers, blocks, debug);
    return {
      ...built,
      qtest: createQtest(qtestTarget(built), (line) => this.onEvent({ kind: 'qtest', line })),
      sound,
      keysAndPointers,
      blocks,
      library,
      debugger: debug,
      control,
      monitor: createHumanMonitor(control),
    };
  }

  private createDebugger({ processor, timeline, input }: AssembledMachine): Debugger {
    return new Debugger({
      processor,
      timeline,
      run: (count) => {
        if (count !== undefined) input.scheduleFirst({ count, target: ORDERS_TARGET, data: 'stop' });
        this.setRunning(this.started());
      },
      stand: () => this.hold(this.started(), 'debug'),
    });
  }

  private systemEvent(parts: Parts, event: SystemEvent): void {
    if (event === 'nmi') parts.processor.raiseNmi();
    else if (event === 'powerdown') parts.machine.pressPowerButton();
    else if (event === 'wakeup') this.wake(parts);
    else this.request = { kind: event };
  }

  private control(processor: X86Processor, watchdogAction: WatchdogAction): RunControl {
    const ask = (request: Request): void => {
      // The first request counts, but nothing outranks an exit status.
      if (this.request === undefined || request.kind === 'exit') this.request = request;
      processor.stop();
    };
    return {
      requestReset: () => ask({ kind: 'reset' }),
      requestShutdown: () => ask({ kind: 'shutdown' }),
      requestSuspend: () => ask({ kind: 'suspend' }),
      reportPanic: () => ask({ kind: 'panic' }),
      watchdogExpired: () => {
        if (watchdogAction === 'inject-nmi') processor.raiseNmi();
        else if (watchdogAction === 'debug') this.message('warning', 'watchdog: timer fired');
        else if (watchdogAction === 'shutdown') this.started().machine.pressPowerButton();
        else if (watchdogAction !== 'none') ask({ kind: WATCHDOG_REQUESTS[watchdogAction] });
      },
      requestExit: (status) => ask({ kind: 'exit', status }),
    };
  }

  private controlInterface(
    parts: AssembledMachine,
    keysAndPointers: InputView,
    blocks: BlockControl,
    debug: Debugger,
  ): VmControl {
    const { options, machine, input, cpu, status, screen, readPhysical } = parts;
    const currentState = (): RunState => this.runState;
    return {
      debug,
      version: VERSION,
      name: options.name,
      uuid: options.uuid,
      get runState() {
        return currentState();
      },
      cpus: [cpu],
      input: keysAndPointers,
      blocks,
      balloon: balloonView(machine, input),
      screen: screen && {
        text: () => screen.text(),
        picture: (format) => screen.pictureFile(format),
      },
      saveFile: (name, bytes) => this.onEvent({ kind: 'file', name, bytes }),
      stop: () => this.pause(),
      cont: () => this.resume(),
      systemReset: () => this.reset(),
      systemPowerdown: () => this.powerdown(),
      systemWakeup: () => this.wakeup(),
      injectNmi: () => this.injectNmi(),
      quit: () => this.quit(),
      readPhysical: (address, into) => readPhysical(Number(address), into),
      describe(topic) {
        if (topic === 'jit') return status.describeEngine();
        return topic === 'usb' ? describeUsb(machine) : describePic(machine);
      },
    };
  }

  private powerOn(parts: AssembledMachine): void {
    parts.machine.reset();
    this.resetProcessor(parts);
  }

  /** S3 ends: all but RAM is reset, and the firmware finds its way back. */
  private wake(parts: Parts): void {
    parts.machine.wake();
    this.resetProcessor(parts);
    this.setRunning(parts);
  }

  private resetProcessor({ machine, processor, loop }: AssembledMachine): void {
    processor.reset(machine.cpuStart);
    processor.setA20(machine.a20.level);
    processor.engine.vcpu.setInterruptRequest(machine.cpuIrq.level);
    this.request = undefined;
    loop.restarted();
  }

  private setRunning({ loop, drives, debugger: debug }: Parts): void {
    debug.leaving();
    this.setState('running');
    for (const drive of drives.values()) drive.retry();
    loop.resume();
  }

  /** Between two instructions: what the processor or a device came to a stop for. */
  private attend(end: SliceEnd): void {
    if (this.parts === undefined) return;
    if (end === 'shutdown') this.guestShutdownState(this.parts);
    if (end === 'breakpoint' || end === 'watchpoint') {
      this.hold(this.parts, 'debug');
      this.parts.debugger.stopped(end);
      return;
    }
    const { request } = this;
    if (request === undefined) return;
    this.request = undefined;
    switch (request.kind) {
      case 'exit':
        void this.finish(this.parts, request.status & 0xff, 'debug-exit');
        break;
      case 'shutdown':
        this.guestPowerOff(this.parts);
        break;
      case 'reset':
        this.guestReset(this.parts);
        break;
      case 'suspend':
        this.parts.machine.suspend();
        this.hold(this.parts, 'suspended');
        break;
      case 'watchdog':
        this.hold(this.parts, 'watchdog');
        break;
      case 'panic':
        this.guestPanic(this.parts);
        break;
      case 'stop':
        this.hold(this.parts, 'paused');
        this.pauseReached?.();
        this.parts.debugger.stopped('step');
        break;
    }
  }

  /** Triple fault: a PC's board resets. Execution where there is no memory: QEMU gives up, and so do we. */
  private guestShutdownState(parts: Parts): void {
    const reason = parts.processor.engine.vcpu.shutdownReason;
    if (reason !== '') {
      this.stopOnError(parts, reason);
      return;
    }
    parts.logger.write('cpu_reset', 'Triple fault\n');
    this.message('info', `triple fault at EIP ${parts.processor.pcText}: the machine is reset`);
    this.request ??= { kind: 'reset' };
  }

  private guestReset(parts: Parts): void {
    if (parts.options.onReboot === 'shutdown') {
      if (parts.options.onShutdown === 'pause') this.hold(parts, 'shutdown', 'guest-reset');
      else void this.finish(parts, 0, 'guest-reset');
      return;
    }
    this.powerOn(parts);
    if (this.runState === 'suspended') this.setRunning(parts);
    else if (STOPPED_STATES.has(this.runState)) this.setState('paused');
  }

  private guestPowerOff(parts: Parts): void {
    if (parts.options.onShutdown === 'pause') this.hold(parts, 'shutdown', 'guest-shutdown');
    else void this.finish(parts, 0, 'guest-shutdown');
  }

  private guestPanic(parts: Parts): void {
    this.message('warning', 'the guest panicked');
    if (parts.options.onShutdown === 'pause') this.hold(parts, 'guest-panicked');
    else void this.finish(parts, 0, 'guest-panic');
  }

  /** The machine stays, for the monitor to look at: under `-no-shutdown`, or because the guest sleeps. */
  private hold(parts: Parts, state: RunState, reason?: string): void {
    parts.loop.pause();
    this.flush(parts);
    this.setState(state, reason);
  }

  private async finish(
    parts: Parts,
    code: number,
    reason: 'guest-shutdown' | 'guest-reset' | 'guest-panic' | 'debug-exit' | 'host-quit',
  ): Promise<void> {
    parts.loop.close();
    this.flush(parts);
    this.parts = undefined;
    parts.debugger.stopped('exit');
    this.setState('shutdown', reason);
    for (const drive of parts.drives.values()) {
      await drive.close().catch((error: unknown) => this.message('error', messageOf(error)));
    }
    this.onEvent({ kind: 'exit', code, reason });
  }

  private reportHang(): void {
    const { processor } = this.started();
    this.message(
      'warning',
      `the guest halted with interrupts disabled at EIP ${processor.pcText}: only a reset can wake it`,
    );
  }

  private fail(error: unknown): void {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    if (this.parts !== undefined) this.stopOnError(this.parts, text);
  }

  /** `werror=stop`, or no space left: the request is tried again when the machine goes on. */
  private stopOnDisk({ id }: HostDrive, error: BlockFailure): void {
    const { parts } = this;
    if (parts === undefined || this.runState !== 'running') return;
    parts.loop.pause();
    this.flush(parts);
    const hint = error.code === 'ENOSPC' ? 'continue it when there is room again' : 'continue it to try again';
    this.message('warning', `drive '${id}': ${error.message}. The machine is paused: ${hint}.`);
    this.setState('io-error', error.code);
  }

  private stopOnError(parts: Parts, text: string): void {
    parts.loop.pause();
    this.flush(parts);
    this.message('error', text);
    this.setState('internal-error', text);
  }

  private turned(hostNs: number): void {
    if (this.parts === undefined) return;
    this.flush(this.parts);
    this.showPointer(this.parts);
    this.parts.sound?.flush();
    this.parts.timeline.turned();
    this.parts.status.turned();
    const status = this.parts.status.readIfDue(hostNs, this.runState);
    if (status !== undefined) this.onEvent({ kind: 'status', status });
  }

  /** Hands on what the guest wrote since the last time; what it writes in its past was shown before. */
  private flush({ serials, chardevs, screen, timeline }: Parts): void {
    const mode = screen?.refresh();
    if (mode !== undefined) this.onEvent({ kind: 'display', mode });
    for (const [port, { output }] of serials.entries()) {
      const bytes = output.take();
      if (bytes !== undefined && !timeline.inPast) this.onEvent({ kind: 'serial', port, bytes });
    }
    for (const [id, { output }] of chardevs) {
      const bytes = output.take();
      if (bytes !== undefined && !timeline.inPast) this.onEvent({ kind: 'chardev', id, bytes });
    }
  }

  private showLeds(leds: number): void {
    if (leds === this.leds) return;
    this.leds = leds;
    this.onEvent({
      kind: 'leds',
      scrollLock: (leds & 1) !== 0,
      numLock: (leds & 2) !== 0,
      capsLock: (leds & 4) !== 0,
    });
  }

  private showPointer({ keysAndPointers: { absolute } }: Parts): void {
    if (absolute === this.absolutePointer) return;
    this.absolutePointer = absolute;
    this.onEvent({ kind: 'pointer', absolute });
  }

  private message(level: 'info' | 'warning' | 'error', text: string): void {
    this.onEvent({ kind: 'message', level, text });
  }

  private setState(state: RunState, reason?: string): void {
    if (this.runState === state) return;
    this.runState = state;
    this.onEvent(reason === undefined ? { kind: 'state', state } : { kind: 'state', state, reason });
  }
}

/** One debugger at a machine. */
export type GdbLine = Pick<GdbStub, 'receive' | 'close'>;

/** A debugger has come: the machine stops. `send` takes text of one character a byte. */
export const createGdbStub = (vm: MachineVm, send: (text: string) => void): GdbLine =>
  new GdbStub(vm.controlled, GDB_I386, send);

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
