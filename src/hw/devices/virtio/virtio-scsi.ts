/**
 * virtio SCSI host adapter: Virtual I/O Device specification 1.1, §5.6. Limits are QEMU's.
 * Not modelled: hot plugging, protection information, asynchronous notifications of a unit's state.
 */
import { VmError } from '../../../util/errors.ts';
import { prop } from '../../core/props.ts';
import { bool, u32 } from '../../core/state.ts';
import { SCSI_STATUS, type ScsiBus, type ScsiEnd, ScsiPlaces, type ScsiUnit, senseBytes } from '../scsi/scsi.ts';
import { absentUnit, isReportLuns, reportLuns } from '../scsi/target.ts';
import { DEVICE_ID } from './constants.ts';
import { defineVirtioPci } from './virtio-pci.ts';
import type { Chain, Virtqueue } from './virtqueue.ts';

const QUEUE = { CONTROL: 0, EVENT: 1, FIRST_REQUEST: 2 } as const; // §5.6.2
const QUEUE_SIZE = 128;
const MAX_REQUEST_QUEUES = 64;
const F_CHANGE = 2; // §5.6.3
const MAX_TARGET = 255;
const MAX_LUN = 16383;
const DEFAULT_CDB_BYTES = 32;
const DEFAULT_SENSE_BYTES = 96;
const REQUEST_HEADER = 19; // §5.6.6.1: lun, id, task_attr, prio, crn
const RESPONSE_HEADER = 12;
const CONFIG_BYTES = 36;
const EVENT_BYTES = 16;
/** §5.6.6.1 */
const RESPONSE = {
  OK: 0,
  OVERRUN: 1,
  ABORTED: 2,
  BAD_TARGET: 3,
  RESET: 4,
  FUNCTION_SUCCEEDED: 10,
  FUNCTION_REJECTED: 11,
  INCORRECT_LUN: 12,
} as const;
/** §5.6.6.2 */
const CONTROL = { TMF: 0, AN_QUERY: 1, AN_SUBSCRIBE: 2 } as const;
const TMF = {
  ABORT_TASK: 0,
  ABORT_TASK_SET: 1,
  CLEAR_TASK_SET: 3,
  I_T_NEXUS_RESET: 4,
  LOGICAL_UNIT_RESET: 5,
  QUERY_TASK: 6,
  QUERY_TASK_SET: 7,
} as const;
const TMF_BYTES = 24;
const AN_BYTES = 16;
const EVENT_PARAM_CHANGE = 3; // §5.6.6.3
const EVENTS_MISSED = 0x8000_0000;
/** As in virtio-blk: more data waits in guest memory. */
const MAX_BYTES_UNDER_WAY = 64 * 2 ** 20;

interface UnderWay {
  readonly queue: Virtqueue;
  readonly chain: Chain;
  readonly tag: bigint;
  readonly target: number;
  readonly lun: number;
  readonly bytes: number;
}

export const virtioScsiPci = defineVirtioPci({
  type: 'virtio-scsi-pci',
  deviceId: DEVICE_ID.SCSI,
  transitionalId: 0x1004,
  classCode: 0x010000,
  maxQueues: QUEUE.FIRST_REQUEST + MAX_REQUEST_QUEUES,
  props: {
    num_queues: prop.u32(1),
    virtqueue_size: prop.u32(QUEUE_SIZE),
    max_sectors: prop.u32(0xffff),
    cmd_per_lun: prop.u32(128),
    param_change: prop.bool(true),
  },
  state: {
    senseBytes: u32(DEFAULT_SENSE_BYTES),
    cdbBytes: u32(DEFAULT_CDB_BYTES),
    /** An event found no buffer. */
    eventsMissed: bool(),
  },
  create(s, { id, num_queues: queues, virtqueue_size: size, ...props }, core) {
    if (queues < 1 || queues > MAX_REQUEST_QUEUES) {
      throw new VmError(
        `Invalid number of queues (= ${queues}), must be a positive integer less than ${MAX_REQUEST_QUEUES}.`,
      );
    }
    if (size < 4 || size > 1024 || (size & (size - 1)) !== 0) {
      throw new VmError(`invalid virtqueue_size property (${size})`, { hint: 'a power of 2, 4 to 1024' });
    }
    const places = new ScsiPlaces(MAX_TARGET, MAX_LUN);
    const underWay = new Set<UnderWay>();
    let bytesUnderWay = 0;

    const bus: ScsiBus = {
      kind: 'SCSI',
      name: `${id}.0`,
      full: false,
      plug(unit, wanted) {
        const at = places.plug(unit, wanted);
        return { ...at, capacityChanged: () => sendEvent(EVENT_PARAM_CHANGE, at.target, at.lun, 0x2a | (9 << 8)) };
      },
    };

    function sendEvent(event: number, target: number, lun: number, reason: number): void {
      if (!core.has(F_CHANGE)) return;
      const queue = core.queue(QUEUE.EVENT);
      const chain = queue?.pop();
      if (queue === undefined || chain === undefined) {
        s.eventsMissed = true;
        return;
      }
      const view = new DataView(new ArrayBuffer(EVENT_BYTES));
      view.setUint32(0, (event | (s.eventsMissed ? EVENTS_MISSED : 0)) >>> 0, true);
      view.setUint8(4, 1);
      view.setUint8(5, target);
      view.setUint16(6, lun < 256 ? lun : 0x4000 | lun);
      view.setUint32(12, reason, true);
      s.eventsMissed = false;
      queue.finish(chain, chain.writable.write(0, new Uint8Array(view.buffer)));
    }

    /** §5.6.6.1: byte 0 is 1, byte 1 the target, then a unit in one level of addressing. */
    function addressOf(lun: DataView, at: number): { target: number; lun: number } | undefined {
      if (lun.getUint8(at) !== 1) return undefined;
      return { target: lun.getUint8(at + 1), lun: lun.getUint16(at + 2) & 0x3fff };
    }

    function respond(entry: UnderWay, response: number, end: ScsiEnd = {}): void {
      if (!underWay.delete(entry)) return;
      bytesUnderWay -= entry.bytes;
      const { chain, queue } = entry;
      const room = chain.writable.length - RESPONSE_HEADER - s.senseBytes;
      const outLength = chain.readable.length - REQUEST_HEADER - s.cdbBytes;
      const data = end.data ?? new Uint8Array();
      const isOverrun = response === RESPONSE.OK && data.length > room;
      const sense = end.sense === undefined ? new Uint8Array() : senseBytes(end.sense).subarray(0, s.senseBytes);
      const head = new DataView(new ArrayBuffer(RESPONSE_HEADER));
      head.setUint32(0, sense.length, true);
      // What the initiator gave room or data for and did not get or lose.
      head.setUint32(
        4,
        isOverrun ? 0 : Math.max(0, room - data.length) + Math.max(0, outLength - (end.taken ?? 0)),
        true,
      );
      head.setUint8(10, end.sense === undefined ? SCSI_STATUS.GOOD : SCSI_STATUS.CHECK_CONDITION);
      head.setUint8(11, isOverrun ? RESPONSE.OVERRUN : response);
      chain.writable.write(0, new Uint8Array(head.buffer));
      chain.writable.write(RESPONSE_HEADER, sense);
      const written = chain.writable.write(RESPONSE_HEADER + s.senseBytes, data);
      queue.finish(chain, RESPONSE_HEADER + s.senseBytes + written);
      takeAll();
    }

    function start(queue: Virtqueue, chain: Chain): void {
      const { readable, writable } = chain;
      const headBytes = REQUEST_HEADER + s.cdbBytes;
      if (readable.length < headBytes || writable.length < RESPONSE_HEADER + s.senseBytes) {
        core.fail('wrong size for virtio-scsi headers');
        return;
      }
      const head = readable.view(0, headBytes);
      const cdb = new Uint8Array(head.buffer, REQUEST_HEADER);
      const address = addressOf(head, 0);
      const bytes = readable.length + writable.length;
      const tag = head.getBigUint64(8, true);
      const entry: UnderWay = { queue, chain, bytes, tag, target: address?.target ?? -1, lun: address?.lun ?? -1 };
      underWay.add(entry);
      bytesUnderWay += bytes;
      const luns = address === undefined ? [] : places.lunsOf(address.target);
      if (address === undefined || luns.length === 0) {
        respond(entry, RESPONSE.BAD_TARGET);
        return;
      }
      const outLength = readable.length - headBytes;
      const command = {
        cdb,
        outLength,
        out(length: number): Uint8Array {
          const data = new Uint8Array(length);
          readable.read(headBytes, data);
          return data;
        },
        end: (end: ScsiEnd) => respond(entry, (end.taken ?? 0) > outLength ? RESPONSE.OVERRUN : RESPONSE.OK, end),
      };
      const unit = places.at(address.target, address.lun);
      if (isReportLuns(cdb)) reportLuns(command, luns);
      else if (unit === undefined) absentUnit(command);
      else unit.start(command);
    }

    let isTaking = false;
    /** Starts what waits, as far as there is room; commands that end at once make room here. */
    function takeAll(): void {
      if (isTaking) return;
      isTaking = true;
      for (const queue of core.queues.slice(QUEUE.FIRST_REQUEST, QUEUE.FIRST_REQUEST + queues)) {
        while (bytesUnderWay < MAX_BYTES_UNDER_WAY) {
          const chain = queue.pop();
          if (chain === undefined) break;
          start(queue, chain);
        }
      }
      isTaking = false;
    }

    function takeControl(): void {
      const queue = core.queue(QUEUE.CONTROL);
      for (let chain = queue?.pop(); queue !== undefined && chain !== undefined; chain = queue.pop()) {
        const { readable, writable } = chain;
        const type = readable.view(0, 4).getUint32(0, true);
        if (type === CONTROL.TMF && readable.length >= TMF_BYTES && writable.length >= 1) {
          writable.write(0, Uint8Array.of(manageTasks(readable.view(0, TMF_BYTES))));
          queue.finish(chain, 1);
        } else if (
          (type === CONTROL.AN_QUERY || type === CONTROL.AN_SUBSCRIBE) &&
          readable.length >= AN_BYTES &&
          writable.length >= 5
        ) {
          writable.write(0, new Uint8Array(5)); // no events are offered, and that is well
          queue.finish(chain, 5);
        } else {
          core.fail('wrong size for virtio-scsi headers');
          return;
        }
      }
    }

    function manageTasks(request: DataView): number {
      const address = addressOf(request, 8);
      const luns = address === undefined ? [] : places.lunsOf(address.target);
      if (address === undefined || luns.length === 0) return RESPONSE.BAD_TARGET;
      const unit = places.at(address.target, address.lun);
      const subtype = request.getUint32(4, true);
      if (subtype !== TMF.I_T_NEXUS_RESET && unit === undefined) return RESPONSE.INCORRECT_LUN;
      const tag = request.getBigUint64(16, true);
      const ofUnit = [...underWay].filter((entry) => entry.target === address.target && entry.lun === address.lun);
      switch (subtype) {
        case TMF.ABORT_TASK:
        case TMF.QUERY_TASK: {
          const entry = ofUnit.find((each) => each.tag === tag);
          if (subtype === TMF.QUERY_TASK) return entry === undefined ? RESPONSE.OK : RESPONSE.FUNCTION_SUCCEEDED;
          if (entry !== undefined) respond(entry, RESPONSE.ABORTED);
          return RESPONSE.OK;
        }
        case TMF.QUERY_TASK_SET:
          return ofUnit.length === 0 ? RESPONSE.OK : RESPONSE.FUNCTION_SUCCEEDED;
        case TMF.ABORT_TASK_SET:
        case TMF.CLEAR_TASK_SET:
          for (const entry of ofUnit) respond(entry, RESPONSE.ABORTED);
          return RESPONSE.OK;
        case TMF.LOGICAL_UNIT_RESET:
          resetUnits([unit as ScsiUnit], ofUnit);
          return RESPONSE.OK;
        case TMF.I_T_NEXUS_RESET:
          resetUnits(
            luns.flatMap((lun) => places.at(address.target, lun) ?? []),
            [...underWay].filter((entry) => entry.target === address.target),
          );
          return RESPONSE.OK;
        default:
          return RESPONSE.FUNCTION_REJECTED;
      }
    }
    function resetUnits(units: readonly ScsiUnit[], entries: readonly UnderWay[]): void {
      for (const unit of units) unit.reset();
      for (const entry of entries) respond(entry, RESPONSE.RESET);
    }

    function forget(): void {
      underWay.clear();
      bytesUnderWay = 0;
      for (const unit of places.all()) unit.forget();
    }

    return {
      buses: [bus],
      model: {
        features: props.param_change ? [F_CHANGE] : [],
        queueSizes: new Array<number>(QUEUE.FIRST_REQUEST + queues).fill(size),
        configBytes: CONFIG_BYTES,
        readConfig(view) {
          const words = [queues, size - 2, props.max_sectors, props.cmd_per_lun, EVENT_BYTES, s.senseBytes, s.cdbBytes];
          for (const [i, word] of words.entries()) view.setUint32(4 * i, word, true);
          view.setUint16(28, 0, true); // max_channel
          view.setUint16(30, MAX_TARGET, true);
          view.setUint32(32, MAX_LUN, true);
        },
        writeConfig(view) {
          const sense = view.getUint32(20, true);
          const cdb = view.getUint32(24, true);
          if (sense >= 0x1_0000 || cdb >= 256) core.guestError('bad data written to virtio-scsi configuration space');
          else [s.senseBytes, s.cdbBytes] = [sense, cdb];
        },
        notified(index) {
          if (index === QUEUE.CONTROL) takeControl();
          else if (index !== QUEUE.EVENT) takeAll();
        },
        reset() {
          underWay.clear();
          bytesUnderWay = 0;
          for (const unit of places.all()) unit.reset();
        },
        resume() {
          forget();
          isTaking = true;
          for (const queue of core.queues.slice(QUEUE.FIRST_REQUEST)) {
            for (const chain of queue.heldChains()) start(queue, chain);
          }
          isTaking = false;
        },
      },
    };
  },
});
