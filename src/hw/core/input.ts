/**
 * The one door through which the outside reaches the guest: bytes for a serial line, keys, the RTC's base. An event is
 * plain data for a named receiver; the run loop delivers it between two instructions and stamps it with the
 * instruction count. The stamped events are the machine's history: the same start and the same events give the same
 * run.
 *
 * A receiver that has no room leaves the rest of its bytes here, outside the machine, so that nothing undelivered is
 * part of the guest's state.
 */
export type InputData =
  | Uint8Array
  | string
  | number
  | boolean
  | null
  | readonly InputData[]
  | { readonly [key: string]: InputData };

export interface InputEvent {
  /** Number of guest instructions executed before the delivery. */
  readonly count: number;
  readonly target: string;
  readonly data: InputData;
}

/** Takes bytes as far as it has room. */
export interface ByteReceiver {
  room(): number;
  receive(bytes: Uint8Array): void;
}
/** Takes each event at once. `check` refuses foreign data of the wrong shape. */
export interface EventReceiver<T extends InputData> {
  check(data: InputData): data is T;
  receive(data: T): void;
  /** What stops the machine: it comes before all other events of its count, and those wait until the machine goes on. */
  readonly isBarrier?: (data: T) => boolean;
}

type Reception = 'taken' | 'barrier' | 'refused';

export class InputQueue {
  private readonly byteReceivers = new Map<string, ByteReceiver>();
  private readonly eventReceivers = new Map<string, (data: InputData) => Reception>();
  private readonly waiting = new Map<string, Uint8Array[]>();
  private readonly events: { readonly target: string; readonly data: InputData }[] = [];
  private scheduled: InputEvent[] = [];

  /** Called with each event as it is delivered: the recorder. */
  onDelivered: ((event: InputEvent) => void) | undefined;
  /** Called when something can be delivered now, so that the run loop can end its slice early. */
  onPending: (() => void) | undefined;
  /** Called before each `post`. */
  onPost: (() => void) | undefined;

  receiveBytes(target: string, receiver: ByteReceiver): void {
    this.claim(target);
    this.byteReceivers.set(target, receiver);
  }

  receiveEvents<T extends InputData>(target: string, receiver: EventReceiver<T>): void {
    this.claim(target);
    this.eventReceivers.set(target, (data) => {
      if (!receiver.check(data)) return 'refused';
      receiver.receive(data);
      return receiver.isBarrier?.(data) ? 'barrier' : 'taken';
    });
  }

  get targets(): readonly string[] {
    return [...this.byteReceivers.keys(), ...this.eventReceivers.keys()];
  }

  /** Queues data from outside, to be delivered as soon as the receiver can take it. False: nobody listens there. */
  post(target: string, data: InputData): boolean {
    this.onPost?.();
    if (this.byteReceivers.has(target)) {
      if (!(data instanceof Uint8Array)) return false;
      if (data.length === 0) return true;
      const chunks = this.waiting.get(target) ?? [];
      chunks.push(data);
      this.waiting.set(target, chunks);
    } else if (this.eventReceivers.has(target)) {
      this.events.push({ target, data });
    } else {
      return false;
    }
    this.onPending?.();
    return true;
  }

  /** Queues an event to be delivered before all that waits: the time at which the rest arrives. */
  postFirst(target: string, data: InputData): void {
    if (!this.eventReceivers.has(target)) throw new Error(`BUG: no receiver for events of '${target}'`);
    this.events.unshift({ target, data });
  }

  /** Forgets bytes that wait for a receiver. */
  discard(target: string): void {
    this.waiting.delete(target);
  }

  /** A byte receiver has room again. */
  roomAvailable(target: string): void {
    if (this.waiting.has(target)) this.onPending?.();
  }

  /** Adds an event of a recorded history, to be delivered exactly at its count, after those that were added before. */
  schedule(event: InputEvent): void {
    this.scheduled.push(event);
    this.scheduled.sort((a, b) => a.count - b.count);
  }

  /** Adds an event that comes before all others of its count. */
  scheduleFirst(event: InputEvent): void {
    this.scheduled.unshift(event);
    this.scheduled.sort((a, b) => a.count - b.count);
  }

  /** Takes back all that `schedule` was given and that has not come yet. */
  forgetScheduled(): void {
    this.scheduled = [];
  }

  /** The run loop must stop at this count to deliver a scheduled event; Infinity if there is none. */
  nextCount(): number {
    return this.scheduled[0]?.count ?? Number.POSITIVE_INFINITY;
  }

  /** Delivers everything that is due at this count. */
  deliver(count: number): void {
    while ((this.scheduled[0]?.count ?? Number.POSITIVE_INFINITY) <= count) {
      const event = this.scheduled.shift() as InputEvent;
      if (event.count < count) throw new Error(`BUG: input of count ${event.count} delivered at ${count}`);
      if (this.hand(event) === 'barrier') return;
    }
    for (const { target, data } of this.events.splice(0)) this.hand({ count, target, data });
    for (const [target, receiver] of this.byteReceivers) {
      for (let bytes = this.take(target, receiver.room()); bytes; bytes = this.take(target, receiver.room())) {
        this.hand({ count, target, data: bytes });
      }
    }
  }

  private hand(event: InputEvent): Reception {
    const { target, data } = event;
    const bytes = this.byteReceivers.get(target);
    let reception: Reception = 'taken';
    if (bytes !== undefined && data instanceof Uint8Array) bytes.receive(data);
    else reception = this.eventReceivers.get(target)?.(data) ?? 'refused';
    if (reception !== 'refused') this.onDelivered?.(event);
    return reception;
  }

  /** Up to `room` of the bytes that wait for a target. */
  private take(target: string, room: number): Uint8Array | undefined {
    const chunks = this.waiting.get(target);
    const first = chunks?.[0];
    if (chunks === undefined || first === undefined) return undefined;
    if (first.length > room) {
      if (room <= 0) return undefined;
      chunks[0] = first.subarray(room);
      return first.slice(0, room);
    }
    chunks.shift();
    if (chunks.length === 0) this.waiting.delete(target);
    return first;
  }

  private claim(target: string): void {
    if (this.byteReceivers.has(target) || this.eventReceivers.has(target)) {
      throw new Error(`BUG: two receivers for input '${target}'`);
    }
  }
}
