/** One machine of a comparison: built as the command line says, run by one engine to exact instruction counts. */
import type { RunControl } from '../../src/hw/machines/machine.ts';
import { type AssembledMachine, assemble } from '../../src/vm/assemble.ts';
import type { Host } from '../../src/vm/host.ts';
import type { EngineMode, MachineOptions } from '../../src/vm/options/machine-options.ts';
import type { SliceEnd } from '../../src/vm/run-loop.ts';
import type { EngineTuning, X86Processor } from '../../src/vm/x86/processor.ts';

/** How one of the machines differs from the others. */
export interface EngineChoice {
  /** For the report: `jit`, `jit heat=2`. */
  readonly name: string;
  readonly mode: EngineMode;
  readonly tuning?: EngineTuning;
}

/** What all of the machines have in common. */
export interface Guest {
  readonly options: MachineOptions;
  readonly files: Readonly<Record<string, Uint8Array>>;
}

const STOP = 'lockstep';
/** 2024-01-01: what the host's calendar says, always. */
const EPOCH_MS = 1_704_067_200_000;

/** A host whose clock stands still: nothing that happens depends on how fast the machine is. */
const timelessHost: Host = {
  nowNs: () => 0,
  epochMs: () => EPOCH_MS,
  utcOffsetMinutes: () => 0,
  yield: async () => {},
  sleep: () => ({ done: Promise.resolve(), wake() {} }),
};

export class LockstepMachine {
  readonly engine: EngineChoice;
  readonly #parts: AssembledMachine;
  readonly #options: MachineOptions;
  #output = '';
  #request: 'reset' | string | undefined;
  /** Why the machine came to its end; undefined while it can run. */
  ended: string | undefined;

  /** `nowNs`: a clock for measurements; no part of what the guest sees. */
  constructor({ options, files }: Guest, engine: EngineChoice, nowNs = timelessHost.nowNs) {
    this.engine = engine;
    // Guest time from the instruction count alone.
    const icount = { shift: typeof options.icount?.shift === 'number' ? options.icount.shift : 0, sleep: false };
    this.#options = { ...options, icount, accel: { ...options.accel, engine: engine.mode } };
    this.#parts = assemble(this.#options, files, {
      host: { ...timelessHost, nowNs },
      logText: undefined,
      history: {},
      tuning: engine.tuning,
      hooks: {
        attend: (end) => this.#attend(end),
        hung: () => this.#end('it halted with interrupts disabled'),
        turned: () => this.#takeOutput(),
        failed: (error) => {
          throw error;
        },
      },
      control: (processor) => this.#control(processor),
    });
    this.#parts.input.receiveEvents<'stop'>(STOP, {
      check: (data): data is 'stop' => data === 'stop',
      receive: () => this.#parts.loop.pause(),
    });
    this.#powerOn();
  }

  get processor(): X86Processor {
    return this.#parts.processor;
  }
  get executed(): number {
    return this.processor.executed;
  }
  get frontEnd() {
    return this.processor.frontEnd;
  }
  /** What the guest wrote to its serial ports. */
  get output(): string {
    return this.#output;
  }
  /** What the engine did so far, and where the host's time went. */
  describeEngine(): string {
    return this.#parts.status.describeEngine();
  }
  /** State of all devices. */
  devices(): readonly (readonly [string, Uint8Array])[] {
    return this.#parts.machine.save();
  }

  /** Runs until exactly `count` instructions have retired, or to the machine's end. */
  runTo(count: number): void {
    const { input, loop } = this.#parts;
    if (this.ended !== undefined || count <= this.executed) return;
    input.schedule({ count, target: STOP, data: 'stop' });
    loop.resume();
    try {
      while (loop.isRunning) {
        const end = loop.turn();
        if (typeof end === 'object' && end.sleepNs === Number.POSITIVE_INFINITY) this.#end('it waits for input');
      }
    } catch (error) {
      this.#end(`it failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    }
  }

  #control(processor: X86Processor): RunControl {
    const ask = (request: string): void => {
      this.#request ??= request;
      processor.stop();
    };
    return {
      requestReset: () => ask('reset'),
      requestShutdown: () => ask('it was powered off'),
      requestSuspend: () => ask('it was suspended'),
      reportPanic: () => ask('its guest panicked'),
      watchdogExpired: () => ask('reset'),
      requestExit: (status) => ask(`it exited with status ${status}`),
    };
  }
  #attend(end: SliceEnd): void {
    const { vcpu } = this.processor.engine;
    if (end === 'shutdown' && vcpu.shutdownReason !== '') this.#end(vcpu.shutdownReason);
    else if (end === 'shutdown') this.#request ??= 'reset';
    const request = this.#request;
    this.#request = undefined;
    if (request === undefined) return;
    if (request !== 'reset') this.#end(request);
    else if (this.#options.onReboot === 'shutdown') this.#end('it was reset');
    else this.#powerOn();
  }
  #powerOn(): void {
    const { machine, processor, loop } = this.#parts;
    machine.reset();
    processor.reset(machine.cpuStart);
    processor.setA20(machine.a20.level);
    processor.engine.vcpu.setInterruptRequest(machine.cpuIrq.level);
    loop.restarted();
  }
  #end(why: string): void {
    this.ended ??= why;
    this.#parts.loop.pause();
  }
  #takeOutput(): void {
    const decoder = new TextDecoder('latin1');
    for (const { output } of this.#parts.serials) {
      const bytes = output.take();
      if (bytes !== undefined) this.#output += decoder.decode(bytes);
    }
  }
}
