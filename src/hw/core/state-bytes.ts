import { VmError } from '../../util/errors.ts';

/** Collects big-endian fields. */
export class ByteWriter {
  private buffer = new Uint8Array(64);
  private view = new DataView(this.buffer.buffer);
  private length = 0;

  u8(value: number): void {
    const at = this.take(1);
    this.view.setUint8(at, value);
  }
  u16(value: number): void {
    const at = this.take(2);
    this.view.setUint16(at, value);
  }
  u32(value: number): void {
    const at = this.take(4);
    this.view.setUint32(at, value);
  }
  i32(value: number): void {
    const at = this.take(4);
    this.view.setInt32(at, value);
  }
  i64(value: number): void {
    const at = this.take(8);
    this.view.setBigInt64(at, BigInt(value));
  }
  u64(value: bigint): void {
    const at = this.take(8);
    this.view.setBigUint64(at, value);
  }
  bytes(value: Uint8Array): void {
    const at = this.take(value.length);
    this.buffer.set(value, at);
  }
  /** A copy of what was written. */
  finish(): Uint8Array {
    return this.buffer.slice(0, this.length);
  }

  clear(): void {
    this.length = 0;
  }
  get size(): number {
    return this.length;
  }

  /** Reserves `size` bytes and returns their offset. Call it before naming the buffer: it may grow. */
  private take(size: number): number {
    const at = this.length;
    this.length += size;
    if (this.length > this.buffer.length) {
      const grown = new Uint8Array(Math.max(this.length, this.buffer.length * 2));
      grown.set(this.buffer);
      this.buffer = grown;
      this.view = new DataView(grown.buffer);
    }
    return at;
  }
}

/** Reads big-endian fields of foreign bytes. Every failure is a VmError that names the owner and the field. */
export class ByteReader {
  private readonly data: Uint8Array;
  private readonly view: DataView;
  private readonly owner: string;
  private readonly path: string[] = [];
  private at = 0;

  constructor(data: Uint8Array, owner: string) {
    this.data = data;
    this.view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    this.owner = owner;
  }

  get left(): number {
    return this.data.length - this.at;
  }

  u8(): number {
    return this.view.getUint8(this.take(1));
  }
  u16(): number {
    return this.view.getUint16(this.take(2));
  }
  u32(): number {
    return this.view.getUint32(this.take(4));
  }
  i32(): number {
    return this.view.getInt32(this.take(4));
  }
  i64(): number {
    const value = Number(this.view.getBigInt64(this.take(8)));
    return Number.isSafeInteger(value) ? value : this.fail(`${value} is out of range`);
  }
  u64(): bigint {
    return this.view.getBigUint64(this.take(8));
  }
  /** A copy of the next `length` bytes. */
  bytes(length: number): Uint8Array {
    const at = this.take(length);
    return this.data.slice(at, at + length);
  }

  /** The next `length` bytes where they are. */
  borrow(length: number): Uint8Array {
    const at = this.take(length);
    return this.data.subarray(at, at + length);
  }

  /** Runs `decode` with `step` added to the field name that failures report. */
  within<T>(step: string, decode: () => T): T {
    this.path.push(step);
    const value = decode();
    this.path.pop();
    return value;
  }

  fail(what: string): never {
    const field = this.path.join('').replace(/^\./, '');
    throw new VmError(`${this.owner}: field '${field}': ${what}`);
  }

  private take(size: number): number {
    if (size > this.left) this.fail(`saved state ends early (${size} bytes wanted, ${this.left} left)`);
    const at = this.at;
    this.at += size;
    return at;
  }
}
