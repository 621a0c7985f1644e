/**
 * A machine as seen from outside its processor: ports, memory, time. One script runs on two of them, native QEMU and
 * ours; what each answered is written down and must be equal.
 */
export interface Target {
  in(port: number, size?: 1 | 2 | 4): Promise<number>;
  out(port: number, value: number, size?: 1 | 2 | 4): Promise<void>;
  read(gpa: number, length: number): Promise<Uint8Array>;
  write(gpa: number, bytes: Uint8Array): Promise<void>;
  /** Lets guest time go on, by so much at least. */
  step(ns: number): Promise<void>;
  /** Waits until no disk request is under way; `busy` sees it from outside, by accesses that change nothing. */
  settle(busy: (target: Target) => Promise<boolean>): Promise<void>;
  close(): Promise<void>;
}

/** What a script does with a target, and the record of it. */
export class Recorder {
  readonly lines: string[] = [];
  private readonly target: Target;

  constructor(target: Target) {
    this.target = target;
  }

  async in(port: number, size: 1 | 2 | 4 = 1): Promise<number> {
    const value = await this.target.in(port, size);
    this.lines.push(`in ${hex(port)} ${size} -> ${hex(value)}`);
    return value;
  }
  /** Some bits of a register in which others follow the clock. */
  async inBits(port: number, mask: number): Promise<number> {
    const value = (await this.target.in(port)) & mask;
    this.lines.push(`in ${hex(port)} & ${hex(mask)} -> ${hex(value)}`);
    return value;
  }
  async out(port: number, value: number, size: 1 | 2 | 4 = 1): Promise<void> {
    this.lines.push(`out ${hex(port)} ${size} ${hex(value)}`);
    await this.target.out(port, value, size);
  }
  async read(gpa: number, length: number): Promise<Uint8Array> {
    const bytes = await this.target.read(gpa, length);
    this.lines.push(`read ${hex(gpa)} ${length} -> ${Buffer.from(bytes).toString('hex')}`);
    return bytes;
  }
  async write(gpa: number, bytes: Uint8Array): Promise<void> {
    this.lines.push(`write ${hex(gpa)} ${Buffer.from(bytes).toString('hex')}`);
    await this.target.write(gpa, bytes);
  }
  async step(ns: number): Promise<void> {
    this.lines.push(`step ${ns}`);
    await this.target.step(ns);
  }
  /** Waits, off the record, until no disk request is under way. */
  settle(busy: (target: Target) => Promise<boolean>): Promise<void> {
    return this.target.settle(busy);
  }
  /** A remark in the record: where in the script one is. */
  say(text: string): void {
    this.lines.push(`# ${text}`);
  }
  /** All of a PIO block, through the data register. */
  async inBlock(port: number, words: number): Promise<void> {
    const values: string[] = [];
    for (let i = 0; i < words; i++) values.push((await this.target.in(port, 2)).toString(16).padStart(4, '0'));
    this.lines.push(`block ${hex(port)} -> ${values.join(' ')}`);
  }
  async outBlock(port: number, bytes: Uint8Array): Promise<void> {
    this.lines.push(`out block ${hex(port)} ${Buffer.from(bytes).toString('hex')}`);
    for (let i = 0; i < bytes.length; i += 2) {
      await this.target.out(port, (bytes[i] ?? 0) | ((bytes[i + 1] ?? 0) << 8), 2);
    }
  }
}

export type Script = (m: Recorder) => Promise<void>;

const hex = (value: number): string => `0x${(value >>> 0).toString(16)}`;

/** Runs the script on each target; a pair of records. */
export async function recordsOf(targets: readonly Target[], script: Script): Promise<string[][]> {
  const records: string[][] = [];
  for (const target of targets) {
    const recorder = new Recorder(target);
    try {
      await script(recorder);
    } finally {
      await target.close();
    }
    records.push(recorder.lines);
  }
  return records;
}

/** Numerical Recipes' linear congruential generator: the same script each time. */
export function createRandom(seed: number): (limit: number) => number {
  let x = seed;
  return (limit) => {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    return Math.floor((x / 2 ** 32) * limit);
  };
}
