/**
 * One channel of a PCI bus-master IDE controller: three registers and a table of physical regions in memory.
 * Document: Programming Interface for Bus Master IDE Controller, revision 1.0, 1994, §2 and §3.
 * Which way data move is the device's command's to say, as in QEMU; the direction bit is only stored.
 */
import type { Dma } from '../../core/dma.ts';
import { type IoRegion, ioRegion } from '../../core/region.ts';
import { type StateOf, struct, u8, u32 } from '../../core/state.ts';
import type { AtaDma } from './ata.ts';
import type { IdeChannel } from './ide-channel.ts';

export const busMasterState = struct({ command: u8(), status: u8(), table: u32() });
type BusMasterState = StateOf<{ b: typeof busMasterState }>['b'];

const COMMAND = { START: 0x01, TO_MEMORY: 0x08 } as const;
const STATUS = { ACTIVE: 0x01, ERROR: 0x02, INTERRUPT: 0x04, CAPABLE: 0x60 } as const;

/** §1.2: a table does not cross 64 KiB; QEMU reads one page of it. */
const MAX_ENTRIES = 512;
const LAST_ENTRY = 0x8000_0000;

interface MemoryRegion {
  readonly gpa: number;
  readonly length: number;
}

export class BusMaster implements AtaDma {
  /** Command and status. */
  readonly registers: IoRegion;
  /** The table's address. */
  readonly address: IoRegion;
  private readonly s: BusMasterState;
  private readonly memory: Dma;
  private channel: IdeChannel | undefined;

  constructor(state: BusMasterState, memory: Dma, name: string) {
    this.s = state;
    this.memory = memory;
    this.registers = ioRegion(`${name}-bus-master`, 4, {
      // Only byte accesses reach the registers.
      read: (offset, size) => (size > 1 ? 2 ** (8 * size) - 1 : this.readRegister(offset)),
      write: (offset, value, size) => {
        if (size === 1) this.writeRegister(offset, value);
      },
    });
    this.address = ioRegion(`${name}-table-address`, 4, {
      read: (offset) => this.s.table >>> (8 * offset),
      write: (offset, value, size) => {
        const mask = (size === 4 ? -1 : (1 << (8 * size)) - 1) << (8 * offset);
        this.s.table = ((this.s.table & ~mask) | ((value << (8 * offset)) & mask & ~3)) >>> 0;
      },
    });
  }

  connect(channel: IdeChannel): void {
    this.channel = channel;
  }
  onInterrupt(): void {
    this.s.status |= STATUS.INTERRUPT;
  }

  request(): void {
    if (this.s.status & STATUS.ACTIVE) this.channel?.active?.dmaReady();
  }
  capacity(): number {
    let bytes = 0;
    for (const { length } of this.table()) bytes += length;
    return bytes;
  }
  write(position: number, bytes: Uint8Array): void {
    this.eachPiece(position, bytes, (gpa, piece) => this.memory.write(gpa, piece));
  }
  read(position: number, into: Uint8Array): void {
    this.eachPiece(position, into, (gpa, piece) => this.memory.read(gpa, piece));
  }
  finish(more: boolean): void {
    if (more) this.s.status |= STATUS.ACTIVE;
    else this.s.status &= ~STATUS.ACTIVE;
  }

  private readRegister(offset: number): number {
    if (offset === 0) return this.s.command;
    return offset === 2 ? this.s.status : 0xff;
  }
  private writeRegister(offset: number, value: number): void {
    const { s } = this;
    if (offset === 2) {
      // Error and interrupt are cleared by writing ones; software says which devices are capable of DMA.
      s.status =
        (value & STATUS.CAPABLE) | (s.status & STATUS.ACTIVE) | (s.status & ~value & (STATUS.ERROR | STATUS.INTERRUPT));
      return;
    }
    if (offset !== 0) return;
    const starts = (value & ~s.command & COMMAND.START) !== 0;
    const stops = (~value & s.command & COMMAND.START) !== 0;
    s.command = value & (COMMAND.START | COMMAND.TO_MEMORY);
    if (stops) {
      if (s.status & STATUS.ACTIVE) this.channel?.active?.dmaStopped();
      s.status &= ~STATUS.ACTIVE;
    } else if (starts && !(s.status & STATUS.ACTIVE)) {
      s.status |= STATUS.ACTIVE;
      this.channel?.active?.dmaReady();
    }
  }

  /** §1.2: address and byte count of each region; a count of 0 is 64 KiB. */
  private *table(): Generator<MemoryRegion> {
    for (let n = 0; n < MAX_ENTRIES; n++) {
      const at = (this.s.table + n * 8) % 2 ** 32;
      const gpa = this.memory.readU32(at);
      const word = this.memory.readU32(at + 4);
      yield { gpa, length: word & 0xfffe || 0x10000 };
      if (word >= LAST_ENTRY) return;
    }
  }

  private eachPiece(position: number, bytes: Uint8Array, move: (gpa: number, piece: Uint8Array) => void): void {
    let skip = position;
    let done = 0;
    for (const { gpa, length } of this.table()) {
      if (done === bytes.length) return;
      if (skip >= length) {
        skip -= length;
        continue;
      }
      const piece = bytes.subarray(done, done + Math.min(length - skip, bytes.length - done));
      move(gpa + skip, piece);
      done += piece.length;
      skip = 0;
    }
  }
}
