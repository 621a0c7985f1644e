/** Times the markers that a guest prints on its serial line. Runs in Node and in a browser's worker alike. */
import { POWER_ON } from './workloads.ts';

/** What the host of a machine can tell at this moment; null: this one cannot. */
export interface Meter {
  wallMs(): number;
  /** Processor time of the thread that runs the guest. */
  cpuMs(): number | null;
  /** Guest instructions since power-on. */
  instructions(): number | null;
  memory(): MemoryUse | null;
}

export interface MemoryUse {
  /** Resident memory of the process, now and at most. */
  readonly residentBytes: number;
  readonly peakBytes: number;
  /** The part of it in mappings that hold the guest's RAM. */
  readonly guestBytes: number;
  /** What the emulator itself says it uses beyond the guest's RAM. */
  readonly reportedBytes: number | null;
}

export interface RowResult {
  readonly wallMs: number;
  readonly cpuMs: number | null;
  readonly instructions: number | null;
  /** What the guest computed: equal in all emulators. */
  readonly value: string;
}

/** One run of one image in one emulator. */
export interface RunRecord {
  readonly rows: Readonly<Record<string, RowResult>>;
  /** Before there is a machine, when Linux's init starts, and when the guest is done. */
  readonly memory: {
    readonly before: MemoryUse | null;
    readonly afterBoot: MemoryUse | null;
    readonly atEnd: MemoryUse | null;
  };
  /** Bytes of wasm compiled in all. */
  readonly wasmBytes: number | null;
  /** Why the run did not reach its end, with the last lines of the guest. */
  readonly error: string | null;
}

interface Sample {
  readonly wallMs: number;
  readonly cpuMs: number | null;
  readonly instructions: number | null;
}

/** `@start row`, `@end row value`, `@done`: at the end of a line, which may begin with something of the kernel's. */
const MARKER = /@(start|end|done)(?: (\S+))?(?: (\S+))?$/;
const LINES_KEPT = 12;

export class Recorder {
  readonly rows: Record<string, RowResult> = {};
  /** Resolves when the guest says that it is done. */
  readonly done: Promise<void>;
  private readonly meter: Meter;
  private readonly decoder = new TextDecoder();
  private resolveDone: () => void = () => {};
  private line = '';
  private lastLines: string[] = [];
  private open: { readonly name: string; readonly from: Sample } | undefined;
  private before: MemoryUse | null = null;
  private afterBoot: MemoryUse | null = null;
  private atEnd: MemoryUse | null = null;

  constructor(meter: Meter) {
    this.meter = meter;
    this.done = new Promise((resolve) => {
      this.resolveDone = resolve;
    });
  }

  /** The machine is about to be made and switched on. */
  powerOn(): void {
    this.before = this.meter.memory();
    this.start(POWER_ON);
  }

  /** The machine wrote to its serial line. */
  write(bytes: Uint8Array): void {
    const lines = (this.line + this.decoder.decode(bytes, { stream: true })).split('\n');
    this.line = lines.pop() ?? '';
    for (const line of lines) this.take(line.trimEnd());
  }

  record(wasmBytes: number | null, error: string | null): RunRecord {
    const told = error === null ? null : [error, ...this.lastLines, this.line].join('\n  ').trimEnd();
    return {
      rows: this.rows,
      memory: { before: this.before, afterBoot: this.afterBoot, atEnd: this.atEnd },
      wasmBytes,
      error: told,
    };
  }

  private take(line: string): void {
    const marker = MARKER.exec(line);
    if (marker?.[1] === 'start' && marker[2] !== undefined) this.start(marker[2]);
    else if (marker?.[1] === 'end' && marker[2] !== undefined) this.end(marker[2], marker[3] ?? '');
    else if (marker?.[1] === 'done') {
      this.atEnd = this.meter.memory();
      this.resolveDone();
    }
    this.lastLines = [...this.lastLines, line].slice(-LINES_KEPT);
  }

  // The wall clock is read last at the start and first at the end: taking the others may itself take a while.
  private start(name: string): void {
    const cpuMs = this.meter.cpuMs();
    this.open = { name, from: { cpuMs, instructions: this.meter.instructions(), wallMs: this.meter.wallMs() } };
  }

  private end(name: string, value: string): void {
    const wallMs = this.meter.wallMs();
    const cpuMs = this.meter.cpuMs();
    const instructions = this.meter.instructions();
    if (this.open?.name !== name) return;
    const { from } = this.open;
    this.open = undefined;
    this.rows[name] = {
      wallMs: wallMs - from.wallMs,
      cpuMs: difference(cpuMs, from.cpuMs),
      instructions: difference(instructions, from.instructions),
      value,
    };
    if (name === POWER_ON) this.afterBoot = this.meter.memory();
  }
}

const difference = (to: number | null, from: number | null): number | null =>
  to === null || from === null ? null : to - from;
