/**
 * SCSI disks and CD-ROM drives (`scsi-hd`, `scsi-cd`). Documents: SBC-3 (T10/BSR INCITS 514), SPC-4 (T10/1731-D),
 * MMC-3. Contents of answers and choice of commands follow QEMU.
 * Not modelled: reservations of several initiators (there is one), writing to and audio of CDs, protection information.
 */
import type { BlockError, Drive, RequestId } from '../../../block/api.ts';
import { VmError } from '../../../util/errors.ts';
import { defineDevice } from '../../core/device.ts';
import { prop } from '../../core/props.ts';
import { below, bool, survivesReset, vmstate } from '../../core/state.ts';
import {
  eventStatus,
  getConfiguration,
  mechanismStatus,
  type Reply,
  readDiscInformation,
  readDvdStructure,
  readToc,
} from '../storage/atapi-replies.ts';
import {
  capacity10,
  capacity16,
  type Identity,
  inquiry,
  MAX_UNMAP_DESCRIPTORS,
  modeSelect,
  modeSense,
  TYPE,
} from './disk-replies.ts';
import {
  be16,
  be24,
  be32,
  be64,
  type ScsiBus,
  type ScsiCommand,
  type ScsiUnit,
  SENSE,
  type Sense,
  senseBytes,
} from './scsi.ts';

const SECTOR = 512;
const CD_BLOCK = 2048;
/** A command moves no more; Linux moves 32 MiB less a sector at most. */
const MAX_TRANSFER_BYTES = 32 * 2 ** 20;
const MMC_BUFFER_BYTES = 4096;
const FUA = 8;

/** Attentions that the next command hears of; the order is that of the saved state. */
const ATTENTIONS = [undefined, SENSE.RESET, SENSE.MEDIUM_CHANGED, SENSE.CAPACITY_CHANGED] as const;
const ATTENTION = { NONE: 0, RESET: 1, MEDIUM: 2, CAPACITY: 3 } as const;

const FAILURES: Readonly<Record<BlockError, Sense>> = {
  EIO: SENSE.IO_ERROR,
  ENOSPC: SENSE.SPACE_ALLOCATION_FAILED,
  EROFS: SENSE.WRITE_PROTECTED,
  EINVAL: SENSE.INVALID_FIELD,
  ENOMEDIUM: SENSE.NO_MEDIUM,
};

interface UnderWay {
  readonly command: ScsiCommand;
  readonly taken: number;
  readonly flushAfter: boolean;
  /** What follows if this part went well. */
  readonly follow?: () => void;
}

/** Where a command's blocks are: the group code of the operation tells the layout (SPC-4 §4.2.5). */
function blocksOf(cdb: Uint8Array): { readonly lba: number; readonly count: number } {
  switch ((cdb[0] ?? 0) >> 5) {
    case 0:
      return { lba: be24(cdb, 1) & 0x1f_ffff, count: cdb[4] || 256 };
    case 4:
      return { lba: be64(cdb, 2), count: be32(cdb, 10) };
    case 5:
      return { lba: be32(cdb, 2), count: be32(cdb, 6) };
    default:
      return { lba: be32(cdb, 2), count: be16(cdb, 7) };
  }
}

const commonProps = {
  drive: prop.link<Drive | null>('drive', null, 'Node name or ID of a block device to use as a backend'),
  parent: prop.required<ScsiBus>(),
  channel: prop.u32(0),
  'scsi-id': prop.i32(-1),
  lun: prop.i32(-1),
  serial: prop.string(''),
  ver: prop.string('2.5+'),
  vendor: prop.string('QEMU'),
  product: prop.string(''),
  device_id: prop.string(''),
  wwn: prop.u64(0),
  bootindex: prop.i32(-1),
  logical_block_size: prop.u32(0),
  physical_block_size: prop.u32(0),
  min_io_size: prop.u16(0),
  opt_io_size: prop.u32(0),
};

const state = (type: string) =>
  vmstate(type, 1, {
    attention: below(ATTENTIONS.length, ATTENTION.RESET),
    writeCache: bool(true),
    /** CD-ROM: the tray, and what to tell of it when the guest polls. */
    trayOpen: survivesReset(bool()),
    trayLocked: bool(),
    newMedium: bool(),
    ejectRequest: bool(),
  });

const scsiDisk = (type: 'scsi-hd' | 'scsi-cd') =>
  defineDevice({
    type,
    desc: type === 'scsi-hd' ? 'virtual SCSI disk' : 'virtual SCSI CD-ROM',
    bus: 'SCSI',
    props: { ...commonProps, removable: prop.bool(type === 'scsi-cd'), rotation_rate: prop.u16(0) },
    irqs: [],
    state: state(type),
    create(s, wiring) {
      const isCd = type === 'scsi-cd';
      if (wiring.drive === null) throw new VmError('drive property not set');
      const drive: Drive = wiring.drive;
      if (!isCd && !drive.inserted) throw new VmError('Device needs media, but drive is empty');
      const blockBytes = wiring.logical_block_size || (isCd ? CD_BLOCK : SECTOR);
      if (blockBytes < SECTOR || !Number.isInteger(Math.log2(blockBytes)) || blockBytes > 32768) {
        throw new VmError(
          `device '${wiring.id}': logical_block_size ${blockBytes} is not a power of two from 512 to 32768`,
        );
      }
      const serial = wiring.serial || (drive.serial ?? '');
      const id: Identity = {
        type: isCd ? TYPE.ROM : TYPE.DISK,
        removable: wiring.removable,
        vendor: wiring.vendor,
        product: wiring.product || (isCd ? 'QEMU CD-ROM' : 'QEMU HARDDISK'),
        version: wiring.ver,
        serial,
        deviceId: wiring.device_id || serial || drive.id,
        wwn: wiring.wwn,
        blockBytes,
        physicalBlockBytes: Math.max(blockBytes, wiring.physical_block_size),
        minIoBytes: wiring.min_io_size,
        optIoBytes: wiring.opt_io_size,
        rotationRate: wiring.rotation_rate,
        readonly: drive.readonly,
      };
      const underWay = new Map<RequestId, UnderWay>();
      const hasMedium = (): boolean => drive.inserted && !s.trayOpen;
      const blocks = (): number => (hasMedium() ? Math.floor(drive.sizeBytes / blockBytes) : 0);

      function begin(request: RequestId, command: ScsiCommand, more: Partial<UnderWay> = {}): void {
        underWay.set(request, { command, taken: 0, flushAfter: false, ...more });
      }
      function completed(request: RequestId, error: BlockError | undefined, bytes: Uint8Array | undefined): void {
        const entry = underWay.get(request);
        if (entry === undefined) return;
        underWay.delete(request);
        const { command, taken } = entry;
        if (error !== undefined) command.end({ sense: FAILURES[error] });
        else if (entry.follow !== undefined) entry.follow();
        else if (entry.flushAfter) begin(drive.flush(), command, { taken });
        else command.end({ taken, ...(bytes !== undefined && { data: bytes }) });
      }
      drive.attach({
        completed,
        mediumChanged() {
          if (isCd) {
            s.trayOpen = false;
            s.newMedium = true;
            s.attention = ATTENTION.MEDIUM;
          } else {
            s.attention = ATTENTION.CAPACITY;
            place.capacityChanged();
          }
          // What was under way on the old medium ends now.
          for (const { command } of [...underWay.values()]) command.end({ sense: SENSE.NO_MEDIUM });
          underWay.clear();
        },
        ejectRequested() {
          s.ejectRequest = true;
        },
      });

      /** Blocks that a command names, checked; ends the command if they are not there. */
      function range(command: ScsiCommand, at = blocksOf(command.cdb)): { offset: number; length: number } | undefined {
        const { lba, count } = at;
        if (lba + count > blocks()) command.end({ sense: SENSE.LBA_OUT_OF_RANGE });
        else if (count * blockBytes > MAX_TRANSFER_BYTES) command.end({ sense: SENSE.INVALID_FIELD });
        else return { offset: lba * blockBytes, length: count * blockBytes };
        return undefined;
      }
      function answer(command: ScsiCommand, reply: Uint8Array | Sense): void {
        command.end(reply instanceof Uint8Array ? { data: reply } : { sense: reply });
      }
      /** Answers that CD-ROM drives on other buses give, too. */
      function mmc(command: ScsiCommand, room: number, fill: (buffer: Uint8Array) => Reply): void {
        const buffer = new Uint8Array(MMC_BUFFER_BYTES);
        const reply = fill(buffer);
        if ('asc' in reply) command.end({ sense: { key: 5, asc: reply.asc, ascq: 0 } });
        else command.end({ data: buffer.subarray(0, Math.min(reply.length, room)) });
      }
      const cdSectors = (): number => (hasMedium() ? Math.floor(drive.sizeBytes / CD_BLOCK) : 0);

      /** Whether the initiator has brought so many bytes; if not, the adapter tells it so. */
      function hasData(command: ScsiCommand, length: number): boolean {
        if (command.outLength >= length) return true;
        command.end({ taken: length });
        return false;
      }
      function read(command: ScsiCommand): void {
        const at = range(command);
        if (at === undefined) return;
        if (at.length === 0) command.end({});
        else begin(drive.read(at.offset, at.length), command);
      }
      function write(command: ScsiCommand): void {
        const at = range(command);
        if (at === undefined) return;
        const isForced = ((command.cdb[0] ?? 0) >> 5 !== 0 && ((command.cdb[1] ?? 0) & FUA) !== 0) || !s.writeCache;
        if (drive.readonly) command.end({ sense: SENSE.WRITE_PROTECTED });
        else if (at.length === 0) command.end({});
        else if (hasData(command, at.length)) {
          const request = drive.write(at.offset, command.out(at.length));
          begin(request, command, { taken: at.length, flushAfter: isForced });
        }
      }
      function verify(command: ScsiCommand): void {
        // BYTCHK of a disk whose blocks are always readable: to compare is not offered, as in QEMU.
        const { lba, count } = blocksOf(command.cdb);
        if ((command.cdb[1] ?? 0) & 6) command.end({ sense: SENSE.INVALID_FIELD });
        else if (lba + count > blocks()) command.end({ sense: SENSE.LBA_OUT_OF_RANGE });
        else command.end({});
      }

      /** SBC-3 §5.42: one block again and again; 0 blocks is refused (WSNZ). */
      function writeSame(command: ScsiCommand): void {
        const { lba, count } = blocksOf(command.cdb);
        const flags = command.cdb[1] ?? 0;
        const isUnmap = (flags & 8) !== 0;
        if (drive.readonly) return command.end({ sense: SENSE.WRITE_PROTECTED });
        if (count === 0 || flags & 0x16) return command.end({ sense: SENSE.INVALID_FIELD });
        if (lba + count > blocks()) return command.end({ sense: SENSE.LBA_OUT_OF_RANGE });
        const taken = (flags & 1) !== 0 ? 0 : blockBytes;
        if (!hasData(command, taken)) return;
        const block = taken === 0 ? new Uint8Array(blockBytes) : command.out(blockBytes);
        const [offset, length] = [lba * blockBytes, count * blockBytes];
        const more = { taken, flushAfter: !s.writeCache };
        if (isUnmap || block.every((byte) => byte === 0))
          return begin(drive.writeZeroes(offset, length), command, more);
        if (length > MAX_TRANSFER_BYTES) return command.end({ sense: SENSE.INVALID_FIELD });
        const data = new Uint8Array(length);
        for (let at = 0; at < length; at += blockBytes) data.set(block, at);
        begin(drive.write(offset, data), command, more);
      }

      /** SBC-3 §5.28: a list of ranges, one after the other. */
      function unmap(command: ScsiCommand): void {
        const length = be16(command.cdb, 7);
        if (drive.readonly) return command.end({ sense: SENSE.WRITE_PROTECTED });
        if ((command.cdb[1] ?? 0) & 1) return command.end({ sense: SENSE.INVALID_FIELD });
        if (length === 0) return command.end({});
        if (length < 8) return command.end({ sense: SENSE.PARAMETER_LENGTH });
        if (!hasData(command, length)) return;
        const data = command.out(length);
        const count = be16(data, 2) >> 4;
        if (
          be16(data, 0) + 2 > length ||
          be16(data, 2) + 8 > length ||
          be16(data, 2) & 15 ||
          count > MAX_UNMAP_DESCRIPTORS
        ) {
          return command.end({ sense: SENSE.INVALID_FIELD });
        }
        const ranges = Array.from({ length: count }, (_, i) => ({
          lba: be64(data, 8 + 16 * i),
          count: be32(data, 16 + 16 * i),
        })).filter(({ count }) => count > 0);
        if (ranges.some(({ lba, count }) => lba + count > blocks()))
          return command.end({ sense: SENSE.LBA_OUT_OF_RANGE });
        const next = (i: number): void => {
          const part = ranges[i];
          if (part === undefined) return command.end({ taken: length });
          begin(drive.discard(part.lba * blockBytes, part.count * blockBytes), command, { follow: () => next(i + 1) });
        };
        next(0);
      }

      /** SBC-3 §5.25: bit 1 loads or ejects. */
      function startStop(command: ScsiCommand): void {
        const power = (command.cdb[4] ?? 0) >> 4;
        const isStart = ((command.cdb[4] ?? 0) & 1) !== 0;
        const isMedium = ((command.cdb[4] ?? 0) & 2) !== 0;
        if (isCd && isMedium && power === 0) {
          if (!isStart && !s.trayOpen && s.trayLocked) {
            return command.end({ sense: drive.inserted ? SENSE.REMOVAL_PREVENTED : SENSE.NO_MEDIUM });
          }
          if (s.trayOpen === isStart) {
            s.trayOpen = !isStart;
            drive.eject(!isStart);
          }
        }
        command.end({});
      }
      function mediaEvent(): readonly [number, number] {
        const event = s.ejectRequest ? 1 : s.newMedium ? 2 : 0;
        s.ejectRequest = false;
        s.newMedium = false;
        return [event, s.trayOpen ? 1 : drive.inserted ? 2 : 0];
      }

      const commands: Readonly<Record<number, (command: ScsiCommand) => void>> = {
        0: (command) => command.end({}), // TEST UNIT READY
        3: (command) => answer(command, senseBytes(takeAttention() ?? SENSE.NONE).subarray(0, command.cdb[4])),
        8: read,
        40: read,
        136: read,
        168: read,
        18: (command) => answer(command, inquiry(id, command.cdb)),
        26: (command) => answer(command, modeSense(id, modeState(), command.cdb)),
        90: (command) => answer(command, modeSense(id, modeState(), command.cdb)),
        27: startStop,
        30(command) {
          s.trayLocked = ((command.cdb[4] ?? 0) & 1) !== 0;
          drive.lock(s.trayLocked);
          command.end({});
        },
        37(command) {
          if ((command.cdb[8] ?? 0) & 1 || be32(command.cdb, 2) !== 0) command.end({ sense: SENSE.INVALID_FIELD });
          else answer(command, capacity10(blocks(), id));
        },
        158(command) {
          // SERVICE ACTION IN (16): READ CAPACITY (16) is the only one.
          if (((command.cdb[1] ?? 0) & 0x1f) !== 0x10) command.end({ sense: SENSE.INVALID_FIELD });
          else answer(command, capacity16(blocks(), id).subarray(0, be32(command.cdb, 10)));
        },
        ...(isCd ? {} : diskCommands()),
        ...(isCd ? cdCommands() : {}),
      };
      function diskCommands(): Record<number, (command: ScsiCommand) => void> {
        const reserve = (command: ScsiCommand): void =>
          command.end((command.cdb[1] ?? 0) & 1 ? { sense: SENSE.INVALID_FIELD } : {});
        const select = (command: ScsiCommand, length: number): void => {
          if (!hasData(command, length)) return;
          const next = modeSelect(command.out(length), command.cdb[0] === 0x55, s.writeCache);
          if (typeof next !== 'boolean') return command.end({ sense: next });
          const turnedOff = s.writeCache && !next;
          s.writeCache = next;
          if (turnedOff) begin(drive.flush(), command, { taken: length });
          else command.end({ taken: length });
        };
        const flush = (command: ScsiCommand): void => begin(drive.flush(), command);
        return {
          10: write,
          42: write,
          138: write,
          170: write,
          46: write, // WRITE AND VERIFY
          142: write,
          174: write,
          47: verify,
          143: verify,
          175: verify,
          21: (command) => select(command, command.cdb[4] ?? 0),
          85: (command) => select(command, be16(command.cdb, 7)),
          22: reserve,
          23: reserve,
          53: flush,
          145: flush,
          65: writeSame,
          147: writeSame,
          66: unmap,
          11: verifySeek,
          43: verifySeek,
        };
      }
      /** SEEK: QEMU checks the address only. */
      function verifySeek(command: ScsiCommand): void {
        command.end(blocksOf(command.cdb).lba > blocks() ? { sense: SENSE.LBA_OUT_OF_RANGE } : {});
      }
      function cdCommands(): Record<number, (command: ScsiCommand) => void> {
        return {
          67(command) {
            // READ TOC: an empty drive has none.
            mmc(command, be16(command.cdb, 7), (buffer) => readToc(buffer, command.cdb, cdSectors()));
          },
          70: (command) => mmc(command, be16(command.cdb, 7), (b) => getConfiguration(b, command.cdb, cdSectors())),
          74: (command) => mmc(command, be16(command.cdb, 7), (b) => eventStatus(b, command.cdb, mediaEvent)),
          81: (command) => mmc(command, be16(command.cdb, 7), (b) => readDiscInformation(b, command.cdb)),
          173: (command) => mmc(command, be16(command.cdb, 8), (b) => readDvdStructure(b, command.cdb, cdSectors())),
          189: (command) => mmc(command, be16(command.cdb, 8), mechanismStatus),
          43: verifySeek,
        };
      }
      const modeState = () => ({ blocks: blocks(), writeCache: s.writeCache, locked: s.trayLocked });

      function takeAttention(): Sense | undefined {
        const attention = ATTENTIONS[s.attention];
        s.attention = ATTENTION.NONE;
        return attention;
      }
      /** INQUIRY, REPORT LUNS, REQUEST SENSE and polling for events work whatever happened (SAM-4 §5.14). */
      const worksWithAttention = (op: number): boolean => [0x03, 0x12, 0x4a, 0xa0].includes(op);
      const worksWithoutMedium = (op: number): boolean =>
        [0x03, 0x12, 0x15, 0x16, 0x17, 0x1a, 0x1b, 0x1e, 0x46, 0x4a, 0x55, 0x5a, 0xbd].includes(op);

      function start(command: ScsiCommand): void {
        const op = command.cdb[0] ?? 0;
        const execute = commands[op];
        const attention = worksWithAttention(op) ? undefined : takeAttention();
        if (attention !== undefined) command.end({ sense: attention });
        else if (execute === undefined) command.end({ sense: SENSE.INVALID_OPCODE });
        else if (!hasMedium() && !worksWithoutMedium(op)) command.end({ sense: SENSE.NO_MEDIUM });
        else execute(command);
      }
      function forget(): void {
        underWay.clear();
        drive.forget();
      }
      const unit: ScsiUnit = {
        start,
        forget,
        reset() {
          forget();
          s.attention = ATTENTION.RESET;
          s.trayLocked = false;
          drive.lock(false);
        },
      };
      const place = wiring.parent.plug(unit, { channel: wiring.channel, target: wiring['scsi-id'], lun: wiring.lun });
      return {
        regions: {},
        firmware: {
          name: `channel@${place.channel.toString(16)}`,
          boot: [{ index: wiring.bootindex, suffix: `/disk@${place.target.toString(16)},${place.lun.toString(16)}` }],
        },
        reset: () => unit.reset(),
        sync: () => drive.lock(s.trayLocked),
      };
    },
  });

export const scsiHd = scsiDisk('scsi-hd');
export const scsiCd = scsiDisk('scsi-cd');
