/**
 * What a CD-ROM drive answers to its packet commands. Documents: SFF-8020i revision 2.6 and MMC-3 (T10/1363-D revision
 * 10g); the contents are those of QEMU's drive. Each function fills the buffer and returns the length of its answer.
 */
import type { UnitFacts } from './ata-identify.ts';

export const CD_SECTOR_BYTES = 2048;
export const RAW_SECTOR_BYTES = 2352;
/** More 2,048-byte sectors than 80 minutes: a DVD. */
const CD_MAX_SECTORS = 80 * 60 * 75;

/** Additional sense codes, MMC-3 annex. */
export const ASC = {
  INVALID_OPCODE: 0x20,
  OUT_OF_RANGE: 0x21,
  INVALID_FIELD: 0x24,
  MEDIUM_CHANGED: 0x28,
  INCOMPATIBLE_FORMAT: 0x30,
  SAVING_NOT_SUPPORTED: 0x39,
  NO_MEDIUM: 0x3a,
  DATA_PHASE_ERROR: 0x4b,
  REMOVAL_PREVENTED: 0x53,
} as const;

/** An answer's length, or why there is none. */
export type Reply = { readonly length: number } | { readonly asc: number };

const invalidField: Reply = { asc: ASC.INVALID_FIELD };

const be16 = (buffer: Uint8Array, at: number, value: number): void => buffer.set([value >> 8, value], at);
const be32 = (buffer: Uint8Array, at: number, value: number): void =>
  buffer.set([value >>> 24, value >>> 16, value >>> 8, value], at);
const text = (buffer: Uint8Array, at: number, length: number, value: string): void => {
  for (let i = 0; i < length; i++) buffer[at + i] = i < value.length ? value.charCodeAt(i) : 0x20;
};

/** Minute, second and frame of a sector: the first one is two seconds from the start of the disc. */
const msf = (lba: number): readonly [number, number, number] => {
  const frames = lba + 150;
  return [Math.floor(frames / 75 / 60) & 0xff, Math.floor(frames / 75) % 60, frames % 75];
};

/** SFF-8020i §10.8.20; INQUIRY of SPC-3 §6.4 for the vital product data. */
export function inquiry(buffer: Uint8Array, packet: Uint8Array, { serial, version, model }: UnitFacts): Reply {
  const room = packet[4] ?? 0;
  if (!((packet[1] ?? 0) & 1)) {
    buffer.set([0x05, 0x80, 0x00, 0x21, 31, 0, 0, 0]);
    text(buffer, 8, 8, 'QEMU');
    text(buffer, 16, 16, 'QEMU DVD-ROM');
    text(buffer, 32, 4, version);
    return { length: 36 };
  }
  const page = packet[2] ?? 0;
  if (page === 0x00) {
    buffer.set([0x05, 0x00, 0x00, 2, 0x00, 0x83]);
    return { length: 6 };
  }
  if (page !== 0x83) return invalidField;
  if (room < 28) return { asc: ASC.DATA_PHASE_ERROR };
  buffer.set([0x05, 0x83, 0x00, 24, 0x02, 0x00, 0x00, 20]);
  text(buffer, 8, 20, serial);
  if (room < 100) return { length: 28 };
  buffer[3] = 96;
  buffer.set([0x02, 0x01, 0x00, 68], 28);
  text(buffer, 32, 8, 'ATA');
  text(buffer, 40, 40, model);
  text(buffer, 80, 20, serial);
  return { length: 100 };
}

export function requestSense(buffer: Uint8Array, key: number, asc: number): Reply {
  buffer.fill(0, 0, 18);
  buffer[0] = 0xf0;
  buffer[2] = key;
  buffer[7] = 10;
  buffer[12] = asc;
  return { length: 18 };
}

export function readCapacity(buffer: Uint8Array, sectors: number): Reply {
  be32(buffer, 0, sectors - 1);
  be32(buffer, 4, CD_SECTOR_BYTES);
  return { length: 8 };
}

/** READ TOC/PMA/ATIP: the table, the sessions, the full table; one session with one data track. */
export function readToc(buffer: Uint8Array, packet: Uint8Array, sectors: number): Reply {
  const inMsf = ((packet[1] ?? 0) & 2) !== 0;
  const startTrack = packet[6] ?? 0;
  const address = (lba: number): number[] =>
    inMsf ? [0, ...msf(lba)] : [lba >>> 24, (lba >>> 16) & 0xff, (lba >>> 8) & 0xff, lba & 0xff];
  switch ((packet[9] ?? 0) >> 6) {
    case 0: {
      if (startTrack > 1 && startTrack !== 0xaa) return invalidField;
      const track = startTrack <= 1 ? [0, 0x14, 1, 0, ...address(0)] : [];
      return tocOf(buffer, [...track, 0, 0x16, 0xaa, 0, ...address(sectors)]);
    }
    case 1:
      return tocOf(buffer, [0, 0, 0, 0, 0, 0, 0, 0]);
    case 2:
      return tocOf(buffer, [
        ...[1, 0x14, 0, 0xa0, 0, 0, 0, 0, 1, 0, 0], // the first track
        ...[1, 0x14, 0, 0xa1, 0, 0, 0, 0, 1, 0, 0], // the last one
        ...[1, 0x14, 0, 0xa2, 0, 0, 0, ...address(sectors)], // the lead-out
        ...[1, 0x14, 0, 1, 0, 0, 0, ...address(0)],
      ]);
    default:
      return invalidField;
  }
}

function tocOf(buffer: Uint8Array, entries: readonly number[]): Reply {
  be16(buffer, 0, entries.length + 2);
  buffer.set([1, 1, ...entries], 2);
  return { length: entries.length + 4 };
}

/** What lies in the drive: `sectors` 0 is nothing. */
export const isDvd = (sectors: number): boolean => sectors > CD_MAX_SECTORS;
export const isCd = (sectors: number): boolean => sectors > 0 && sectors <= CD_MAX_SECTORS;

const PROFILE = { CD_ROM: 0x08, DVD_ROM: 0x10 } as const;

/** GET CONFIGURATION: the profile list is the only feature. */
export function getConfiguration(buffer: Uint8Array, packet: Uint8Array, sectors: number): Reply {
  if (packet[2] !== 0 || packet[3] !== 0) return invalidField;
  buffer.fill(0, 0, 20);
  const current = isDvd(sectors) ? PROFILE.DVD_ROM : isCd(sectors) ? PROFILE.CD_ROM : 0;
  be32(buffer, 0, 16);
  be16(buffer, 6, current);
  buffer[10] = 0x03; // persistent and current
  buffer[11] = 8;
  for (const [i, profile] of [PROFILE.DVD_ROM, PROFILE.CD_ROM].entries()) {
    be16(buffer, 12 + i * 4, profile);
    buffer[14 + i * 4] = profile === current ? 1 : 0;
  }
  return { length: 20 };
}

const MEDIA_CLASS = 4;

/** GET EVENT STATUS NOTIFICATION, polled, of the media class: an event and the tray's state. */
export function eventStatus(buffer: Uint8Array, packet: Uint8Array, media: () => readonly [number, number]): Reply {
  if (!((packet[1] ?? 0) & 1)) return invalidField;
  if (!((packet[4] ?? 0) & (1 << MEDIA_CLASS))) {
    buffer.set([0, 0, 0x80, 1 << MEDIA_CLASS]);
    return { length: 4 };
  }
  const [event, status] = media();
  buffer.set([0, 4, MEDIA_CLASS, 1 << MEDIA_CLASS, event, status, 0, 0]);
  return { length: 8 };
}

/** MODE SENSE (10): error recovery, audio control, capabilities. */
export function modeSense(buffer: Uint8Array, packet: Uint8Array, isLocked: boolean): Reply {
  const control = (packet[2] ?? 0) >> 6;
  const code = (packet[2] ?? 0) & 0x3f;
  if (control === 3) return { asc: ASC.SAVING_NOT_SUPPORTED };
  const page = control === 0 ? modePage(code, isLocked) : undefined;
  if (page === undefined) return invalidField;
  const length = 8 + page.length;
  buffer.set([0, length - 2, 0x70, 0, 0, 0, 0, 0, ...page]);
  return { length };
}

function modePage(code: number, isLocked: boolean): readonly number[] | undefined {
  switch (code) {
    case 0x01:
      return [code, 6, 0x00, 0x05, 0, 0, 0, 0];
    case 0x0e:
      return [code, 14, ...new Array<number>(14).fill(0)];
    case 0x2a: // read CD-R, CD-RW, DVD; play audio, so that guests mount by themselves; 4 times the speed, 512 KiB
      return [
        code,
        20,
        0x3b,
        0,
        0x71,
        0x60,
        0x29 | (isLocked ? 2 : 0),
        0,
        2,
        0xc0,
        0,
        2,
        2,
        0,
        2,
        0xc0,
        0,
        0,
        0,
        0,
        0,
        0,
      ];
    default:
      return undefined;
  }
}

export function readDiscInformation(buffer: Uint8Array, packet: Uint8Array): Reply {
  if ((packet[1] ?? 0) & 7) return invalidField;
  buffer.fill(0, 0, 34);
  buffer.set([0, 32, 0x0e, 1, 1, 1, 1, 0x20]); // complete, finalized, one session, one track
  return { length: 34 };
}

export function mechanismStatus(buffer: Uint8Array): Reply {
  buffer.set([0, 0, 0, 0, 0, 1, 0, 0]);
  return { length: 8 };
}

/** READ DVD STRUCTURE: physical format, copyright, manufacturer, and the list of these. */
export function readDvdStructure(buffer: Uint8Array, packet: Uint8Array, sectors: number): Reply {
  const format = packet[7] ?? 0;
  if (format !== 0xff) {
    if (isCd(sectors)) return { asc: ASC.INCOMPATIBLE_FORMAT };
    if (sectors === 0) return invalidField;
  }
  if (packet[1] !== 0) return invalidField;
  buffer.fill(0, 0, 4 + CD_SECTOR_BYTES);
  switch (format) {
    case 0x00:
      if (packet[6] !== 0) return invalidField;
      buffer.set([1, 0x0f, 1, 0], 4); // DVD-ROM, 120 mm, one layer
      be32(buffer, 12, sectors - 1);
      be32(buffer, 16, sectors - 1);
      return structure(buffer, CD_SECTOR_BYTES);
    case 0x01:
      return structure(buffer, 4);
    case 0x04:
      return structure(buffer, CD_SECTOR_BYTES);
    case 0xff:
      for (const [i, [code, bytes]] of [
        [0x00, 2052],
        [0x01, 8],
        [0x03, 192],
        [0x04, 2052],
      ].entries() as never as Iterable<[number, [number, number]]>) {
        buffer.set([code, 0x40, bytes >> 8, bytes & 0xff], 4 + i * 4);
      }
      return structure(buffer, 16);
    default:
      return invalidField;
  }
}

function structure(buffer: Uint8Array, length: number): Reply {
  be16(buffer, 0, length + 2);
  return { length: length + 4 };
}

/** A whole mode 1 sector around its 2,048 bytes of data; error correction is left at zero. */
export function putRawSector(into: Uint8Array, lba: number, data: Uint8Array): void {
  into.fill(0, 0, RAW_SECTOR_BYTES);
  into.fill(0xff, 1, 11);
  into.set([...msf(lba), 1], 12);
  into.set(data, 16);
}
