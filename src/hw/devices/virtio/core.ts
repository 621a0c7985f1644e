/**
 * A virtio device apart from the bus it sits on: status, features, configuration, queues (Virtual I/O Device
 * specification 1.1, chapter 2). A transport turns a driver's register accesses into calls of it; a model says what
 * the device does.
 */
import type { Dma } from '../../core/dma.ts';
import type { LogHook } from '../../core/log.ts';
import { array, bool, type StateOf, struct, u8, u32 } from '../../core/state.ts';
import { FEATURE, STATUS } from './constants.ts';
import { type QueueOwner, queueState, Virtqueue } from './virtqueue.ts';

const virtioFields = (queues: number) => ({
  status: u8(),
  /** Features that the driver accepted: bits 0 to 31 and 32 to 63. */
  featuresLow: u32(),
  featuresHigh: u32(),
  /** §2.4.1: counts changes of the configuration that did not come from the driver. */
  configGeneration: u8(),
  broken: bool(),
  queues: array(queues, queueState),
});
export const virtioState = (queues: number) => struct(virtioFields(queues));
export type VirtioState = StateOf<ReturnType<typeof virtioFields>>;

/** What makes a device the one it is. */
export interface VirtioModel {
  /** Feature bits that it offers, beside those of rings and transport. */
  readonly features: readonly number[];
  /** Largest size of each queue, in order. */
  readonly queueSizes: readonly number[];
  /** Size of the device-specific configuration. */
  readonly configBytes: number;
  readConfig?(view: DataView): void;
  /** The driver changed what `readConfig` gave to this. */
  writeConfig?(view: DataView): void;
  /** The driver notified a queue that is set up. */
  notified(queue: number): void;
  /** The driver wrote another status than 0. */
  statusChanged?(status: number): void;
  /** The device was reset, by driver or machine: what is under way outside is forgotten. */
  reset?(): void;
  /** After a load: starts again what was under way outside (chains that queues hold). */
  resume?(): void;
}

/** What the core asks of its bus. */
export interface Transport {
  queueInterrupt(): void;
  configInterrupt(): void;
}

export interface CoreWiring {
  readonly id: string;
  readonly dma: Dma;
  readonly log: LogHook;
  readonly transport: Transport;
  /** Feature bits of rings and transport that are offered. */
  readonly features: readonly number[];
  /** Resets the declared state of core and model. */
  resetState(): void;
}

export class VirtioCore implements QueueOwner {
  readonly queues: readonly Virtqueue[];
  readonly dma: Dma;
  readonly s: VirtioState;
  private readonly wiring: CoreWiring;
  private model: VirtioModel | undefined;
  private offered: ReadonlySet<number> = new Set();
  private config = new DataView(new ArrayBuffer(0));

  constructor(state: VirtioState, wiring: CoreWiring) {
    this.s = state;
    this.dma = wiring.dma;
    this.wiring = wiring;
    this.queues = state.queues.map((queue, index) => new Virtqueue(index, queue, this));
  }

  /** Connects the device that this is the core of. */
  connect(model: VirtioModel): void {
    this.model = model;
    this.offered = new Set([...this.wiring.features, ...model.features]);
    this.config = new DataView(new ArrayBuffer(model.configBytes));
    for (const [index, size] of model.queueSizes.entries()) this.queues[index]?.limit(size);
  }

  get broken(): boolean {
    return this.s.broken;
  }

  /** Whether the driver accepted a feature. */
  has(feature: number): boolean {
    const word = feature < 32 ? this.s.featuresLow : this.s.featuresHigh;
    return ((word >>> (feature & 31)) & 1) !== 0;
  }

  /** The queue of a number that the guest gave; undefined if the device has none such. */
  queue(index: number): Virtqueue | undefined {
    const queue = this.queues[index];
    return queue !== undefined && queue.maxSize > 0 ? queue : undefined;
  }

  get queueCount(): number {
    return this.model?.queueSizes.length ?? 0;
  }

  get configBytes(): number {
    return this.config.byteLength;
  }

  /** §2.2: 32 of the feature bits that are offered. */
  offeredFeatures(word: number): number {
    let bits = 0;
    for (const feature of this.offered) if (feature >> 5 === word) bits |= 1 << (feature & 31);
    return bits >>> 0;
  }

  acceptedFeatures(word: number): number {
    return word === 0 ? this.s.featuresLow : word === 1 ? this.s.featuresHigh : 0;
  }

  /** §3.1.1: what the driver accepts; settled once it has set FEATURES_OK. */
  acceptFeatures(word: number, bits: number): void {
    if (this.s.status & STATUS.FEATURES_OK) {
      this.guestError(`features written after FEATURES_OK`);
      return;
    }
    const accepted = (bits & this.offeredFeatures(word)) >>> 0;
    if (accepted !== bits) this.guestError(`driver accepts features that are not offered: 0x${bits.toString(16)}`);
    if (word === 0) this.s.featuresLow = accepted;
    else if (word === 1) this.s.featuresHigh = accepted;
  }

  /** §2.1: writing 0 resets the device. NEEDS_RESET stays until then. */
  writeStatus(value: number): void {
    if (value === 0) {
      this.reset();
      return;
    }
    this.s.status = (value & 0xff) | (this.s.status & STATUS.NEEDS_RESET);
    this.model?.statusChanged?.(this.s.status);
  }

  /** A reset by the driver. */
  reset(): void {
    this.wiring.resetState();
    this.afterReset();
  }

  /** The second half of a reset, when the declared state has its reset values. */
  afterReset(): void {
    for (const queue of this.queues) queue.reset();
    this.model?.reset?.();
  }

  /** After a load. */
  resume(): void {
    this.model?.resume?.();
  }

  notify(index: number): void {
    const queue = this.queue(index);
    if (queue === undefined) this.guestError(`notification of queue ${index}, which does not exist`);
    else if (queue.ready) this.model?.notified(index);
  }

  /** The device-specific configuration, §2.4; what lies behind its end reads as all ones, as in QEMU. */
  readConfig(offset: number, size: number): number {
    if (offset + size > this.config.byteLength) return 2 ** (8 * size) - 1;
    this.model?.readConfig?.(this.config);
    if (size === 1) return this.config.getUint8(offset);
    return size === 2 ? this.config.getUint16(offset, true) : this.config.getUint32(offset, true);
  }

  writeConfig(offset: number, value: number, size: number): void {
    if (this.model?.writeConfig === undefined || offset + size > this.config.byteLength) {
      this.guestError(`write of ${size} bytes to configuration offset ${offset}`);
      return;
    }
    this.model.readConfig?.(this.config);
    if (size === 1) this.config.setUint8(offset, value);
    else if (size === 2) this.config.setUint16(offset, value, true);
    else this.config.setUint32(offset, value, true);
    this.model.writeConfig(this.config);
  }

  /** The configuration changed by itself (§2.4): the driver hears of it once it works. */
  configChanged(): void {
    if ((this.s.status & STATUS.DRIVER_OK) === 0) return;
    this.s.configGeneration = (this.s.configGeneration + 1) & 0xff;
    this.wiring.transport.configInterrupt();
  }

  queueInterrupt(): void {
    this.wiring.transport.queueInterrupt();
  }

  /** §2.1.2: an error that the device cannot recover from. */
  fail(message: string): void {
    this.guestError(message);
    if (this.s.broken) return;
    this.s.broken = true;
    if (!this.has(FEATURE.VERSION_1)) return;
    this.s.status |= STATUS.NEEDS_RESET;
    this.configChanged();
  }

  guestError(message: string): void {
    this.wiring.log('guest_errors', `virtio device '${this.wiring.id}': ${message}`);
  }
}
