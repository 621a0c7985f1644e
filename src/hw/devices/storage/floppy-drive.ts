/**
 * A floppy drive and the disk in it: formats by size, as QEMU knows them, and where the head stands. What the drive is
 * (3½ or 5¼ inch, 2.88 or 1.44 MB) follows from the disk that is in it at first, or from the user.
 */
import type { Drive } from '../../../block/api.ts';
import { bool, type StateOf, struct, survivesReset, u8 } from '../../core/state.ts';

export const FLOPPY_SECTOR_BYTES = 512;

export type FloppyType = '120' | '144' | '288';

interface Format {
  readonly type: FloppyType;
  readonly sectors: number;
  readonly tracks: number;
  readonly sides: 1 | 2;
  /** As the data rate select register has it: 500, 300, 250 kbit/s, 1 Mbit/s. */
  readonly rate: 0 | 1 | 2 | 3;
}

const formats = (
  type: FloppyType,
  rate: Format['rate'],
  sizes: readonly (readonly [number, number, (1 | 2)?])[],
): Format[] => sizes.map(([sectors, tracks, sides = 2]) => ({ type, sectors, tracks, sides, rate }));

/** Of two with the same size the first one counts; the first of a type is what an unknown size is taken for. */
const FORMATS: readonly Format[] = [
  ...formats('144', 0, [
    [18, 80],
    [20, 80],
    [21, 80],
    [21, 82],
    [21, 83],
    [22, 80],
    [23, 80],
    [24, 80],
  ]),
  ...formats('288', 3, [
    [36, 80],
    [39, 80],
    [40, 80],
    [44, 80],
    [48, 80],
  ]),
  ...formats('144', 2, [
    [9, 80],
    [10, 80],
    [10, 82],
    [10, 83],
    [13, 80],
    [14, 80],
  ]),
  ...formats('120', 0, [
    [15, 80],
    [18, 80],
    [18, 82],
    [18, 83],
    [20, 80],
  ]),
  ...formats('120', 2, [
    [9, 80],
    [11, 80],
  ]),
  ...formats('120', 1, [
    [9, 40],
    [9, 40, 1],
    [10, 41],
    [10, 42],
  ]),
  ...formats('120', 2, [
    [8, 40],
    [8, 40, 1],
  ]),
  ...formats('144', 2, [[9, 80, 1]]),
];

/** Of an empty drive, and of one with a disk of no known size. */
const FALLBACK: FloppyType = '288';

const inches = (type: FloppyType): number => (type === '120' ? 5.25 : 3.5);

/** The format of a disk in a drive of a type; undefined type: whatever drive fits. */
function formatOf(sizeBytes: number, type: FloppyType | undefined): Format {
  const sectorCount = sizeBytes / FLOPPY_SECTOR_BYTES;
  const ofSize = FORMATS.filter(({ sectors, tracks, sides }) => sectors * tracks * sides === sectorCount);
  const exact = ofSize.find((format) => type === undefined || format.type === type);
  const near = ofSize.find((format) => type !== undefined && inches(format.type) === inches(type));
  const found = exact ?? near ?? FORMATS.find((format) => format.type === (type ?? FALLBACK));
  if (found === undefined) throw new Error(`BUG: no format for floppy drives of type ${type}`);
  return found;
}

export const floppyState = struct({
  head: u8(),
  track: u8(),
  sector: u8(1),
  perpendicular: u8(),
  // The disk's, not the controller's: a reset does not change them.
  sectorsPerTrack: survivesReset(u8()),
  tracks: survivesReset(u8()),
  doubleSided: survivesReset(bool()),
  rate: survivesReset(u8()),
  changed: survivesReset(bool(true)),
});
type FloppyState = StateOf<{ f: typeof floppyState }>['f'];

/** What a seek came to. */
export type SeekResult = 'stays' | 'moved' | 'noTrack' | 'noSector' | 'notAllowed';

export class FloppyDrive {
  readonly s: FloppyState;
  /** Undefined: the connector is empty. */
  readonly drive: Drive | undefined;
  readonly type: FloppyType | undefined;

  constructor(state: FloppyState, drive: Drive | undefined, wanted: FloppyType | undefined) {
    this.s = state;
    this.drive = drive;
    this.type = drive && (wanted ?? (drive.inserted ? formatOf(drive.sizeBytes, undefined).type : FALLBACK));
    if (drive !== undefined) this.take(formatOf(drive.sizeBytes, this.type));
  }

  get inserted(): boolean {
    return this.drive?.inserted ?? false;
  }
  get readonly(): boolean {
    return this.drive === undefined || !this.inserted || this.drive.readonly;
  }
  /** Of the sector under the head, on the disk. */
  get offset(): number {
    return this.lbaOf(this.s.head, this.s.track, this.s.sector) * FLOPPY_SECTOR_BYTES;
  }

  /** An empty drive keeps the geometry that it had. */
  mediumChanged(): void {
    this.s.changed = true;
    if (this.inserted && this.drive !== undefined) this.take(formatOf(this.drive.sizeBytes, this.type));
  }

  private take({ sectors, tracks, sides, rate }: Format): void {
    this.s.sectorsPerTrack = sectors;
    this.s.tracks = tracks;
    this.s.doubleSided = sides === 2;
    this.s.rate = rate;
  }

  /** Moves the head; `mayMove` is false when the controller must not seek by itself. */
  seek(head: number, track: number, sector: number, mayMove = true): SeekResult {
    const { s } = this;
    if (track > s.tracks || (head !== 0 && !s.doubleSided)) return 'noTrack';
    if (sector > s.sectorsPerTrack) return 'noSector';
    let result: SeekResult = 'stays';
    if (this.lbaOf(head, track, sector) !== this.lbaOf(s.head, s.track, s.sector)) {
      if (!mayMove) return 'notAllowed';
      s.head = head;
      if (s.track !== track) {
        if (this.inserted) s.changed = false; // the first step pulse ends the disk change signal
        result = 'moved';
      }
      s.track = track;
      s.sector = sector;
    }
    return this.inserted ? result : 'noTrack';
  }

  private lbaOf(head: number, track: number, sector: number): number {
    const { doubleSided, sectorsPerTrack } = this.s;
    return (track * (doubleSided ? 2 : 1) + head) * sectorsPerTrack + sector - 1;
  }
}
