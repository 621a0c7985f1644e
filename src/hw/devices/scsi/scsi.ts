/**
 * What a SCSI host adapter and the units on its bus say to each other. Documents: SAM-4 (T10/1683-D) for status and
 * addresses, SPC-4 (T10/1731-D) for sense data.
 */
import { VmError } from '../../../util/errors.ts';
import type { DeviceBus } from '../../core/device.ts';

/** SAM-4 §5.3 */
export const SCSI_STATUS = { GOOD: 0x00, CHECK_CONDITION: 0x02 } as const;

/** Why a command failed: sense key, additional sense code and its qualifier. */
export interface Sense {
  readonly key: number;
  readonly asc: number;
  readonly ascq: number;
}
const sense = (key: number, asc: number, ascq = 0): Sense => ({ key, asc, ascq });

/** SPC-4 §4.5, annex D; which of them QEMU gives when. */
export const SENSE = {
  NONE: sense(0, 0),
  NO_MEDIUM: sense(2, 0x3a),
  INVALID_OPCODE: sense(5, 0x20),
  LBA_OUT_OF_RANGE: sense(5, 0x21),
  INVALID_FIELD: sense(5, 0x24),
  LUN_NOT_SUPPORTED: sense(5, 0x25),
  INVALID_PARAMETER: sense(5, 0x26),
  PARAMETER_LENGTH: sense(5, 0x1a),
  SAVING_NOT_SUPPORTED: sense(5, 0x39),
  REMOVAL_PREVENTED: sense(5, 0x53, 2),
  MEDIUM_CHANGED: sense(6, 0x28),
  RESET: sense(6, 0x29),
  CAPACITY_CHANGED: sense(6, 0x2a, 9),
  WRITE_PROTECTED: sense(7, 0x27),
  SPACE_ALLOCATION_FAILED: sense(7, 0x27, 7),
  IO_ERROR: sense(0x0b, 0x00, 6),
} as const;

/** SPC-4 §4.5.3: fixed format. */
export function senseBytes({ key, asc, ascq }: Sense): Uint8Array {
  const bytes = new Uint8Array(18);
  bytes[0] = 0x70;
  bytes[2] = key;
  bytes[7] = 10;
  bytes[12] = asc;
  bytes[13] = ascq;
  return bytes;
}

/** How a command ended. */
export interface ScsiEnd {
  readonly sense?: Sense;
  /** What the initiator gets. */
  readonly data?: Uint8Array;
  /** How many of the initiator's bytes were taken. */
  readonly taken?: number;
}

/** A command on its way. */
export interface ScsiCommand {
  readonly cdb: Uint8Array;
  /** Bytes that the initiator has for the unit. */
  readonly outLength: number;
  out(length: number): Uint8Array;
  /** Called once, at once or later. */
  end(end: ScsiEnd): void;
}

/** A logical unit: a disk, a CD-ROM drive. */
export interface ScsiUnit {
  start(command: ScsiCommand): void;
  /** A reset by the bus: the next command hears of it. What was under way will not end. */
  reset(): void;
  /** What was under way will not end. */
  forget(): void;
}

export interface ScsiAddress {
  readonly channel: number;
  readonly target: number;
  readonly lun: number;
}

export interface ScsiBus extends DeviceBus {
  readonly kind: 'SCSI';
  /** Numbers that are -1 are chosen. Throws a VmError if there is no such place. */
  plug(unit: ScsiUnit, wanted: ScsiAddress): ScsiAddress & { capacityChanged(): void };
}

/** The places of a bus and who is there. */
export class ScsiPlaces {
  private readonly units = new Map<string, { readonly unit: ScsiUnit; readonly address: ScsiAddress }>();
  private readonly maxTarget: number;
  private readonly maxLun: number;

  constructor(maxTarget: number, maxLun: number) {
    this.maxTarget = maxTarget;
    this.maxLun = maxLun;
  }

  plug(unit: ScsiUnit, { channel, target, lun }: ScsiAddress): ScsiAddress {
    if (channel !== 0) throw new VmError(`bad scsi channel id: ${channel}`);
    if (target > this.maxTarget) throw new VmError(`bad scsi device id: ${target}`);
    if (lun > this.maxLun) throw new VmError(`bad scsi device lun: ${lun}`);
    const at = { channel, target, lun: Math.max(lun, 0) };
    if (target < 0) {
      at.target = 0;
      while (this.at(at.target, at.lun) !== undefined) at.target++;
      if (at.target > this.maxTarget) throw new VmError('no free target');
    } else if (lun < 0) {
      while (this.at(at.target, at.lun) !== undefined) at.lun++;
      if (at.lun > this.maxLun) throw new VmError('no free lun');
    } else if (this.at(target, lun) !== undefined) {
      throw new VmError(`lun already used by another device: ${channel}:${target}:${lun}`);
    }
    this.units.set(`${at.target}:${at.lun}`, { unit, address: at });
    return at;
  }

  at(target: number, lun: number): ScsiUnit | undefined {
    return this.units.get(`${target}:${lun}`)?.unit;
  }
  lunsOf(target: number): number[] {
    return [...this.units.values()]
      .filter(({ address }) => address.target === target)
      .map(({ address }) => address.lun)
      .sort((a, b) => a - b);
  }
  all(): ScsiUnit[] {
    return [...this.units.values()].map(({ unit }) => unit);
  }
}

export const be16 = (bytes: Uint8Array, at: number): number => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
export const be24 = (bytes: Uint8Array, at: number): number => ((bytes[at] ?? 0) << 16) | be16(bytes, at + 1);
export const be32 = (bytes: Uint8Array, at: number): number => be16(bytes, at) * 0x1_0000 + be16(bytes, at + 2);
/** Exact as far as a disk can reach. */
export const be64 = (bytes: Uint8Array, at: number): number => be32(bytes, at) * 2 ** 32 + be32(bytes, at + 4);

/** Big-endian bytes of numbers with their sizes. */
export const bigEndian = (...fields: readonly (readonly [value: number, bytes: number])[]): number[] =>
  fields.flatMap(([value, size]) =>
    Array.from({ length: size }, (_, i) => Math.floor(value / 2 ** (8 * (size - 1 - i))) % 256),
  );
