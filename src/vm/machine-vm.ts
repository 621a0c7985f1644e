/** The composition root: a command line becomes a machine that runs, and that page, terminal and monitor can drive. */
import type { Medium } from '../block/drive.ts';
import type { BlockControl, DriveView } from '../control/block-control.ts';
import { GdbStub } from '../control/gdb/gdb-stub.ts';
import { GDB_I386 } from '../control/gdb/registers.ts';
import { createHumanMonitor, type HumanMonitor } from '../control/hmp/hmp.ts';
import { createQtest, type Qtest } from '../control/qtest.ts';
import type { VmControl } from '../control/vm-control.ts';
import { keyByName } from '../input/keys.ts';
import type { PointerEvent } from '../input/pointer.ts';
import { VmError } from '../util/errors.ts';
import type { ExportFormat, NewMedium, PieceSink, SharedScreen, Vm, VmEvent, VmOptions, VmStatus } from './api.ts';
import { assemble, type History } from './assemble.ts';
import { catalogueI386 } from './catalogue-i386.ts';
import { controlInterface } from './control-interface.ts';
import { Debugger } from './debugger.ts';
import { createDriveControl } from './drive-control.ts';
import { type ImageLibrary, type OpenHostFile, openMedia } from './drives.ts';
import { exportImage } from './export-image.ts';
import type { Host } from './host.ts';
import { type InputView, inputView } from './input-view.ts';
import { type ExitReason, Lifecycle, type LivingMachine } from './lifecycle.ts';
import { loadMachine, saveMachine } from './machine-state.ts';
import type { MachineOptions } from './options/machine-options.ts';
import { parseCommandLine } from './options/parse.ts';
import { Outputs } from './outputs.ts';
import { qtestTarget } from './qtest-target.ts';
import { chardevTarget } from './serial-ports.ts';
import { createSound, type Sound } from './sound.ts';
import { hashParts } from './state-hash.ts';

export interface MachineVmOptions {
  readonly host: Host;
  /** Where `-d` writes to; absent: nowhere. */
  readonly log?: ((text: string) => void) | undefined;
  readonly history?: History;
  /** Opens disk images that are not among the files given. */
  readonly openHostFile?: OpenHostFile;
}

interface Parts extends LivingMachine {
  readonly control: VmControl;
  readonly monitor: HumanMonitor;
  readonly keysAndPointers: InputView;
  readonly sound: Sound | undefined;
  readonly qtest: Qtest;
  readonly blocks: BlockControl;
  readonly library: ImageLibrary;
}

export class MachineVm implements Vm {
  private readonly host: Host;
  private readonly logText: ((text: string) => void) | undefined;
  private readonly history: History;
  private readonly openHostFile: OpenHostFile | undefined;
  private starting = false;
  private parts: Parts | undefined;
  private readonly outputs = new Outputs();
  private readonly lifecycle = new Lifecycle(this.outputs, (...end) => this.ended(...end));

  constructor({ host, log, history = {}, openHostFile }: MachineVmOptions) {
    this.openHostFile = openHostFile;
    this.history = history;
    this.host = host;
    this.logText = log;
  }

  async start(given: VmOptions, onEvent: (event: VmEvent) => void): Promise<void> {
    if (this.parts !== undefined || this.starting) throw new VmError('the machine is started already');
    this.outputs.onEvent = onEvent;
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
      this.parts = this.build(parsed.options, given.files, library, media);
      this.lifecycle.begin(this.parts);
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
      warn: (text) => this.outputs.message('warning', text),
      nodeName: () => `#block${++nodes}`,
    };
  }

  async pause(): Promise<void> {
    await this.lifecycle.pause();
  }

  async resume(): Promise<void> {
    await this.lifecycle.resume();
  }

  async reset(): Promise<void> {
    this.lifecycle.post('reset');
  }

  /** Presses the power button. */
  async powerdown(): Promise<void> {
    this.lifecycle.post('powerdown');
  }

  async wakeup(): Promise<void> {
    if (this.lifecycle.state !== 'suspended') throw new VmError('Unable to wake up: guest is not in suspended state');
    this.lifecycle.post('wakeup');
  }

  /** QEMU's boards do not ask port 70H's bit 7 either. */
  async injectNmi(): Promise<void> {
    this.lifecycle.post('nmi');
  }

  async quit(): Promise<void> {
    if (this.parts !== undefined) await this.lifecycle.finish(0, 'host-quit');
  }

  async status(): Promise<VmStatus> {
    return this.started().status.read(this.lifecycle.state);
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
    await this.lifecycle.pauseAt(instructions);
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
      if (wasRunning && this.lifecycle.state === 'running' && this.parts === parts) loop.resume();
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
      this.lifecycle.reloaded();
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
    const sound = createSound(options.audio, (event) => this.outputs.onEvent(event));
    const built = assemble(options, files, {
      host: this.host,
      logText: this.logText,
      history: this.history,
      media,
      onDiskStopped: (drive, error) => this.lifecycle.stopOnDisk(drive, error),
      hooks: {
        attend: (end) => this.lifecycle.attend(end),
        hung: () => this.lifecycle.reportHang(),
        turned: (hostNs) => this.turned(hostNs),
        failed: (error) => this.lifecycle.fail(error),
      },
      control: (processor) => this.lifecycle.control(processor, options.watchdogAction),
      leds: (leds) => this.outputs.showLeds(leds),
      audio: sound?.mixer,
    });
    this.lifecycle.receiveOrders(built);
    const keysAndPointers = inputView(built.machine, built.input);
    const blocks = createDriveControl({
      options,
      drives: built.drives,
      library,
      settle: () => void (!built.loop.isRunning && built.loop.settle()),
    });
    const debug = new Debugger({
      processor: built.processor,
      timeline: built.timeline,
      run: (count) => this.lifecycle.run(count),
      stand: () => this.lifecycle.hold(this.started(), 'debug'),
    });
    const control = controlInterface(this, {
      machine: built,
      lifecycle: this.lifecycle,
      outputs: this.outputs,
      input: keysAndPointers,
      blocks,
      debug,
    });
    return {
      ...built,
      qtest: createQtest(qtestTarget(built), (line) => this.outputs.onEvent({ kind: 'qtest', line })),
      sound,
      keysAndPointers,
      blocks,
      library,
      debugger: debug,
      control,
      monitor: createHumanMonitor(control),
    };
  }

  private turned(hostNs: number): void {
    if (this.parts === undefined) return;
    this.outputs.flush(this.parts);
    this.outputs.showPointer(this.parts.keysAndPointers.absolute);
    this.parts.sound?.flush();
    this.parts.timeline.turned();
    this.parts.status.turned();
    const status = this.parts.status.readIfDue(hostNs, this.lifecycle.state);
    if (status !== undefined) this.outputs.onEvent({ kind: 'status', status });
  }

  private async ended(parts: LivingMachine, code: number, reason: ExitReason): Promise<void> {
    this.parts = undefined;
    for (const drive of parts.drives.values()) {
      await drive.close().catch((error: unknown) => this.outputs.message('error', messageOf(error)));
    }
    this.outputs.onEvent({ kind: 'exit', code, reason });
  }
}

/** One debugger at a machine. */
export type GdbLine = Pick<GdbStub, 'receive' | 'close'>;

/** A debugger has come: the machine stops. `send` takes text of one character a byte. */
export const createGdbStub = (vm: MachineVm, send: (text: string) => void): GdbLine =>
  new GdbStub(vm.controlled, GDB_I386, send);

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
