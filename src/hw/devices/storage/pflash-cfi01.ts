/**
 * NOR flash with Intel's command set, as QEMU's PC has it for its firmware: 8 bits wide, blocks of 4 KiB. Documents: Common
 * Flash Interface Specification 2.0, JESD68.01; Intel StrataFlash J3 datasheet, 290667.
 * While it shows its array it is ROM to the guest, as fast as memory; a write is a command and makes it answer itself. As
 * in QEMU, programming sets bits as well, and nothing takes time. What is written goes to the drive.
 * Not modelled: suspend, protection registers, block locking (accepted, without effect).
 */
import type { Drive } from '../../../block/api.ts';
import { type DeviceMemory, defineDevice } from '../../core/device.ts';
import { hex } from '../../core/log.ts';
import { prop } from '../../core/props.ts';
import { Container, ioRegion, romRegion } from '../../core/region.ts';
import { below, bool, u8, vmstate } from '../../core/state.ts';

const BLOCK = 4096;
const SECTOR = 512;
const BUFFER_BITS = 8;

const COMMAND = {
  RESET: 0x00,
  LOCK: 0x01,
  PROGRAM: 0x10,
  ERASE: 0x20,
  ERASE_ALTERNATE: 0x28,
  PROGRAM_ALTERNATE: 0x40,
  CLEAR_STATUS: 0x50,
  BLOCK_LOCK: 0x60,
  READ_STATUS: 0x70,
  READ_ID: 0x90,
  QUERY: 0x98,
  CONFIRM: 0xd0,
  WRITE_BUFFER: 0xe8,
  AMD_RESET: 0xf0,
  READ_ARRAY: 0xff,
} as const;

const STATUS = { READY: 0x80, ERASE_ERROR: 0x20, PROGRAM_ERROR: 0x10 } as const;

/** What a query tells, from offset 10h on. */
function queryTable(size: number): Uint8Array {
  const table = new Uint8Array(0x52);
  const blocks = size / BLOCK - 1;
  table.set([0x51, 0x52, 0x59, 0x01, 0x00, 0x31, 0x00], 0x10); // QRY, Intel's commands, extended table at 31h
  table.set([0x45, 0x55, 0x00, 0x00], 0x1b); // voltages
  table.set([0x07, 0x07, 0x0a, 0x00, 0x04, 0x04, 0x04, 0x00], 0x1f); // times
  table.set([31 - Math.clz32(size & -size), 0x02, 0x00, BUFFER_BITS, 0x00], 0x27);
  table.set([0x01, blocks & 0xff, blocks >> 8, (BLOCK >> 8) & 0xff, BLOCK >> 16], 0x2c); // one region of equal blocks
  table.set([0x50, 0x52, 0x49, 0x31, 0x30], 0x31); // PRI 1.0
  table[0x3f] = 0x01;
  return table;
}

/** What the device needs to know before it has memory. */
export interface FlashContents {
  readonly bytes: Uint8Array;
}

export const pflashCfi01 = defineDevice({
  type: 'cfi.pflash01',
  desc: '',
  props: {
    drive: prop.required<Drive>(),
    /** What the drive's image holds at power-on. */
    contents: prop.required<FlashContents>(),
    address: prop.u64(0),
    /** Where it is placed. */
    romSpace: prop.required<Container>(),
    memory: prop.required<Readonly<Record<string, DeviceMemory>>>(),
  },
  irqs: [],
  memory: ({ contents }) => ({ array: { bytes: contents.bytes.length } }),
  state: vmstate('pflash_cfi01', 1, {
    /** It shows its array and waits for a command. */
    shows: bool(true),
    command: u8(),
    /** How many writes the command has seen. */
    cycle: below(4),
    status: u8(STATUS.READY),
    /** Bytes of a buffer that follow, less one. */
    counter: u8(),
  }),
  create(s, { drive, contents, address, romSpace, memory, id, log }) {
    const { bytes, written, region } = memory['array'] as DeviceMemory;
    const size = bytes.length;
    const query = queryTable(size);
    bytes.set(contents.bytes);
    written(0, size);
    drive.attach({ completed() {} });

    const rom = romRegion(id, size, region.ramOffset, (offset, value, width) => write(offset, value, width));
    const io = ioRegion(`${id}.commands`, size, { read, write });
    const place = new Container(id, size);
    place.add(0, io);
    const array = place.add(0, rom, { priority: 1 });
    romSpace.add(address, place, { priority: 2 });

    function save(offset: number, length: number): void {
      written(offset, length);
      const start = offset - (offset % SECTOR);
      const end = Math.min(size, Math.ceil((offset + length) / SECTOR) * SECTOR);
      drive.write(start, bytes.slice(start, end));
    }
    function store(offset: number, value: number, width: number): void {
      for (let i = 0; i < width && offset + i < size; i++) bytes[offset + i] = value >>> (8 * i);
    }

    function showArray(): void {
      s.shows = true;
      s.command = COMMAND.RESET;
      s.cycle = 0;
      array.update({ enabled: true });
    }
    function refuse(what: string, value: number): void {
      log('guest_errors', `${id}: ${what} ${hex(value, 2)}`);
      showArray();
    }
    /** A command that waits for more writes. */
    function begin(command: number): void {
      s.command = command;
      s.cycle = 1;
    }
    function done(): void {
      s.status |= STATUS.READY;
      s.cycle = 0;
    }

    function read(offset: number, width: number): number {
      switch (s.command) {
        case COMMAND.RESET: {
          let value = 0;
          for (let i = 0; i < width; i++) value |= (bytes[offset + i] ?? 0) << (8 * i);
          return value >>> 0;
        }
        case COMMAND.READ_ID:
          return 0;
        case COMMAND.QUERY:
          return query[offset & 0xff] ?? 0;
        default:
          return s.status;
      }
    }

    function write(offset: number, value: number, width: number): void {
      if (s.shows) {
        s.shows = false;
        array.update({ enabled: false });
      }
      const byte = value & 0xff;
      if (s.cycle === 0) firstWrite(offset, byte);
      else if (s.cycle === 1) secondWrite(offset, value, width);
      else if (s.cycle === 2) bufferWrite(offset, value, width);
      else if (byte === COMMAND.CONFIRM) done();
      else refuse('unknown confirmation of a buffer', byte);
    }

    function firstWrite(offset: number, byte: number): void {
      switch (byte) {
        case COMMAND.ERASE:
        case COMMAND.ERASE_ALTERNATE:
          erase(offset - (offset % BLOCK));
          begin(byte);
          break;
        case COMMAND.WRITE_BUFFER:
          s.status |= STATUS.READY;
          begin(byte);
          break;
        case COMMAND.PROGRAM:
        case COMMAND.PROGRAM_ALTERNATE:
        case COMMAND.BLOCK_LOCK:
        case COMMAND.QUERY:
          begin(byte);
          break;
        case COMMAND.READ_STATUS:
        case COMMAND.READ_ID:
          s.command = byte;
          break;
        case COMMAND.CLEAR_STATUS:
          s.status = 0;
          showArray();
          break;
        case COMMAND.RESET:
        case COMMAND.READ_ARRAY:
        case COMMAND.AMD_RESET:
          showArray();
          break;
        default:
          refuse('unknown command', byte);
      }
    }

    function erase(start: number): void {
      s.status |= STATUS.READY;
      if (drive.readonly) {
        s.status |= STATUS.ERASE_ERROR;
        return;
      }
      bytes.fill(0xff, start, start + BLOCK);
      save(start, BLOCK);
    }

    function secondWrite(offset: number, value: number, width: number): void {
      const byte = value & 0xff;
      switch (s.command) {
        case COMMAND.PROGRAM:
        case COMMAND.PROGRAM_ALTERNATE:
          program(offset, value, width);
          if (!drive.readonly) save(offset, width);
          done();
          break;
        case COMMAND.WRITE_BUFFER:
          s.counter = byte;
          s.cycle = 2;
          break;
        default:
          if (byte === COMMAND.CONFIRM || (s.command === COMMAND.BLOCK_LOCK && byte === COMMAND.LOCK)) done();
          else if (byte === COMMAND.READ_ARRAY) showArray();
          else refuse(`command ${hex(s.command, 2)}: unknown second write`, byte);
      }
    }

    function program(offset: number, value: number, width: number): void {
      if (drive.readonly) s.status |= STATUS.PROGRAM_ERROR;
      else store(offset, value, width);
    }

    function bufferWrite(offset: number, value: number, width: number): void {
      program(offset, value, width);
      s.status |= STATUS.READY;
      if (s.counter > 0) {
        s.counter--;
        return;
      }
      s.cycle = 3;
      const buffer = 2 ** BUFFER_BITS;
      if (!drive.readonly) save(offset - (offset % buffer), Math.min(buffer, size - (offset - (offset % buffer))));
    }

    return {
      regions: {},
      sync() {
        array.update({ enabled: s.shows });
      },
    };
  },
});
