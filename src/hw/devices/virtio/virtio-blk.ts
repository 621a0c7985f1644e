/**
 * virtio block device: Virtual I/O Device specification 1.1, §5.2. Properties and limits are QEMU's.
 * Not modelled: SCSI command pass-through (refused as unsupported), lifetime and zoned commands of later versions.
 */
import type { BlockError, Drive, RequestId } from '../../../block/api.ts';
import { VmError } from '../../../util/errors.ts';
import { prop } from '../../core/props.ts';
import { bool } from '../../core/state.ts';
import { DEVICE_ID, STATUS } from './constants.ts';
import { defineVirtioPci } from './virtio-pci.ts';
import type { Chain, Virtqueue } from './virtqueue.ts';

const SECTOR = 512;
const HEADER_BYTES = 16; // type, reserved, sector
const QUEUE_SIZE = 128;
const MAX_QUEUES = 64;
/** §5.2.3 */
const F = {
  SEG_MAX: 2,
  GEOMETRY: 4,
  RO: 5,
  BLK_SIZE: 6,
  FLUSH: 9,
  TOPOLOGY: 10,
  CONFIG_WCE: 11,
  MQ: 12,
  DISCARD: 13,
  WRITE_ZEROES: 14,
} as const;
/** §5.2.6 */
const T = { IN: 0, OUT: 1, FLUSH: 4, GET_ID: 8, DISCARD: 11, WRITE_ZEROES: 13 } as const;
const T_BARRIER = 0x8000_0000; // of legacy drivers; ignored
const S = { OK: 0, IOERR: 1, UNSUPP: 2 } as const;
const ID_BYTES = 20;
const RANGE_BYTES = 16;
const RANGE_UNMAP = 1;
/** QEMU's BDRV_REQUEST_MAX_SECTORS. */
const MAX_RANGE_SECTORS = 0x3f_ffff;
/** No more data than this is taken from the queues at once; the rest waits in guest memory. */
const MAX_BYTES_UNDER_WAY = 64 * 2 ** 20;
const MAX_REQUEST_BYTES = 32 * 2 ** 20;
const CONFIG_BYTES = 60; // §5.2.4, up to write_zeroes_may_unmap

/** A request that the drive works on. */
interface UnderWay {
  readonly queue: Virtqueue;
  readonly chain: Chain;
  readonly bytes: number;
  /** A write that must be safe before it ends: the flush behind it is still to come. */
  readonly flushAfter: boolean;
}

const isPowerOfTwo = (n: number): boolean => n > 0 && Number.isInteger(Math.log2(n));

function blockSize(name: string, value: number): number {
  if (value >= SECTOR && value <= 2 ** 21 && isPowerOfTwo(value)) return value;
  throw new VmError(`Property .${name} doesn't take value ${value}`, { hint: 'a power of 2 between 512 and 2097152' });
}

export const virtioBlkPci = defineVirtioPci({
  type: 'virtio-blk-pci',
  deviceId: DEVICE_ID.BLOCK,
  transitionalId: 0x1001,
  classCode: 0x010000,
  maxQueues: MAX_QUEUES,
  props: {
    drive: prop.link<Drive | null>('drive', null, 'Node name or ID of a block device to use as a backend'),
    serial: prop.string(''),
    bootindex: prop.i32(-1),
    logical_block_size: prop.u32(SECTOR),
    physical_block_size: prop.u32(SECTOR),
    min_io_size: prop.u16(0),
    opt_io_size: prop.u32(0),
    cyls: prop.u32(0),
    heads: prop.u32(0),
    secs: prop.u32(0),
    'config-wce': prop.bool(true),
    'num-queues': prop.u16(1),
    'queue-size': prop.u16(QUEUE_SIZE),
    discard: prop.bool(true),
    'write-zeroes': prop.bool(true),
    'max-discard-sectors': prop.u32(MAX_RANGE_SECTORS),
    'max-write-zeroes-sectors': prop.u32(MAX_RANGE_SECTORS),
  },
  state: {
    /** Write-back: a write may end before it is safe, as the driver knows and flushes for. */
    writeCache: bool(true),
  },
  create(s, wiring, core) {
    if (wiring.drive === null) throw new VmError('drive property not set');
    const drive: Drive = wiring.drive;
    if (!drive.inserted) throw new VmError('Device needs media, but drive is empty');
    const logicalBlock = blockSize('logical_block_size', wiring.logical_block_size);
    const physicalBlock = blockSize('physical_block_size', wiring.physical_block_size);
    const queueCount = wiring['num-queues'];
    if (queueCount < 1 || queueCount > MAX_QUEUES) throw new VmError(`num-queues property must be 1 to ${MAX_QUEUES}`);
    const queueSize = wiring['queue-size'];
    if (!isPowerOfTwo(queueSize) || queueSize < 4 || queueSize > 1024) {
      throw new VmError(`invalid queue-size property (${queueSize})`, { hint: 'a power of 2, 4 to 1024' });
    }
    const serial = wiring.serial || (drive.serial ?? '');
    const geometry = {
      cyls: wiring.cyls || Math.min(16383, Math.max(2, Math.floor(drive.sizeBytes / (16 * 63 * SECTOR)))),
      heads: wiring.heads || 16,
      secs: wiring.secs || 63,
    };

    const underWay = new Map<RequestId, UnderWay>();
    let bytesUnderWay = 0;

    /** The last byte of what the driver gave to write is the status; everything before it is data. */
    const dataLength = ({ writable }: Chain): number => writable.length - 1;
    function finish(queue: Virtqueue, chain: Chain, status: number): void {
      chain.writable.write(dataLength(chain), Uint8Array.of(status));
      queue.finish(chain, chain.writable.length);
    }
    function begin(request: RequestId, entry: UnderWay): void {
      underWay.set(request, entry);
      bytesUnderWay += entry.bytes;
    }
    const inRange = (sector: number, length: number): boolean =>
      length % logicalBlock === 0 &&
      sector % (logicalBlock / SECTOR) === 0 &&
      sector * SECTOR + length <= drive.sizeBytes;

    /** Starts what a chain asks for, or answers it at once. */
    function start(queue: Virtqueue, chain: Chain): void {
      const { readable, writable } = chain;
      if (readable.length < HEADER_BYTES || writable.length < 1) {
        core.fail('virtio-blk missing headers');
        return;
      }
      const header = readable.view(0, HEADER_BYTES);
      const sector = header.getUint32(12, true) * 2 ** 32 + header.getUint32(8, true);
      const outLength = readable.length - HEADER_BYTES;
      const entry = (bytes: number, flushAfter = false): UnderWay => ({ queue, chain, bytes, flushAfter });
      switch ((header.getUint32(0, true) & ~T_BARRIER) >>> 0) {
        case T.IN: {
          const length = dataLength(chain);
          if (!inRange(sector, length) || length > MAX_REQUEST_BYTES) finish(queue, chain, S.IOERR);
          else begin(drive.read(sector * SECTOR, length), entry(length));
          break;
        }
        case T.OUT:
          if (!inRange(sector, outLength) || outLength > MAX_REQUEST_BYTES || drive.readonly) {
            finish(queue, chain, S.IOERR);
          } else {
            const request = drive.write(sector * SECTOR, readable.bytes(HEADER_BYTES));
            begin(request, entry(outLength, !s.writeCache));
          }
          break;
        case T.FLUSH:
          begin(drive.flush(), entry(0));
          break;
        case T.GET_ID: {
          const id = new Uint8Array(Math.min(ID_BYTES, dataLength(chain)));
          for (let i = 0; i < id.length; i++) id[i] = serial.charCodeAt(i) || 0;
          writable.write(0, id);
          finish(queue, chain, S.OK);
          break;
        }
        case T.DISCARD:
          startRange(entry(0, false), outLength, false);
          break;
        case T.WRITE_ZEROES:
          startRange(entry(0, !s.writeCache), outLength, true);
          break;
        default:
          finish(queue, chain, S.UNSUPP);
      }
    }

    /** §5.2.6: discard and write zeroes take a range; we take one a request. */
    function startRange(entry: UnderWay, outLength: number, zeroes: boolean): void {
      const { queue, chain } = entry;
      if (!(zeroes ? wiring['write-zeroes'] : wiring.discard)) return finish(queue, chain, S.UNSUPP);
      if (outLength < RANGE_BYTES) {
        core.fail('virtio-blk discard/write_zeroes header too short');
        return;
      }
      const range = chain.readable.view(HEADER_BYTES, RANGE_BYTES);
      const sector = range.getUint32(4, true) * 2 ** 32 + range.getUint32(0, true);
      const count = range.getUint32(8, true);
      const flags = range.getUint32(12, true);
      const most = wiring[zeroes ? 'max-write-zeroes-sectors' : 'max-discard-sectors'];
      if (outLength > RANGE_BYTES || flags & ~RANGE_UNMAP || (!zeroes && flags !== 0)) {
        finish(queue, chain, S.UNSUPP);
      } else if (count > most || !inRange(sector, count * SECTOR) || drive.readonly) {
        finish(queue, chain, S.IOERR);
      } else {
        const method = zeroes ? 'writeZeroes' : 'discard';
        begin(drive[method](sector * SECTOR, count * SECTOR), entry);
      }
    }

    function completed(request: RequestId, error: BlockError | undefined, bytes: Uint8Array | undefined): void {
      const entry = underWay.get(request);
      if (entry === undefined) return;
      underWay.delete(request);
      bytesUnderWay -= entry.bytes;
      if (error === undefined && entry.flushAfter) {
        begin(drive.flush(), { ...entry, flushAfter: false });
        return;
      }
      if (bytes !== undefined) entry.chain.writable.write(0, bytes);
      finish(entry.queue, entry.chain, error === undefined ? S.OK : S.IOERR);
      // What had to wait for room; the queue that ended first goes first.
      for (const queue of core.queues) take(queue);
    }

    function take(queue: Virtqueue): void {
      while (bytesUnderWay < MAX_BYTES_UNDER_WAY) {
        const chain = queue.pop();
        if (chain === undefined) break;
        start(queue, chain);
      }
    }
    function forget(): void {
      underWay.clear();
      bytesUnderWay = 0;
      drive.forget();
    }
    drive.attach({ completed, mediumChanged: () => core.configChanged() });

    const features: number[] = [F.SEG_MAX, F.GEOMETRY, F.BLK_SIZE, F.FLUSH, F.TOPOLOGY];
    if (wiring['config-wce']) features.push(F.CONFIG_WCE);
    if (queueCount > 1) features.push(F.MQ);
    if (drive.readonly) features.push(F.RO);
    if (wiring.discard) features.push(F.DISCARD);
    if (wiring['write-zeroes']) features.push(F.WRITE_ZEROES);

    return {
      firmware: { boot: [{ index: wiring.bootindex, suffix: '/disk@0,0' }] },
      model: {
        features,
        queueSizes: new Array<number>(queueCount).fill(queueSize),
        configBytes: CONFIG_BYTES,
        readConfig(view) {
          view.setBigUint64(0, BigInt(drive.sizeBytes / SECTOR), true);
          view.setUint32(12, queueSize - 2, true); // seg_max: header and status take the others
          view.setUint16(16, geometry.cyls, true);
          view.setUint8(18, geometry.heads);
          view.setUint8(19, geometry.secs);
          view.setUint32(20, logicalBlock, true);
          view.setUint8(24, Math.max(0, Math.log2(physicalBlock / logicalBlock)));
          view.setUint16(26, wiring.min_io_size / logicalBlock, true);
          view.setUint32(28, wiring.opt_io_size / logicalBlock, true);
          view.setUint8(32, s.writeCache ? 1 : 0);
          view.setUint16(34, queueCount, true);
          view.setUint32(36, wiring.discard ? wiring['max-discard-sectors'] : 0, true);
          view.setUint32(40, wiring.discard ? 1 : 0, true);
          view.setUint32(44, wiring.discard ? logicalBlock / SECTOR : 0, true);
          view.setUint32(48, wiring['write-zeroes'] ? wiring['max-write-zeroes-sectors'] : 0, true);
          view.setUint32(52, wiring['write-zeroes'] ? 1 : 0, true);
          view.setUint8(56, wiring['write-zeroes'] ? 1 : 0);
        },
        writeConfig(view) {
          if (core.has(F.CONFIG_WCE)) s.writeCache = view.getUint8(32) !== 0;
        },
        statusChanged(status) {
          // §5.2.5.2: a driver that does not flush gets write-through; one that can choose starts with write-back.
          if (status & STATUS.DRIVER_OK && !core.has(F.CONFIG_WCE)) s.writeCache = core.has(F.FLUSH);
        },
        notified(index) {
          const queue = core.queue(index);
          if (queue !== undefined) take(queue);
        },
        reset: forget,
        resume() {
          forget();
          for (const queue of core.queues) for (const chain of queue.heldChains()) start(queue, chain);
        },
      },
    };
  },
});
