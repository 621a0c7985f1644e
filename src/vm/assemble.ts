/** Puts a machine together: engine, devices, clock, run loop and character devices, as the options say. */

import type { AudioOut } from '../audio/api.ts';
import type { BlockFailure } from '../block/api.ts';
import { type CompletionMode, DiskWork } from '../block/disk-work.ts';
import type { HostDrive, Medium } from '../block/drive.ts';
import type { CpuView } from '../control/vm-control.ts';
import { CPU_MODELS } from '../cpu/isa/x86/cpuid.ts';
import { VirtualClock } from '../hw/core/clock.ts';
import { type InputEvent, InputQueue } from '../hw/core/input.ts';
import { boardByName } from '../hw/machines/boards.ts';
import { buildMachine } from '../hw/machines/build.ts';
import type { Machine, RunControl } from '../hw/machines/machine.ts';
import { planMachine } from '../hw/machines/plan.ts';
import { VmError } from '../util/errors.ts';
import { createDrives } from './drives.ts';
import { createEntropy } from './entropy.ts';
import { GuestTime } from './guest-time.ts';
import type { Host } from './host.ts';
import { type HostProfile, sampled } from './host-profile.ts';
import { createLogger, type Logger } from './logging.ts';
import { planOptions } from './machine-plan.ts';
import { loadMachine, saveMachine } from './machine-state.ts';
import type { MachineOptions } from './options/machine-options.ts';
import { fixedPacing, hostPacing, type Pacing, replayPacing, switchedPacing } from './pacing.ts';
import { type LoopHooks, RunLoop } from './run-loop.ts';
import { Screen } from './screen.ts';
import { type CharPort, chardevTarget, createCharPort } from './serial-ports.ts';
import { StatusMeter } from './status.ts';
import { Timeline } from './timeline.ts';
import { type EngineTuning, X86Processor } from './x86/processor.ts';

/**
 * A machine's history: with the same options and files (and a fixed -rtc base) the same events give the same run.
 */
export interface History {
  /** Called with each input as the guest gets it. */
  readonly record?: (event: InputEvent) => void;
  /** Inputs of a recorded run, instead of the host's clock. */
  readonly replay?: readonly InputEvent[];
}

/** Who the machine works for. */
export interface Surroundings {
  readonly host: Host;
  readonly logText: ((text: string) => void) | undefined;
  readonly hooks: LoopHooks;
  /** A keyboard's lights change: bit 0 scroll lock, 1 num lock, 2 caps lock. */
  readonly leds?: (leds: number) => void;
  readonly audio?: AudioOut | undefined;
  readonly history: History;
  /** Images in the drives, by the drives' ids. */
  readonly media?: ReadonlyMap<string, Medium>;
  /** A drive's policy is to pause the machine on an error. */
  readonly onDiskStopped?: (drive: HostDrive, error: BlockFailure) => void;
  /** For tests and tools: how the engine translates and compiles. */
  readonly tuning?: EngineTuning | undefined;
  /** How devices end or restart the machine that this processor runs. */
  control(processor: X86Processor): RunControl;
}

/** Target of events that reset, stop or wake the machine. */
export const ORDERS_TARGET = 'system';

export interface AssembledMachine {
  readonly options: MachineOptions;
  readonly machine: Machine;
  readonly processor: X86Processor;
  readonly loop: RunLoop;
  readonly clock: VirtualClock;
  readonly time: GuestTime;
  readonly timeline: Timeline;
  readonly input: InputQueue;
  readonly serials: readonly CharPort[];
  /** Back ends that devices name, by id. */
  readonly chardevs: ReadonlyMap<string, CharPort>;
  readonly drives: ReadonlyMap<string, HostDrive>;
  readonly disks: DiskWork;
  readonly status: StatusMeter;
  /** Undefined: there is no display adapter. */
  readonly screen: Screen | undefined;
  readonly logger: Logger;
  readonly cpu: CpuView;
  /** Reads RAM and ROM; false where anything else, or nothing, lies. */
  readPhysical(address: number, into: Uint8Array): boolean;
}

/** Builds the machine that the options describe; throws a VmError if it can't be. */
export function assemble(
  options: MachineOptions,
  files: Readonly<Record<string, Uint8Array>>,
  {
    host,
    logText,
    hooks,
    leds,
    audio,
    history,
    control,
    tuning,
    media = new Map(),
    onDiskStopped = () => {},
  }: Surroundings,
): AssembledMachine {
  const model = CPU_MODELS.find(({ name }) => name === (options.cpu ?? boardByName(options.machine).defaultCpu));
  if (model === undefined) throw new VmError(`unable to find CPU model '${options.cpu}'`);
  const input = new InputQueue();
  const clock = new VirtualClock();
  const serials = options.serial.map((backend, i) => createCharPort(backend, input, `serial${i}`));
  const chardevs = new Map(
    Object.entries(options.chardevs).map(
      ([id, backend]) => [id, createCharPort(backend, input, chardevTarget(id))] as const,
    ),
  );
  const disks = new DiskWork(completionMode(options, history));
  const drives = createDrives(options.drives, {
    media,
    work: disks,
    input,
    onStopped: onDiskStopped,
    onBroken: hooks.failed,
    nowNs: () => host.nowNs(),
  });
  const plan = planMachine(planOptions(options, files, { serials, chardevs, drives, media, host }));

  const pacing = switchedPacing(history.replay === undefined ? pacingOf(options) : replayPacing(pacingOf(options)));
  for (const event of history.replay ?? []) input.schedule(event);
  input.onDelivered = (event) => {
    history.record?.(event);
    timeline.record(event);
  };
  const time = new GuestTime(pacing.initialRate);
  const profile: HostProfile = { translationNs: 0, devicesNs: 0 };
  const nowNs = (): number => host.nowNs();
  const device = <A extends readonly unknown[], R>(call: (...args: A) => R) =>
    sampled(profile, 'devicesNs', nowNs, call);
  const logger = createLogger(options.log.items, logText);
  const processor = new X86Processor({
    model,
    backingBytes: plan.backingBytes,
    mode: options.accel.engine,
    tuning,
    codeBytes: options.accel.tbSizeMiB && options.accel.tbSizeMiB * 2 ** 20,
    profile,
    logger,
    nowNs,
    env: {
      ioRead: device((port: number, size: number) => machine.io.read(port, size)),
      ioWrite: device((port: number, size: number, value: number) => machine.io.write(port, value >>> 0, size)),
      numericError: () => machine.numericErrors.raise(),
      acknowledgeInterrupt: () => machine.cpuIrq.acknowledge(),
      clockLine: () => time.line,
    },
    mmioRead: device((gpa: number, size: number) => machine.memory.read(gpa, size)),
    mmioWrite: device((gpa: number, size: number, value: number) => machine.memory.write(gpa, value, size)),
  });
  const { engine } = processor;
  const machine = buildMachine(plan, {
    ram: { bytes: engine.memory.backing, written: (offset, length) => engine.ramWritten(offset, length) },
    control: control(processor),
    clock,
    log: (category, message) => logger.write(category, `${message}\n`),
    input,
    ...(leds !== undefined && { leds }),
    ...(audio !== undefined && { audio }),
    entropy: createEntropy(input, () => history.replay === undefined && !timeline.inPast),
  });
  connect(machine, processor);

  const loop = new RunLoop({
    cpu: processor,
    clock,
    input,
    time,
    pacing,
    disks,
    host,
    hooks,
  });
  const timeline: Timeline = new Timeline({
    input,
    orders: ORDERS_TARGET,
    executed: () => processor.executed,
    check: () => refuseDisks(drives),
    save: () => saveMachine({ machine, processor, clock, time }),
    load: (state) => loadMachine({ machine, processor, clock, time }, state, 'a saved state'),
    onPast(inPast) {
      pacing.inPast = inPast;
      if (!inPast) pacing.resume(host.nowNs(), clock.now(), processor.executed);
    },
  });
  const readPhysical = (address: number, into: Uint8Array): boolean =>
    readRam(machine, engine.memory.backing, address, into);
  return {
    options,
    machine,
    processor,
    loop,
    clock,
    time,
    timeline,
    input,
    serials,
    chardevs,
    drives,
    disks,
    screen: machine.display && new Screen(machine.display, engine.memory.backing),
    logger,
    readPhysical,
    cpu: processor.view(readPhysical, () => timeline.changed()),
    status: new StatusMeter({ host, loop, processor, profile, ramBytes: options.ramBytes }),
  };
}

/** What a disk held at a moment is not part of a saved state. */
function refuseDisks(drives: ReadonlyMap<string, HostDrive>): void {
  const inserted = [...drives.values()].find((drive) => drive.inserted);
  if (inserted !== undefined) {
    throw new VmError(`cannot keep a history: drive '${inserted.id}' has a medium`, {
      hint: 'Only machines without disks can go back in time yet.',
    });
  }
}

/** Memory map, interrupt pin, numeric errors and address line 20. */
function connect(machine: Machine, processor: X86Processor): void {
  const { memory, exec, vcpu } = processor.engine;
  machine.memory.attach({
    mapRam(gpa, size, offset, readonly) {
      memory.mapRam(gpa, size, offset, readonly);
      exec.tlb_flush();
    },
    mapIo(gpa, size) {
      memory.mapIo(gpa, size);
      exec.tlb_flush();
    },
  });
  machine.cpuIrq.onChange = (level) => vcpu.setInterruptRequest(level);
  machine.numericErrors.onIgnored = () => processor.ignoreNumericErrors();
  machine.a20.onChange = (level) => processor.setA20(level);
}

function pacingOf({ icount }: MachineOptions): Pacing {
  if (icount === undefined) return hostPacing(true);
  return icount.shift === 'auto' ? hostPacing(icount.sleep) : fixedPacing(icount.shift, icount.sleep);
}

/** With a fixed rate of instructions a run does not depend on the host, so neither may the ends of disk requests. */
function completionMode({ icount }: MachineOptions, { replay }: History): CompletionMode {
  if (replay !== undefined) return 'replay';
  return icount !== undefined && icount.shift !== 'auto' ? 'exact' : 'live';
}

/** Reads RAM and ROM by guest-physical address; false where anything else, or nothing, lies. */
function readRam(machine: Machine, backing: Uint8Array, address: number, into: Uint8Array): boolean {
  for (let done = 0; done < into.length; ) {
    const at = address + done;
    const range = machine.memory.view.find(({ start, end }) => at >= start && at < end);
    if (range?.region.kind !== 'ram') return false;
    const length = Math.min(into.length - done, range.end - at);
    const from = range.region.ramOffset + range.offset + (at - range.start);
    into.set(backing.subarray(from, from + length), done);
    done += length;
  }
  return true;
}
