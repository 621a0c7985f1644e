/**
 * Intel 82077AA floppy disk controller in AT mode, two drives, on ports 3F0h to 3F5h and 3F7h.
 * Document: Intel 82077AA data sheet, 290166-007 (§ names), with the 82078's SAVE, RESTORE and version.
 * Not modelled: the mechanics (seeks and rotation take no time but for READ ID), recording errors, deleted data, FIFO
 * thresholds, tape drives. Sectors have 512 bytes, whatever size a command names. Details follow QEMU.
 */
import type { Drive } from '../../../block/api.ts';
import { defineDevice } from '../../core/device.ts';
import { hex } from '../../core/log.ts';
import { prop } from '../../core/props.ts';
import { BYTE_WIDE, ioRegion } from '../../core/region.ts';
import type { DmaChannel } from '../dma/i8237.ts';
import { FloppyDrive } from './floppy-drive.ts';
import { CONFIG, controllerState, DOR, DSR, MSR, PHASE, SRA, SRB, ST0, ST1, TRANSFER } from './i82077-state.ts';
import { createTransfers, HEADER_BYTES } from './i82077-transfer.ts';

const DISK_CHANGED = 0x80; // of the digital input register
const BOOT_SELECT = 0x04; // of the tape drive register
const VERSION = 0x90; // 82078, as QEMU says
const STEPPING = 0x41;
const RESET_SENSES = 4;
/** READ ID waits for the next header: about a tenth of a rotation. */
const HEADER_NS = 20_000_000;
const SIZE_512 = 2;

/** A command byte under its mask, the number of bytes that follow, and what it does. */
interface Command {
  readonly code: number;
  readonly mask: number;
  readonly parameters: number;
  run(): void;
}

const driveType = prop.oneOf('FdcDriveType', ['auto', '120', '144', '288', 'none'], 'auto');

export const i82077 = defineDevice({
  type: 'isa-fdc',
  desc: 'virtual floppy controller',
  props: {
    iobase: prop.u32(0x3f0),
    irq: prop.u32(6),
    dma: prop.u32(2),
    driveA: prop.link<Drive | null>('drive', null),
    driveB: prop.link<Drive | null>('drive', null),
    fdtypeA: driveType,
    fdtypeB: driveType,
    bootindexA: prop.i32(-1),
    bootindexB: prop.i32(-1),
    dmaController: prop.required<{ channel(n: number): DmaChannel }>(),
  },
  irqs: ['line'],
  isa: ({ iobase, irq }) => ({ ports: { registers: iobase + 1, input: iobase + 7 }, irqs: { line: irq } }),
  state: controllerState,
  create(s, props) {
    const { iobase, dma, line, clock, log, dmaController } = props;
    const channel = dma < 8 ? dmaController.channel(dma) : undefined;
    const typeOf = (type: string) => (type === '120' || type === '144' || type === '288' ? type : undefined);
    const floppy = (n: 0 | 1, drive: Drive | null, type: string): FloppyDrive =>
      new FloppyDrive(
        s.drives[n] as FloppyDrive['s'],
        type === 'none' ? undefined : (drive ?? undefined),
        typeOf(type),
      );
    const drives = [floppy(0, props.driveA, props.fdtypeA), floppy(1, props.driveB, props.fdtypeB)] as const;
    /** §2.1.4: the boot select bit swaps the drives. */
    const drive0 = (): FloppyDrive => drives[s.tdr & BOOT_SELECT ? 1 : 0];
    const drive1 = (): FloppyDrive => drives[s.tdr & BOOT_SELECT ? 0 : 1];
    const selected = (): FloppyDrive => (s.selected === 0 ? drive0() : drive1());

    function sync(): void {
      line.set((s.sra & SRA.INTERRUPT) !== 0);
    }
    function interrupt(): void {
      s.sra |= SRA.INTERRUPT;
      s.resetSenses = 0;
      sync();
    }
    function endInterrupt(): void {
      s.status0 = 0;
      s.sra &= ~SRA.INTERRUPT;
      sync();
    }

    function toCommandPhase(): void {
      s.phase = PHASE.COMMAND;
      s.fifoAt = 0;
      s.fifoLength = 1;
      s.msr = (s.msr & ~(MSR.BUSY | MSR.TO_HOST)) | MSR.READY;
    }
    function answer(...result: readonly number[]): void {
      s.fifo.set(result);
      s.phase = PHASE.RESULT;
      s.fifoAt = 0;
      s.fifoLength = result.length;
      s.msr |= MSR.BUSY | MSR.READY | MSR.TO_HOST;
    }

    /** Ends a command of the data group: seven result bytes and an interrupt (§5.1). */
    function stop(st0: number, st1 = 0, st2 = 0, address?: readonly number[]): void {
      const { head, track, sector } = selected().s;
      s.status0 = (s.status0 & ~(ST0.HEAD | 3)) | s.selected | (head ? ST0.HEAD : 0) | st0;
      s.length = s.position = 0;
      if (!(s.msr & MSR.NON_DMA)) channel?.request(false);
      s.msr &= ~MSR.NON_DMA;
      answer(s.status0, st1, st2, ...(address ?? [track, head, sector]), SIZE_512);
      interrupt();
    }

    const transfers = createTransfers({ s, channel, selected, stop, interrupt });
    const wait = clock.timer('fdc-result', s.resultTimer, () => {
      const { s: d } = selected();
      // The disk turns: each time another sector's header passes by.
      if (d.sectorsPerTrack !== 0) d.sector = (d.sector % d.sectorsPerTrack) + 1;
      if (hasRate()) stop(0);
      else stop(ST0.ABNORMAL, ST1.MISSING_MARK);
    });

    function recalibrate(drive: FloppyDrive): void {
      drive.seek(0, 0, 1);
    }
    function reset(raises: boolean): void {
      for (const { drive } of drives) drive?.forget();
      endInterrupt();
      s.sra = drives[1].drive === undefined ? SRA.NO_DRIVE_2 : 0;
      s.srb = SRB.UNUSED;
      s.selected = 0;
      s.dor = DOR.NOT_RESET | (channel === undefined ? 0 : DOR.DMA);
      s.msr = MSR.READY;
      s.resetSenses = 0;
      s.request = s.length = s.position = 0;
      wait.cancel();
      channel?.request(false);
      for (const drive of drives) recalibrate(drive);
      toCommandPhase();
      if (!raises) return;
      s.status0 |= ST0.READY_CHANGED;
      interrupt();
      s.resetSenses = RESET_SENSES;
    }

    // Commands (§5). Parameters are in the FIFO, the command byte first.

    const parameter = (n: number): number => s.fifo[n] ?? 0;
    const selectDrive = (): FloppyDrive => {
      s.selected = parameter(1) & DOR.SELECT;
      return selected();
    };
    const hasRate = (): boolean => (s.dsr & DSR.RATE) === selected().s.rate;

    const startTransfer = (transfer: number) => (): void => {
      const drive = selectDrive();
      const [track, head, sector] = [parameter(2), parameter(3), parameter(4)];
      const refuse = (st1: number): void => stop(ST0.ABNORMAL, st1, 0, [track, head, sector]);
      const seek = drive.seek(head, track, sector, (s.config & CONFIG.IMPLIED_SEEK) !== 0);
      if (seek === 'noTrack' || seek === 'notAllowed') return refuse(0);
      if (seek === 'noSector') return refuse(ST1.END_OF_CYLINDER);
      if (seek === 'moved') s.status0 |= ST0.SEEK_END;
      if (!hasRate()) return refuse(ST1.MISSING_MARK);
      s.multiTrack = (parameter(0) & 0x80) !== 0;
      const sectors = parameter(6) - sector + 1 + (s.multiTrack ? parameter(6) : 0);
      const length = parameter(5) === 0 ? parameter(8) : (128 << Math.min(7, parameter(5))) * sectors;
      if (length < 0) return refuse(ST1.MISSING_MARK);
      s.endOfTrack = parameter(6);
      begin(transfer, length);
    };
    function begin(transfer: number, length: number): void {
      s.transfer = transfer;
      s.length = length;
      s.position = 0;
      if (!(s.dor & DOR.DMA) || channel === undefined) s.msr |= MSR.NON_DMA;
      if (length === 0) stop(0);
      else transfers.start();
    }
    /** There is no deleted data on our disks. */
    function startDeleted(): void {
      selectDrive();
      stop(ST0.ABNORMAL | ST0.SEEK_END);
    }
    function formatTrack(): void {
      const drive = selectDrive();
      const head = (parameter(1) >> 2) & 1;
      const seek = drive.seek(head, drive.s.track, drive.s.sector);
      if (seek === 'noTrack' || seek === 'noSector') return stop(ST0.ABNORMAL);
      if (!hasRate()) return stop(ST0.ABNORMAL, ST1.MISSING_MARK);
      s.fill = parameter(5);
      begin(TRANSFER.FORMAT, parameter(3) * HEADER_BYTES);
    }

    function seekEnded(): void {
      toCommandPhase();
      s.status0 |= ST0.SEEK_END;
      interrupt();
    }
    function seekTo(track: (drive: FloppyDrive['s']) => number): void {
      const drive = selectDrive();
      drive.seek(drive.s.head, track(drive.s), drive.s.sector);
      seekEnded();
    }
    function senseInterrupt(): void {
      const { track } = selected().s;
      if (s.resetSenses > 0) {
        const status = ST0.READY_CHANGED + RESET_SENSES - s.resetSenses;
        s.resetSenses--;
        answer(status, track);
      } else if (s.sra & SRA.INTERRUPT) {
        answer((s.status0 & ~(ST0.HEAD | 3)) | s.selected, track);
      } else {
        answer(ST0.INVALID);
        return;
      }
      endInterrupt();
      s.status0 = ST0.READY_CHANGED;
    }
    function readId(): void {
      const { s: drive } = selectDrive();
      drive.head = (parameter(1) >> 2) & 1;
      s.msr &= ~MSR.READY;
      wait.set(clock.now() + HEADER_NS);
    }
    function senseDrive(): void {
      const drive = selectDrive();
      drive.s.head = (parameter(1) >> 2) & 1;
      const track0 = drive.s.track === 0 ? 0x10 : 0;
      answer((drive.readonly ? 0x40 : 0) | track0 | (drive.s.head << 2) | s.selected | 0x28);
    }
    function specify(): void {
      s.timer0 = parameter(1) >> 4;
      s.timer1 = parameter(2) >> 1;
      s.dor = parameter(2) & 1 ? s.dor & ~DOR.DMA : s.dor | DOR.DMA;
      toCommandPhase();
    }
    const lockAndMode = (): number => (s.locked ? 0x80 : 0) | (selected().s.perpendicular << 2);
    function dumpRegisters(): void {
      const timers = [s.timer0, (s.timer1 << 1) | (s.dor & DOR.DMA ? 1 : 0)];
      const tracks = [drive0().s.track, drive1().s.track, 0, 0];
      answer(...tracks, ...timers, selected().s.sectorsPerTrack, lockAndMode(), s.config, s.precompensation);
    }
    function save(): void {
      const tracks = [drive0().s.track, drive1().s.track];
      const { sectorsPerTrack } = selected().s;
      const rest = [sectorsPerTrack, lockAndMode(), s.config, s.precompensation, s.powerDown, 0, 0];
      answer(0, 0, ...tracks, 0, 0, s.timer0, s.timer1, ...rest);
    }
    function restore(): void {
      drive0().s.track = parameter(3);
      drive1().s.track = parameter(4);
      s.timer0 = parameter(7);
      s.timer1 = parameter(8);
      selected().s.sectorsPerTrack = parameter(9);
      s.locked = (parameter(10) & 0x80) !== 0;
      selected().s.perpendicular = (parameter(10) >> 2) & 0x0f;
      s.config = parameter(11);
      s.precompensation = parameter(12);
      s.powerDown = parameter(13);
      toCommandPhase();
    }
    function perpendicular(): void {
      if (parameter(1) & 0x80) selected().s.perpendicular = parameter(1) & 7;
      toCommandPhase();
    }
    function configure(): void {
      s.config = parameter(2);
      s.precompensation = parameter(3);
      toCommandPhase();
    }
    function powerDownMode(): void {
      s.powerDown = parameter(1);
      answer(s.powerDown);
    }
    /** DRIVE SPECIFICATION COMMAND of the 82078: bytes up to one that says it is the last. */
    function driveSpecification(): void {
      if ((parameter(5) & 0xc0) === 0xc0) answer(parameter(1), parameter(1), 0, 0);
      else if (parameter(5) & 0x80) toCommandPhase();
      else answer(ST0.INVALID | (selected().s.head << 2) | s.selected);
    }
    function lock(): void {
      s.locked = (parameter(0) & 0x80) !== 0;
      answer(s.locked ? 0x10 : 0);
    }
    function invalid(): void {
      log('guest_errors', `fdc: command ${hex(parameter(0))} is not valid`);
      answer(ST0.INVALID);
    }

    /** In this order: some codes under a mask contain others. */
    const commands: readonly Command[] = [
      { code: 0x06, mask: 0x1f, parameters: 8, run: startTransfer(TRANSFER.READ) },
      { code: 0x05, mask: 0x3f, parameters: 8, run: startTransfer(TRANSFER.WRITE) },
      { code: 0x0f, mask: 0xff, parameters: 2, run: () => seekTo(() => parameter(2)) },
      { code: 0x08, mask: 0xff, parameters: 0, run: senseInterrupt },
      { code: 0x07, mask: 0xff, parameters: 1, run: recalibrateCommand },
      { code: 0x0d, mask: 0xbf, parameters: 5, run: formatTrack },
      { code: 0x02, mask: 0xbf, parameters: 8, run: startTransfer(TRANSFER.READ) },
      { code: 0x4e, mask: 0xff, parameters: 17, run: restore },
      { code: 0x2e, mask: 0xff, parameters: 0, run: save },
      { code: 0x0c, mask: 0x1f, parameters: 8, run: startDeleted },
      { code: 0x11, mask: 0x1f, parameters: 8, run: startTransfer(TRANSFER.SCAN_EQUAL) },
      { code: 0x16, mask: 0x1f, parameters: 8, run: startTransfer(TRANSFER.VERIFY) },
      { code: 0x19, mask: 0x1f, parameters: 8, run: startTransfer(TRANSFER.SCAN_LOW) },
      { code: 0x1d, mask: 0x1f, parameters: 8, run: startTransfer(TRANSFER.SCAN_HIGH) },
      { code: 0x09, mask: 0x3f, parameters: 8, run: startDeleted },
      { code: 0x0a, mask: 0xbf, parameters: 1, run: readId },
      { code: 0x03, mask: 0xff, parameters: 2, run: specify },
      { code: 0x04, mask: 0xff, parameters: 1, run: senseDrive },
      { code: 0x12, mask: 0xff, parameters: 1, run: perpendicular },
      { code: 0x13, mask: 0xff, parameters: 3, run: configure },
      { code: 0x17, mask: 0xff, parameters: 2, run: powerDownMode },
      { code: 0x33, mask: 0xff, parameters: 1, run: toCommandPhase }, // OPTION
      { code: 0x8e, mask: 0xff, parameters: 5, run: driveSpecification },
      { code: 0x8f, mask: 0xff, parameters: 2, run: () => seekTo(({ track }) => Math.max(0, track - parameter(2))) },
      {
        code: 0xcf,
        mask: 0xff,
        parameters: 2,
        run: () => seekTo(({ track, tracks }) => Math.max(0, Math.min(tracks - 1, track + parameter(2)))),
      },
      { code: 0x14, mask: 0x7f, parameters: 0, run: lock },
      { code: 0x0e, mask: 0xff, parameters: 0, run: dumpRegisters },
      { code: 0x10, mask: 0xff, parameters: 0, run: () => answer(VERSION) },
      { code: 0x18, mask: 0xff, parameters: 0, run: () => answer(STEPPING) },
      { code: 0x05, mask: 0x1f, parameters: 8, run: startTransfer(TRANSFER.WRITE) }, // with the skip bit: BeOS
      { code: 0, mask: 0, parameters: 0, run: invalid },
    ];
    function recalibrateCommand(): void {
      recalibrate(selectDrive());
      seekEnded();
    }
    const commandOf = (byte: number): Command => commands.find(({ code, mask }) => (byte & mask) === code) as Command;

    // Registers (§2.1).

    function readFifo(): number {
      s.dsr &= ~DSR.POWER_DOWN;
      if ((s.msr & (MSR.READY | MSR.TO_HOST)) !== (MSR.READY | MSR.TO_HOST)) return 0;
      if (s.phase === PHASE.EXECUTION) return transfers.readByte();
      const value = s.fifo[s.fifoAt] ?? 0;
      if (++s.fifoAt >= s.fifoLength) {
        toCommandPhase();
        endInterrupt();
      }
      return value;
    }
    function writeFifo(value: number): void {
      if (!(s.dor & DOR.NOT_RESET) || (s.msr & (MSR.READY | MSR.TO_HOST)) !== MSR.READY) return;
      s.dsr &= ~DSR.POWER_DOWN;
      if (s.phase === PHASE.EXECUTION) {
        transfers.writeByte(value);
        return;
      }
      if (s.fifoAt === 0) {
        s.fifoLength = commandOf(value).parameters + 1;
        s.msr |= MSR.BUSY;
      }
      s.fifo[s.fifoAt++] = value;
      if (s.fifoAt < s.fifoLength) return;
      s.phase = PHASE.EXECUTION;
      commandOf(parameter(0)).run();
    }
    function writeOutput(value: number): void {
      const bit = (on: number, srb: number): number => (value & on ? srb : 0);
      const driven = SRB.MOTOR_0 | SRB.MOTOR_1 | SRB.DRIVE_0;
      const srb = bit(DOR.MOTOR_0, SRB.MOTOR_0) | bit(DOR.MOTOR_1, SRB.MOTOR_1) | bit(DOR.SELECT, SRB.DRIVE_0);
      s.srb = (s.srb & ~driven) | srb;
      if (value & ~s.dor & DOR.NOT_RESET) {
        reset(true);
        s.dsr &= ~DSR.POWER_DOWN;
      }
      s.selected = value & DOR.SELECT;
      s.dor = value;
    }
    function writeRate(value: number): void {
      if (!(s.dor & DOR.NOT_RESET)) return;
      if (value & (DSR.RESET | DSR.POWER_DOWN)) reset(true);
      s.dsr = value;
    }
    function readMainStatus(): number {
      s.dsr &= ~DSR.POWER_DOWN;
      s.dor |= DOR.NOT_RESET;
      return s.msr;
    }

    const registers = ioRegion(
      'fdc',
      5,
      {
        read(offset) {
          switch (offset + 1) {
            case 1:
              return s.srb;
            case 2:
              return s.dor | s.selected;
            case 3:
              return s.tdr;
            case 4:
              return readMainStatus();
            default:
              return readFifo();
          }
        },
        write(offset, value) {
          if (offset === 1) writeOutput(value);
          else if (offset === 2 && s.dor & DOR.NOT_RESET) s.tdr = value & BOOT_SELECT;
          else if (offset === 3) writeRate(value);
          else if (offset === 4) writeFifo(value);
        },
      },
      BYTE_WIDE,
    );
    const input = ioRegion(
      'fdc-input',
      1,
      {
        read: () => (selected().s.changed ? DISK_CHANGED : 0),
        write(_offset, value) {
          if (s.dor & DOR.NOT_RESET) s.dsr = (s.dsr & ~DSR.RATE) | (value & DSR.RATE);
        },
      },
      BYTE_WIDE,
    );

    for (const drive of drives) {
      drive.drive?.attach({
        completed: transfers.completed,
        mediumChanged() {
          if (drive === selected()) transfers.mediumGone();
          drive.mediumChanged();
        },
      });
    }
    return {
      regions: { registers, input },
      /** What the drives are; undefined: there is none. */
      driveTypes: drives.map(({ type }) => type),
      firmware: {
        name: `fdc@${iobase.toString(16).padStart(4, '0')}`,
        boot: [props.bootindexA, props.bootindexB].map((index, n) => ({ index, suffix: `/floppy@${n}` })),
      },
      reset: () => reset(false),
      sync,
    };
  },
});
