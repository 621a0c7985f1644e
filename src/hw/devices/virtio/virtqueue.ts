/**
 * Split virtqueues: Virtual I/O Device specification 1.1, §2.6. The driver's descriptors, its ring of available chains
 * and our ring of used ones lie in guest memory; here is what only the device knows. Rings are looked at when the
 * driver notifies, never between.
 *
 * What a driver may not do (§2.6.5.2, §2.6.5.3.1) fails the device; nothing that it writes makes a walk longer than
 * the largest queue.
 */
import type { Dma } from '../../core/dma.ts';
import { bool, type Field, type StateOf, struct, u16, u32 } from '../../core/state.ts';
import { FEATURE } from './constants.ts';
import { GuestBuffers } from './guest-buffers.ts';

/** The largest queue that there may be (QEMU's VIRTQUEUE_MAX_SIZE; the specification allows 32768). */
const MAX_QUEUE_SIZE = 1024;
const DESCRIPTOR_BYTES = 16;
const DESC = { NEXT: 1, WRITE: 2, INDIRECT: 4 } as const; // §2.6.5
const AVAIL_NO_INTERRUPT = 1; // §2.6.6
/** Of both rings: flags and index stand before the entries. */
const RING_HEADER_BYTES = 4;
const USED_ELEMENT_BYTES = 8; // §2.6.8

/** A list of 16-bit numbers, at most `limit` of them. */
const u16List = (limit: number): Field<number[]> => ({
  wire: `u16[0..${limit}]`,
  fresh: () => [],
  encode(out, value) {
    out.u16(value.length);
    for (const item of value) out.u16(item);
  },
  decode(from) {
    const length = from.u16();
    if (length > limit) from.fail(`${length} entries, at most ${limit} are possible`);
    return Array.from({ length }, () => from.u16());
  },
  assign(old, value) {
    old.splice(0, old.length, ...value);
    return old;
  },
});

export const queueFields = {
  /** Number of descriptors that the driver chose; a power of two. */
  size: u16(),
  enabled: bool(),
  /** Guest-physical addresses of descriptor table, available ring and used ring. */
  descLow: u32(),
  descHigh: u32(),
  availLow: u32(),
  availHigh: u32(),
  usedLow: u32(),
  usedHigh: u32(),
  /** The next available entry that we have not taken, and the next used entry that we write. */
  lastAvail: u16(),
  usedIndex: u16(),
  /** The used index when we last interrupted; it is known only once we have looked. */
  signalledUsed: u16(),
  signalledValid: bool(),
  /** Chains that we have taken and not given back, oldest first, by their head. */
  held: u16List(MAX_QUEUE_SIZE),
};
export const queueState = struct(queueFields);
export type QueueState = StateOf<typeof queueFields>;

/** A request of the driver: what it gives to read, and where it wants the answer. */
export interface Chain {
  readonly head: number;
  readonly readable: GuestBuffers;
  readonly writable: GuestBuffers;
}

/** What a queue needs of its device. */
export interface QueueOwner {
  readonly dma: Dma;
  readonly broken: boolean;
  has(feature: number): boolean;
  /** The driver did what it may not: the device stops until it is reset. */
  fail(message: string): void;
  queueInterrupt(): void;
}

/** §2.6.7.2: whether the step from `before` to `now` passes the index that the other side waits for. */
const passes = (event: number, now: number, before: number): boolean =>
  ((now - event - 1) & 0xffff) < ((now - before) & 0xffff);

export class Virtqueue {
  readonly index: number;
  /** The queue's state; the transport's registers show and set it. */
  readonly s: QueueState;
  private largest = 0;
  private readonly owner: QueueOwner;
  private readonly descriptor = new Uint8Array(DESCRIPTOR_BYTES);
  private readonly descriptorView = new DataView(this.descriptor.buffer);

  constructor(index: number, state: QueueState, owner: QueueOwner) {
    this.index = index;
    this.s = state;
    this.owner = owner;
  }

  /** What the device offers; the driver may choose less. 0: the device has no such queue. */
  get maxSize(): number {
    return this.largest;
  }
  limit(size: number): void {
    if (size > MAX_QUEUE_SIZE) throw new Error(`BUG: virtqueue ${this.index}: size ${size}`);
    this.largest = size;
  }

  /** After the reset of the state. */
  reset(): void {
    this.s.size = this.largest;
  }

  /** The driver has set the queue up and the device works. */
  get ready(): boolean {
    return this.s.enabled && !this.owner.broken;
  }

  /** Whether the driver has put a chain there that we have not taken. */
  get isEmpty(): boolean {
    return !this.ready || this.waiting() <= 0;
  }

  /** How many chains the driver has put there that we have not taken. */
  get available(): number {
    return this.ready ? this.waiting() : 0;
  }

  /** Takes the next chain; undefined if there is none, or if the driver broke the rules, which fails the device. */
  pop(): Chain | undefined {
    const chain = this.peek();
    if (chain === undefined) return undefined;
    const { s, owner } = this;
    if (s.held.length >= s.size) {
      owner.fail('Virtqueue size exceeded');
      return undefined;
    }
    s.held.push(chain.head);
    s.lastAvail = (s.lastAvail + 1) & 0xffff;
    // §2.6.7: with event indices we ask to be notified of the next entry.
    if (owner.has(FEATURE.RING_EVENT_IDX)) owner.dma.writeU16(this.availEventAt, s.lastAvail);
    return chain;
  }

  /** The next chain, left where it is. */
  peek(): Chain | undefined {
    if (!this.ready || this.waiting() <= 0) return undefined;
    const { s, owner } = this;
    const head = owner.dma.readU16(this.availAt + RING_HEADER_BYTES + 2 * (s.lastAvail % s.size));
    return this.chainAt(head);
  }

  /** Gives a chain back; `written` is how many bytes of its writable part are new. The driver is not told yet. */
  push({ head }: Chain, written: number): void {
    const { s, owner } = this;
    const place = s.held.indexOf(head);
    if (place < 0) throw new Error(`BUG: virtqueue ${this.index}: chain ${head} was not taken`);
    s.held.splice(place, 1);
    if (owner.broken) return;
    const at = this.usedAt + RING_HEADER_BYTES + USED_ELEMENT_BYTES * (s.usedIndex % s.size);
    owner.dma.writeU32(at, head);
    owner.dma.writeU32(at + 4, written);
    const before = s.usedIndex;
    s.usedIndex = (before + 1) & 0xffff;
    owner.dma.writeU16(this.usedAt + 2, s.usedIndex);
    // After 2^16 entries without an interrupt the index that we remember says nothing any more.
    if (s.usedIndex === s.signalledUsed) s.signalledValid = false;
  }

  /** Interrupts if the driver wants to hear of what was given back (§2.6.7.2). */
  notify(): void {
    if (this.wantsInterrupt()) this.owner.queueInterrupt();
  }

  /** Gives a chain back and tells the driver. */
  finish(chain: Chain, written: number): void {
    this.push(chain, written);
    this.notify();
  }

  /** The chains that we have taken, read anew from guest memory: after a load. */
  heldChains(): Chain[] {
    const { s, owner } = this;
    if (!this.ready) return [];
    if (!this.ringsAreRam()) {
      owner.fail(`Virtqueue ${this.index}: rings are not in memory`);
      return [];
    }
    return s.held.map((head) => this.chainAt(head)).filter((chain) => chain !== undefined);
  }

  /** How many entries the driver has made available; more than there can be fails the device. */
  private waiting(): number {
    const { s, owner } = this;
    if (!this.ringsAreRam()) {
      owner.fail(`Virtqueue ${this.index}: rings are not in memory`);
      return 0;
    }
    const index = owner.dma.readU16(this.availAt + 2);
    const waiting = (index - s.lastAvail) & 0xffff;
    if (waiting <= s.size) return waiting;
    owner.fail(`Guest moved used index from ${s.lastAvail} to ${index}`);
    return 0;
  }

  private wantsInterrupt(): boolean {
    const { s, owner } = this;
    if (!this.ready) return false;
    if (owner.has(FEATURE.NOTIFY_ON_EMPTY) && s.held.length === 0 && this.waiting() === 0) return true;
    if (!owner.has(FEATURE.RING_EVENT_IDX)) return (owner.dma.readU16(this.availAt) & AVAIL_NO_INTERRUPT) === 0;
    const { signalledUsed, signalledValid } = s;
    s.signalledUsed = s.usedIndex;
    s.signalledValid = true;
    return !signalledValid || passes(owner.dma.readU16(this.usedEventAt), s.usedIndex, signalledUsed);
  }

  /** §2.6.5: walks a chain. Every descriptor is looked at once at most, for a walk longer than its table is a loop. */
  private chainAt(head: number): Chain | undefined {
    const { dma } = this.owner;
    if (head >= this.s.size) return this.refuse(`Guest says index ${head} > ${this.s.size} is available`);
    const readable = new GuestBuffers(dma);
    const writable = new GuestBuffers(dma);
    let table = this.descAt;
    let entries: number = this.s.size;
    let at = head;
    let isIndirect = false;
    for (let walked = 0; ; walked++) {
      if (walked >= Math.min(entries, MAX_QUEUE_SIZE)) return this.refuse('Looped descriptor');
      dma.read(table + at * DESCRIPTOR_BYTES, this.descriptor);
      const view = this.descriptorView;
      const gpa = view.getUint32(4, true) * 2 ** 32 + view.getUint32(0, true);
      const length = view.getUint32(8, true);
      const flags = view.getUint16(12, true);
      if (flags & DESC.INDIRECT) {
        // §2.6.5.3: the rest of the chain is in a table of its own, which is not empty and refers to no other.
        if (isIndirect || flags & DESC.NEXT) return this.refuse('Invalid place of an indirect buffer table');
        if (length === 0 || length % DESCRIPTOR_BYTES !== 0)
          return this.refuse('Invalid size for indirect buffer table');
        if (!isMemory(dma, gpa, length))
          return this.refuse(`Indirect buffer table at 0x${gpa.toString(16)}: no memory`);
        isIndirect = true;
        table = gpa;
        entries = length / DESCRIPTOR_BYTES;
        at = 0;
        walked = -1;
        continue;
      }
      if (length === 0) return this.refuse('zero sized buffers are not allowed');
      if (!isMemory(dma, gpa, length)) return this.refuse(`bogus descriptor: 0x${gpa.toString(16)}, length ${length}`);
      if (flags & DESC.WRITE) writable.append(gpa, length);
      else if (writable.length > 0) return this.refuse('Incorrect order for descriptors');
      else readable.append(gpa, length);
      if ((flags & DESC.NEXT) === 0) return { head, readable, writable };
      at = view.getUint16(14, true);
      if (at >= entries) return this.refuse(`Desc next is ${at}`);
    }
  }

  private refuse(message: string): undefined {
    this.owner.fail(message);
    return undefined;
  }

  private get descAt(): number {
    return this.s.descHigh * 2 ** 32 + this.s.descLow;
  }
  private get availAt(): number {
    return this.s.availHigh * 2 ** 32 + this.s.availLow;
  }
  private get usedAt(): number {
    return this.s.usedHigh * 2 ** 32 + this.s.usedLow;
  }
  /** §2.6.6: behind the available ring; §2.6.8: behind the used ring. */
  private get usedEventAt(): number {
    return this.availAt + RING_HEADER_BYTES + 2 * this.s.size;
  }
  private get availEventAt(): number {
    return this.usedAt + RING_HEADER_BYTES + USED_ELEMENT_BYTES * this.s.size;
  }

  private ringsAreRam(): boolean {
    const { size } = this.s;
    const { dma } = this.owner;
    return (
      isMemory(dma, this.descAt, DESCRIPTOR_BYTES * size) &&
      isMemory(dma, this.availAt, RING_HEADER_BYTES + 2 * size + 2) &&
      isMemory(dma, this.usedAt, RING_HEADER_BYTES + USED_ELEMENT_BYTES * size + 2)
    );
  }
}

/** Addresses that a number cannot hold exactly are beyond all memory, too. */
const isMemory = (dma: Dma, gpa: number, length: number): boolean =>
  Number.isSafeInteger(gpa + length) && dma.isRam(gpa, length);
