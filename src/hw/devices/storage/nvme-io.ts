/** Commands of the NVM command set (NVM Express 1.2 §6): what they ask of the disk, and what comes of it. */
import type { BlockError, Drive } from '../../../block/api.ts';
import type { Ending } from './nvme-admin.ts';
import type { PrpMemory } from './nvme-prp.ts';
import {
  type Command,
  type Flight,
  IO,
  MAX_TRANSFER_BYTES,
  type NvmeState,
  SECTOR_BYTES,
  STATUS,
  STEP,
} from './nvme-state.ts';

const FORCE_UNIT_ACCESS = 0x4000_0000;
const DEALLOCATE = 0x04;
const RANGE_BYTES = 16;
const ALL_NAMESPACES = 0xffff_ffff;

export interface IoWiring {
  readonly s: NvmeState;
  readonly drive: Drive;
  readonly sectorCount: number;
  memory(): PrpMemory;
}

export interface IoCommands {
  /** Starts a command in a free flight; an ending: it is over already. */
  start(flight: Flight, command: Command): Ending | undefined;
  /** Its request has ended; undefined: it goes on with another one. */
  goOn(flight: Flight, error: BlockError | undefined, data: Uint8Array | undefined): Ending | undefined;
}

const success: Ending = { status: STATUS.SUCCESS };

export function createIo({ s, drive, sectorCount, memory }: IoWiring): IoCommands {
  const wait = (flight: Flight, step: number, request: number): undefined => {
    flight.step = step;
    flight.request = request;
    return undefined;
  };

  function start(flight: Flight, command: Command): Ending | undefined {
    const { opcode, nsid, prp1, prp2, dwords } = command;
    if (nsid !== 1 && !(opcode === IO.FLUSH && nsid === ALL_NAMESPACES)) return { status: STATUS.INVALID_NAMESPACE };
    Object.assign(flight, { prp1, prp2, length: 0, forced: false, range: 0, ranges: 0 });
    switch (opcode) {
      case IO.FLUSH:
        return wait(flight, STEP.FLUSH, drive.flush());
      case IO.READ:
      case IO.WRITE:
      case IO.WRITE_ZEROES:
        return startTransfer(flight, command);
      case IO.DATASET:
        flight.ranges = ((dwords[0] ?? 0) & 0xff) + 1;
        return (dwords[1] ?? 0) & DEALLOCATE ? nextRange(flight) : success;
      default:
        return { status: STATUS.INVALID_OPCODE };
    }
  }

  function startTransfer(flight: Flight, { opcode, prp1, prp2, dwords: [d10 = 0, d11 = 0, d12 = 0] }: Command) {
    const lba = d11 * 2 ** 32 + d10;
    const count = (d12 & 0xffff) + 1;
    const length = count * SECTOR_BYTES;
    if (opcode !== IO.WRITE_ZEROES && length > MAX_TRANSFER_BYTES) return { status: STATUS.INVALID_FIELD };
    if (lba + count > sectorCount) return { status: STATUS.LBA_RANGE };
    flight.forced = opcode !== IO.READ && ((d12 & FORCE_UNIT_ACCESS) !== 0 || !s.writeCache);
    if (opcode === IO.WRITE_ZEROES) return wait(flight, STEP.ZEROES, drive.writeZeroes(lba * SECTOR_BYTES, length));
    flight.length = length;
    if (opcode === IO.READ) {
      const pieces = memory().pieces(prp1, prp2, length);
      if (typeof pieces === 'number') return { status: pieces };
      return wait(flight, STEP.READ, drive.read(lba * SECTOR_BYTES, length));
    }
    const data = new Uint8Array(length);
    const status = memory().read(prp1, prp2, data);
    if (status !== STATUS.SUCCESS) return { status };
    return wait(flight, STEP.WRITE, drive.write(lba * SECTOR_BYTES, data));
  }

  /** §6.7: ranges lie in memory; one request each. */
  function nextRange(flight: Flight): Ending | undefined {
    const list = new Uint8Array(flight.ranges * RANGE_BYTES);
    const status = memory().read(flight.prp1, flight.prp2, list);
    if (status !== STATUS.SUCCESS) return { status };
    const view = new DataView(list.buffer);
    for (; flight.range < flight.ranges; flight.range++) {
      const at = flight.range * RANGE_BYTES;
      const count = view.getUint32(at + 4, true);
      const lba = view.getUint32(at + 12, true) * 2 ** 32 + view.getUint32(at + 8, true);
      if (count === 0) continue;
      if (lba + count > sectorCount) return { status: STATUS.LBA_RANGE };
      flight.range++;
      return wait(flight, STEP.DISCARD, drive.discard(lba * SECTOR_BYTES, count * SECTOR_BYTES));
    }
    return success;
  }

  function statusOf(step: number, error: BlockError): number {
    if (error === 'ENOSPC') return STATUS.CAPACITY;
    if (step === STEP.READ) return STATUS.READ_ERROR;
    return step === STEP.WRITE || step === STEP.ZEROES ? STATUS.WRITE_FAULT : STATUS.INTERNAL;
  }

  return {
    start,
    goOn(flight, error, data) {
      const { step } = flight;
      if (error !== undefined) return { status: statusOf(step, error) };
      if (step === STEP.READ && data !== undefined) {
        return { status: memory().write(flight.prp1, flight.prp2, data.subarray(0, flight.length)) };
      }
      if ((step === STEP.WRITE || step === STEP.ZEROES) && flight.forced)
        return wait(flight, STEP.FLUSH, drive.flush());
      return step === STEP.DISCARD ? nextRange(flight) : success;
    },
  };
}
