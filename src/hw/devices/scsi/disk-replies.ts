/**
 * What disks and CD-ROM drives answer about themselves: INQUIRY with vital product data (SPC-4 §6.4, §7.8; SBC-3 §6.6),
 * capacity, mode pages (SPC-4 §7.5, SBC-3 §6.5, MMC-3 §5.5). Contents are QEMU's.
 */
import { be16, bigEndian, SENSE, type Sense } from './scsi.ts';

export const TYPE = { DISK: 0x00, ROM: 0x05 } as const;

/** What does not change about a unit. */
export interface Identity {
  readonly type: number;
  readonly removable: boolean;
  readonly vendor: string;
  readonly product: string;
  readonly version: string;
  /** Empty: none. */
  readonly serial: string;
  /** For the identification page: serial number or the drive's name. */
  readonly deviceId: string;
  readonly wwn: number;
  readonly blockBytes: number;
  readonly physicalBlockBytes: number;
  readonly minIoBytes: number;
  readonly optIoBytes: number;
  readonly rotationRate: number;
  readonly readonly: boolean;
}

const MAX_UNMAP_BYTES = 2 ** 30;
const MAX_INQUIRY = 256;
export const MAX_UNMAP_DESCRIPTORS = 255;

const text = (value: string, length: number): number[] =>
  Array.from({ length }, (_, i) => (i < value.length ? value.charCodeAt(i) & 0x7f : 0x20));
const ascii = (value: string): number[] => text(value, value.length);

export function inquiry(id: Identity, cdb: Uint8Array): Uint8Array | Sense {
  const room = Math.min(be16(cdb, 3), MAX_INQUIRY);
  if ((cdb[1] ?? 0) & 1) {
    const body = vitalPage(id, cdb[2] ?? 0);
    if (body === undefined) return SENSE.INVALID_FIELD;
    return Uint8Array.from([id.type, cdb[2] ?? 0, ...bigEndian([body.length, 2]), ...body]).subarray(0, room);
  }
  if (cdb[2] !== 0) return SENSE.INVALID_FIELD;
  const data = new Uint8Array(Math.max(36, room));
  data.set([
    ...[id.type, id.removable ? 0x80 : 0, 5, 0x12, data.length - 5, 0, 0, 0x12], // SPC-3, tagged queues
    ...text(id.vendor, 8),
    ...text(id.product, 16),
    ...text(id.version, 4),
  ]);
  return data.subarray(0, room);
}

function vitalPage(id: Identity, page: number): readonly number[] | undefined {
  const isDisk = id.type === TYPE.DISK;
  switch (page) {
    case 0x00:
      return [0x00, ...(id.serial === '' ? [] : [0x80]), 0x83, ...(isDisk ? [0xb0, 0xb1, 0xb2] : [])];
    case 0x80:
      return id.serial === '' ? undefined : ascii(id.serial.slice(0, 36));
    case 0x83:
      return [
        ...(id.deviceId === ''
          ? []
          : [2, 0, 0, Math.min(id.deviceId.length, 251), ...ascii(id.deviceId.slice(0, 251))]),
        ...(id.wwn === 0 ? [] : [1, 3, 0, 8, ...bigEndian([id.wwn, 8])]),
      ];
    case 0xb0:
      return isDisk ? blockLimits(id) : undefined;
    case 0xb1:
      return isDisk ? [...bigEndian([id.rotationRate, 2]), ...new Array<number>(58).fill(0)] : undefined;
    case 0xb2: // unmap, write same (16) and (10) with unmap; thin
      return isDisk ? [0, 0xe0, 2, 0] : undefined;
    default:
      return undefined;
  }
}

function blockLimits({ blockBytes, minIoBytes, optIoBytes }: Identity): number[] {
  return bigEndian(
    [1, 1], // WSNZ: a write same of no blocks is none
    [0, 1],
    [minIoBytes / blockBytes, 2],
    [0, 4],
    [optIoBytes / blockBytes, 4],
    [0, 4],
    [MAX_UNMAP_BYTES / blockBytes, 4],
    [MAX_UNMAP_DESCRIPTORS, 4],
    [Math.max(1, 4096 / blockBytes), 4],
    [0, 4],
    [MAX_UNMAP_BYTES / blockBytes, 8],
    [0, 20],
  );
}

/** SBC-3 §5.16; addresses beyond 32 bits are for the longer command. */
export const capacity10 = (blocks: number, { blockBytes }: Identity): Uint8Array =>
  Uint8Array.from(bigEndian([Math.min(blocks - 1, 0xffff_ffff), 4], [blockBytes, 4]));

export const capacity16 = (blocks: number, { blockBytes, physicalBlockBytes, type }: Identity): Uint8Array =>
  Uint8Array.from(
    bigEndian(
      [blocks - 1, 8],
      [blockBytes, 4],
      [0, 1],
      [Math.log2(physicalBlockBytes / blockBytes), 1],
      [type === TYPE.DISK ? 0x80 : 0, 1], // LBPME: the disk is thin
      [0, 17],
    ),
  );

const PAGE = { RECOVERY: 0x01, GEOMETRY: 0x04, CACHING: 0x08, AUDIO: 0x0e, CAPABILITIES: 0x2a, ALL: 0x3f } as const;
const WRITE_CACHE = 4;

export interface ModeState {
  readonly blocks: number;
  readonly writeCache: boolean;
  readonly locked: boolean;
}

/** A mode page's contents; `changeable`: which bits MODE SELECT may set. */
function modePage(id: Identity, { blocks, writeCache, locked }: ModeState, page: number, changeable: boolean) {
  const isDisk = id.type === TYPE.DISK;
  const none = (length: number): number[] => new Array<number>(length).fill(0);
  switch (page) {
    case PAGE.RECOVERY:
      return changeable ? none(10) : [0x80, isDisk ? 0 : 0x20, ...none(8)];
    case PAGE.GEOMETRY: {
      if (!isDisk) return undefined;
      const cylinders = Math.min(Math.max(2, Math.floor(blocks / (16 * 63))), 0xff_ffff);
      if (changeable) return none(22);
      return bigEndian(
        [cylinders, 3],
        [16, 1],
        [cylinders, 3],
        [cylinders, 3],
        [0, 2],
        [0xffff_ff, 3],
        [0, 3],
        [5400, 2],
        [0, 2],
      );
    }
    case PAGE.CACHING:
      return [changeable || writeCache ? WRITE_CACHE : 0, ...none(17)];
    case PAGE.AUDIO:
      return isDisk ? undefined : none(14);
    case PAGE.CAPABILITIES:
      if (isDisk) return undefined;
      if (changeable) return none(20);
      return [
        0x3b,
        0,
        0x7f,
        0xff,
        0x2d | (locked ? 2 : 0),
        0,
        ...bigEndian([50 * 176, 2], [2, 2], [2048, 2], [16 * 176, 2]),
        0,
        0,
        ...bigEndian([16 * 176, 2], [16 * 176, 2]),
      ]; // prettier-ignore
    default:
      return undefined;
  }
}

/** MODE SENSE (6) and (10), SPC-4 §6.11. */
export function modeSense(id: Identity, state: ModeState, cdb: Uint8Array): Uint8Array | Sense {
  const isLong = cdb[0] === 0x5a;
  const control = (cdb[2] ?? 0) >> 6;
  const code = (cdb[2] ?? 0) & 0x3f;
  const room = isLong ? be16(cdb, 7) : (cdb[4] ?? 0);
  if (control === 3) return SENSE.SAVING_NOT_SUPPORTED;
  const wanted = code === PAGE.ALL ? Object.values(PAGE).filter((page) => page !== PAGE.ALL) : [code];
  const pages = wanted.flatMap((page) => {
    const body = modePage(id, state, page, control === 1);
    return body === undefined ? [] : [page, body.length, ...body];
  });
  if (pages.length === 0) return SENSE.INVALID_FIELD;
  const isDisk = id.type === TYPE.DISK;
  // A CD-ROM drive has no block descriptors (MMC-3 §5.5.2).
  const hasDescriptor = isDisk && ((cdb[1] ?? 0) & 8) === 0;
  const blocks = state.blocks > 0xff_ffff ? 0 : state.blocks;
  const descriptor = hasDescriptor ? bigEndian([0, 1], [blocks, 3], [0, 1], [id.blockBytes, 3]) : [];
  const specific = isDisk && id.readonly ? 0x80 : 0;
  const body = [...descriptor, ...pages];
  const header = isLong
    ? bigEndian([body.length + 6, 2], [0, 1], [specific, 1], [0, 2], [descriptor.length, 2])
    : [body.length + 3, 0, specific, descriptor.length];
  return Uint8Array.from([...header, ...body]).subarray(0, room);
}

/** MODE SELECT, SPC-4 §6.9: the write cache is all that can be changed. The new setting, or why not. */
export function modeSelect(data: Uint8Array, isLong: boolean, writeCache: boolean): boolean | Sense {
  let at = isLong ? 8 : 4;
  if (data.length === 0) return writeCache;
  if (data.length < at) return SENSE.PARAMETER_LENGTH;
  at += isLong ? be16(data, 6) : (data[3] ?? 0);
  let next = writeCache;
  while (at < data.length) {
    const page = (data[at] ?? 0) & 0x3f;
    const length = data[at + 1] ?? 0;
    if (at + 2 + length > data.length) return SENSE.PARAMETER_LENGTH;
    if (page === PAGE.CACHING && length === 18) next = ((data[at + 2] ?? 0) & WRITE_CACHE) !== 0;
    else if (page !== PAGE.RECOVERY) return SENSE.INVALID_PARAMETER;
    at += 2 + length;
  }
  return next;
}
