/** The life of a machine: run states, and what guest, devices and people ask for that changes them. */
import type { BlockFailure } from '../block/api.ts';
import type { HostDrive } from '../block/drive.ts';
import type { RunControl } from '../hw/machines/machine.ts';
import { VmError } from '../util/errors.ts';
import type { RunState, VmEvent } from './api.ts';
import { type AssembledMachine, ORDERS_TARGET } from './assemble.ts';
import type { Debugger } from './debugger.ts';
import type { WatchdogAction } from './options/machine-options.ts';
import type { Outputs } from './outputs.ts';
import type { SliceEnd } from './run-loop.ts';
import type { X86Processor } from './x86/processor.ts';

/** A machine that lives, with the debugger that hears of its stops. */
export interface LivingMachine extends AssembledMachine {
  readonly debugger: Debugger;
}

export type ExitReason = Extract<VmEvent, { kind: 'exit' }>['reason'];

/** What a device asked for; it happens between two instructions. */
type Request =
  | { readonly kind: 'reset' | 'shutdown' | 'suspend' | 'panic' | 'stop' | 'watchdog' }
  | { readonly kind: 'exit'; readonly status: number };

const SYSTEM_EVENTS = ['reset', 'stop', 'nmi', 'powerdown', 'wakeup'] as const;
export type SystemEvent = (typeof SYSTEM_EVENTS)[number];

/** What only a reset ends. */
const STOPPED_STATES: ReadonlySet<RunState> = new Set(['internal-error', 'shutdown', 'guest-panicked', 'watchdog']);

const WATCHDOG_REQUESTS = { reset: 'reset', poweroff: 'shutdown', pause: 'watchdog' } as const;

export class Lifecycle {
  private readonly outputs: Outputs;
  private readonly ended: (parts: LivingMachine, code: number, reason: ExitReason) => Promise<void>;
  private parts: LivingMachine | undefined;
  private runState: RunState = 'prelaunch';
  private request: Request | undefined;
  private pauseReached: (() => void) | undefined;

  /** `ended`: the machine is gone; gives back what it held, then tells so. */
  constructor(outputs: Outputs, ended: (parts: LivingMachine, code: number, reason: ExitReason) => Promise<void>) {
    this.outputs = outputs;
    this.ended = ended;
  }

  get state(): RunState {
    return this.runState;
  }

  /** Power-on. The machine runs, unless it is to wait. */
  begin(parts: LivingMachine): void {
    this.parts = parts;
    this.runState = 'prelaunch';
    this.powerOn(parts);
    const { startPaused, accel } = parts.options;
    if (!startPaused && accel.name !== 'qtest') this.setRunning(parts);
    void parts.loop.drive();
  }

  /** The receiver of orders among the inputs. */
  receiveOrders({ input }: AssembledMachine): void {
    input.receiveEvents<SystemEvent>(ORDERS_TARGET, {
      check: (data): data is SystemEvent => SYSTEM_EVENTS.some((event) => event === data),
      receive: (event) => this.systemEvent(this.started(), event),
      isBarrier: (event) => event === 'stop',
    });
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

  /** An order, as an input of the machine. */
  post(event: SystemEvent): void {
    const parts = this.started();
    parts.input.post(ORDERS_TARGET, event);
    if (!parts.loop.isRunning) parts.loop.settle();
  }

  /** Runs on and pauses when exactly so many instructions have retired since power-on. */
  async pauseAt(instructions: number): Promise<void> {
    const { processor, input } = this.started();
    const { executed } = processor;
    if (!Number.isSafeInteger(instructions) || instructions <= executed) {
      throw new VmError(`cannot pause at instruction ${instructions}: ${executed} are executed`);
    }
    input.scheduleFirst({ count: instructions, target: ORDERS_TARGET, data: 'stop' });
    const reached = new Promise<void>((resolve) => {
      this.pauseReached = resolve;
    });
    await this.resume();
    await reached;
  }

  /** Lets the machine run, up to an instruction count if one is given. */
  run(count?: number): void {
    const parts = this.started();
    if (count !== undefined) parts.input.scheduleFirst({ count, target: ORDERS_TARGET, data: 'stop' });
    this.setRunning(parts);
  }

  /** The state was loaded: requests and halts of before are gone. */
  reloaded(): void {
    const { loop } = this.started();
    this.request = undefined;
    loop.restarted();
    if (this.runState === 'internal-error' || this.runState === 'shutdown') this.setState('paused');
  }

  private systemEvent(parts: LivingMachine, event: SystemEvent): void {
    if (event === 'nmi') parts.processor.raiseNmi();
    else if (event === 'powerdown') parts.machine.pressPowerButton();
    else if (event === 'wakeup') this.wake(parts);
    else this.request = { kind: event };
  }

  /** How devices end or restart the machine. */
  control(processor: X86Processor, watchdogAction: WatchdogAction): RunControl {
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
        else if (watchdogAction === 'debug') this.outputs.message('warning', 'watchdog: timer fired');
        else if (watchdogAction === 'shutdown') this.started().machine.pressPowerButton();
        else if (watchdogAction !== 'none') ask({ kind: WATCHDOG_REQUESTS[watchdogAction] });
      },
      requestExit: (status) => ask({ kind: 'exit', status }),
    };
  }

  private powerOn(parts: AssembledMachine): void {
    parts.machine.reset();
    this.resetProcessor(parts);
  }

  /** S3 ends: all but RAM is reset, and the firmware finds its way back. */
  private wake(parts: LivingMachine): void {
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

  private setRunning({ loop, drives, debugger: debug }: LivingMachine): void {
    debug.leaving();
    this.setState('running');
    for (const drive of drives.values()) drive.retry();
    loop.resume();
  }

  /** Between two instructions: what the processor or a device came to a stop for. */
  attend(end: SliceEnd): void {
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
        void this.finish(request.status & 0xff, 'debug-exit');
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
  private guestShutdownState(parts: LivingMachine): void {
    const reason = parts.processor.engine.vcpu.shutdownReason;
    if (reason !== '') {
      this.stopOnError(parts, reason);
      return;
    }
    parts.logger.write('cpu_reset', 'Triple fault\n');
    this.outputs.message('info', `triple fault at EIP ${parts.processor.pcText}: the machine is reset`);
    this.request ??= { kind: 'reset' };
  }

  private guestReset(parts: LivingMachine): void {
    if (parts.options.onReboot === 'shutdown') {
      if (parts.options.onShutdown === 'pause') this.hold(parts, 'shutdown', 'guest-reset');
      else void this.finish(0, 'guest-reset');
      return;
    }
    this.powerOn(parts);
    if (this.runState === 'suspended') this.setRunning(parts);
    else if (STOPPED_STATES.has(this.runState)) this.setState('paused');
  }

  private guestPowerOff(parts: LivingMachine): void {
    if (parts.options.onShutdown === 'pause') this.hold(parts, 'shutdown', 'guest-shutdown');
    else void this.finish(0, 'guest-shutdown');
  }

  private guestPanic(parts: LivingMachine): void {
    this.outputs.message('warning', 'the guest panicked');
    if (parts.options.onShutdown === 'pause') this.hold(parts, 'guest-panicked');
    else void this.finish(0, 'guest-panic');
  }

  /** The machine stays, for the monitor to look at: under `-no-shutdown`, or because the guest sleeps. */
  hold(parts: LivingMachine, state: RunState, reason?: string): void {
    parts.loop.pause();
    this.outputs.flush(parts);
    this.setState(state, reason);
  }

  /** Ends the machine for good. */
  async finish(code: number, reason: ExitReason): Promise<void> {
    const parts = this.started();
    parts.loop.close();
    this.outputs.flush(parts);
    this.parts = undefined;
    parts.debugger.stopped('exit');
    this.setState('shutdown', reason);
    await this.ended(parts, code, reason);
  }

  reportHang(): void {
    const { processor } = this.started();
    this.outputs.message(
      'warning',
      `the guest halted with interrupts disabled at EIP ${processor.pcText}: only a reset can wake it`,
    );
  }

  fail(error: unknown): void {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    if (this.parts !== undefined) this.stopOnError(this.parts, text);
  }

  /** `werror=stop`, or no space left: the request is tried again when the machine goes on. */
  stopOnDisk({ id }: HostDrive, error: BlockFailure): void {
    const { parts } = this;
    if (parts === undefined || this.runState !== 'running') return;
    parts.loop.pause();
    this.outputs.flush(parts);
    const hint = error.code === 'ENOSPC' ? 'continue it when there is room again' : 'continue it to try again';
    this.outputs.message('warning', `drive '${id}': ${error.message}. The machine is paused: ${hint}.`);
    this.setState('io-error', error.code);
  }

  private stopOnError(parts: LivingMachine, text: string): void {
    parts.loop.pause();
    this.outputs.flush(parts);
    this.outputs.message('error', text);
    this.setState('internal-error', text);
  }

  private started(): LivingMachine {
    if (this.parts === undefined) throw new VmError('there is no machine', { hint: 'Start one first.' });
    return this.parts;
  }

  private setState(state: RunState, reason?: string): void {
    if (this.runState === state) return;
    this.runState = state;
    this.outputs.state(state, reason);
  }
}
