/**
 * An NVMe controller with one namespace, as QEMU's. Document: NVM Express 1.2, 3 November 2014 (§ names).
 * Not modelled: MSI-X (it interrupts by its pin), more namespaces, controller memory buffers, SGLs, metadata,
 * reservations, firmware updates, asynchronous events (nothing happens that they would tell).
 */
import type { BlockError, Drive, RequestId } from '../../../block/api.ts';
import { VmError } from '../../../util/errors.ts';
import { defineDevice } from '../../core/device.ts';
import type { Dma } from '../../core/dma.ts';
import { hex } from '../../core/log.ts';
import { prop } from '../../core/props.ts';
import { ioRegion } from '../../core/region.ts';
import { PciFunction } from '../pci/function.ts';
import { createAdmin, type Ending } from './nvme-admin.ts';
import { createIo } from './nvme-io.ts';
import { PrpMemory, wide } from './nvme-prp.ts';
import {
  CAP_HIGH,
  CAP_LOW,
  CC,
  type Command,
  CSTS,
  controllerState,
  type Flight,
  type NvmeState,
  QUEUES,
  REGISTER,
  SECTOR_BYTES,
  STATUS,
  STEP,
  VERSION,
} from './nvme-state.ts';

const MEMORY_BYTES = 0x4000;
const ENTRY_BYTES = { SUBMISSION: 64, COMPLETION: 16 } as const;

export const nvme = defineDevice({
  type: 'nvme',
  desc: 'Non-Volatile Memory Express',
  bus: 'PCI',
  props: {
    drive: prop.link<Drive | null>('drive', null, 'Node name or ID of a block device to use as a backend'),
    serial: prop.string(''),
    bootindex: prop.i32(-1),
    'use-intel-id': prop.bool(false),
    dma: prop.required<Dma>(),
  },
  irqs: [],
  state: controllerState,
  create(s, props) {
    const { id, drive, dma, serial, log } = props;
    if (drive === null) throw new VmError(`device '${id}': drive property not set`);
    if (!drive.inserted) throw new VmError(`device '${id}': Device needs media, but drive is empty`);
    if (drive.readonly) throw new VmError(`device '${id}': Block node is read-only`);
    if (serial === '') throw new VmError(`device '${id}': serial property not set`);
    if (serial.length > 20) throw new VmError(`device '${id}': serial '${serial}' is longer than 20 characters`);
    const sectorCount = Math.floor(drive.sizeBytes / SECTOR_BYTES);
    const ids = props['use-intel-id'] ? { vendor: 0x8086, device: 0x5845 } : { vendor: 0x1b36, device: 0x0010 };

    const pageBytes = (): number => 4096 << ((s.cc >> 7) & 0x0f);
    const memory = (): PrpMemory => new PrpMemory(dma, pageBytes());
    const admin = createAdmin({
      s,
      facts: { vendorId: ids.vendor, serial, model: 'QEMU NVMe Ctrl', sectorCount },
      memory,
      abandon,
    });
    const io = createIo({ s, drive, sectorCount, memory });

    // Completions (§4.6).

    /** The pin follows queues with entries that the host has not taken (§7.5.1). */
    function updateInterrupt(): void {
      const pending = s.cqs.some(({ size, head, tail, interrupts }) => size > 0 && interrupts && head !== tail);
      pci.intx.set(pending && !(s.interruptMask & 1));
    }
    function complete(sq: number, cid: number, { status, result = 0 }: Ending): void {
      const from = s.sqs[sq] as NvmeState['sqs'][number];
      const to = s.cqs[from.cq] as NvmeState['cqs'][number];
      if (to.size === 0) return; // a state that nobody saved
      const entry = new DataView(new ArrayBuffer(ENTRY_BYTES.COMPLETION));
      entry.setUint32(0, result, true);
      entry.setUint16(8, from.head, true);
      entry.setUint16(10, sq, true);
      entry.setUint16(12, cid, true);
      entry.setUint16(14, (status << 1) | (to.phase ? 1 : 0), true);
      dma.write(to.base + to.tail * ENTRY_BYTES.COMPLETION, new Uint8Array(entry.buffer));
      to.tail = (to.tail + 1) % to.size;
      if (to.tail === 0) to.phase = !to.phase;
      updateInterrupt();
    }
    /** Each command that is taken has its place in the completion queue. */
    function hasRoom(cq: number): boolean {
      const { size, head, tail } = s.cqs[cq] as NvmeState['cqs'][number];
      if (size === 0) return false;
      const promised = s.flights.filter(({ step, sq }) => isCommand(step) && s.sqs[sq]?.cq === cq).length;
      return ((tail - head + size) % size) + promised < size - 1;
    }
    const isCommand = (step: number): boolean => step !== STEP.FREE && step !== STEP.SHUTDOWN;

    // Submissions (§4.1).

    let taking = false;
    /** Takes what is in the queues, as far as there is room for it. */
    function takeAll(): void {
      if (taking || !(s.csts & CSTS.READY)) return;
      taking = true;
      try {
        for (const sq of s.sqs.keys()) take(sq);
      } finally {
        taking = false;
      }
    }
    function take(sq: number): void {
      const queue = s.sqs[sq] as NvmeState['sqs'][number];
      while (queue.size > 0 && queue.head % queue.size !== queue.tail % queue.size && hasRoom(queue.cq)) {
        const flight = s.flights.find(({ step }) => step === STEP.FREE);
        if (flight === undefined) return;
        const command = commandAt(queue.base + queue.head * ENTRY_BYTES.SUBMISSION);
        queue.head = (queue.head + 1) % queue.size;
        flight.sq = sq;
        flight.cid = command.cid;
        const ending = sq === 0 ? admin(command) : io.start(flight, command);
        if (ending !== undefined) complete(sq, command.cid, ending);
      }
    }
    function commandAt(gpa: number): Command {
      const bytes = new Uint8Array(ENTRY_BYTES.SUBMISSION);
      dma.read(gpa, bytes);
      const view = new DataView(bytes.buffer);
      const dword = (n: number): number => view.getUint32(n * 4, true);
      return {
        opcode: dword(0) & 0xff,
        cid: dword(0) >>> 16,
        nsid: dword(1),
        prp1: wide(dword(6), dword(7)),
        prp2: wide(dword(8), dword(9)),
        dwords: [10, 11, 12, 13, 14, 15].map(dword),
      };
    }

    function free(flight: Flight): void {
      flight.step = STEP.FREE;
      flight.request = 0;
    }
    function completed(request: RequestId, error: BlockError | undefined, data: Uint8Array | undefined): void {
      const flight = s.flights.find(({ step, request: waits }) => step !== STEP.FREE && waits === request);
      if (flight === undefined) return;
      if (flight.step === STEP.SHUTDOWN) {
        free(flight);
        s.csts = (s.csts & ~CSTS.SHUTTING_DOWN) | CSTS.SHUT_DOWN;
        return;
      }
      const ending = io.goOn(flight, error, data);
      if (ending === undefined) return;
      free(flight);
      complete(flight.sq, flight.cid, ending);
      takeAll();
    }
    function abandon(sq: number): void {
      for (const flight of s.flights) {
        if (flight.sq !== sq || !isCommand(flight.step)) continue;
        free(flight);
        complete(sq, flight.cid, { status: STATUS.ABORTED_SQ_DELETED });
      }
    }
    drive.attach({ completed });

    // Registers (§3.1).

    function writeConfiguration(value: number): void {
      const was = s.cc;
      s.cc = value;
      if (value & ~was & CC.ENABLE) enable();
      else if (~value & was & CC.ENABLE) {
        disable();
        return;
      }
      if (value & CC.SHUTDOWN && !(was & CC.SHUTDOWN)) shutDown();
      else if (!(value & CC.SHUTDOWN)) s.csts &= ~(CSTS.SHUTTING_DOWN | CSTS.SHUT_DOWN);
    }
    /** §7.6.1. */
    function enable(): void {
      const [asq, acq] = [wide(s.asqLow, s.asqHigh), wide(s.acqLow, s.acqHigh)];
      const [sqSize, cqSize] = [(s.aqa & 0xfff) + 1, ((s.aqa >>> 16) & 0xfff) + 1];
      const pageShift = (s.cc >> 7) & 0x0f;
      const isRight = pageShift <= 4 && asq % pageBytes() === 0 && acq % pageBytes() === 0 && sqSize > 1 && cqSize > 1;
      if (!isRight || ((s.cc >> 4) & 7) !== 0 || sqSize > 2048 || cqSize > 2048) {
        s.csts |= CSTS.FATAL;
        log('guest_errors', `nvme: enabled with CC ${hex(s.cc)}, AQA ${hex(s.aqa)}, ASQ ${hex(asq)}, ACQ ${hex(acq)}`);
        return;
      }
      Object.assign(s.cqs[0] as object, { base: acq, size: cqSize, head: 0, tail: 0, phase: true, interrupts: true });
      Object.assign(s.sqs[0] as object, { base: asq, size: sqSize, head: 0, tail: 0, cq: 0 });
      s.csts = CSTS.READY;
    }
    /** §7.3.2: a controller reset; the admin queue's registers stay. */
    function disable(): void {
      drive?.forget();
      for (const flight of s.flights) free(flight);
      for (const queue of s.sqs) Object.assign(queue, { base: 0, size: 0, head: 0, tail: 0, cq: 0 });
      for (const queue of s.cqs) {
        Object.assign(queue, { base: 0, size: 0, head: 0, tail: 0, phase: true, interrupts: false });
      }
      s.cc = 0;
      s.csts = 0;
      s.interruptMask = 0;
      s.asyncEvents = 0;
      updateInterrupt();
    }
    /** §7.6.2: what was written is safe before the host hears that it may switch off. */
    function shutDown(): void {
      const flight = s.flights.find(({ step }) => step === STEP.FREE);
      if (flight === undefined || drive === null) {
        s.csts |= CSTS.SHUT_DOWN;
        return;
      }
      s.csts |= CSTS.SHUTTING_DOWN;
      flight.step = STEP.SHUTDOWN;
      flight.request = drive.flush();
    }

    function read(offset: number): number {
      switch (offset) {
        case REGISTER.CAP:
          return CAP_LOW;
        case REGISTER.CAP + 4:
          return CAP_HIGH;
        case REGISTER.VS:
          return VERSION;
        case REGISTER.INTMS:
        case REGISTER.INTMC:
          return s.interruptMask;
        case REGISTER.CC:
          return s.cc;
        case REGISTER.CSTS:
          return s.csts;
        case REGISTER.AQA:
          return s.aqa;
        case REGISTER.ASQ:
          return s.asqLow;
        case REGISTER.ASQ + 4:
          return s.asqHigh;
        case REGISTER.ACQ:
          return s.acqLow;
        case REGISTER.ACQ + 4:
          return s.acqHigh;
        default:
          return 0;
      }
    }
    function write(offset: number, value: number): void {
      switch (offset) {
        case REGISTER.INTMS:
          s.interruptMask = (s.interruptMask | value) >>> 0;
          updateInterrupt();
          break;
        case REGISTER.INTMC:
          s.interruptMask = (s.interruptMask & ~value) >>> 0;
          updateInterrupt();
          break;
        case REGISTER.CC:
          writeConfiguration(value);
          break;
        case REGISTER.AQA:
          s.aqa = value & 0x0fff_0fff;
          break;
        case REGISTER.ASQ:
          s.asqLow = (value & ~0xfff) >>> 0;
          break;
        case REGISTER.ASQ + 4:
          s.asqHigh = value;
          break;
        case REGISTER.ACQ:
          s.acqLow = (value & ~0xfff) >>> 0;
          break;
        case REGISTER.ACQ + 4:
          s.acqHigh = value;
          break;
        default:
          if (offset >= REGISTER.DOORBELLS) ring((offset - REGISTER.DOORBELLS) / 4, value & 0xffff);
      }
    }
    /** §3.1.12, §3.1.13: a submission queue's tail, a completion queue's head. */
    function ring(doorbell: number, value: number): void {
      const n = doorbell >> 1;
      const queue = n < QUEUES ? (doorbell & 1 ? s.cqs : s.sqs)[n] : undefined;
      if (queue === undefined || queue.size === 0 || value >= queue.size) {
        log('guest_errors', `nvme: doorbell ${doorbell} of no queue, or ${value} is beyond its end`);
        return;
      }
      if (doorbell & 1) queue.head = value;
      else queue.tail = value;
      updateInterrupt();
      takeAll();
    }
    const registers = ioRegion(
      'nvme',
      MEMORY_BYTES,
      {
        read: (offset) => read(offset & ~3) >>> (8 * (offset & 3)),
        write(offset, value) {
          if ((offset & 3) === 0) write(offset, value);
        },
      },
      { impl: { min: 1, max: 4 } },
    );

    const pci = new PciFunction(s.config, {
      vendorId: ids.vendor,
      deviceId: ids.device,
      revision: 2,
      classCode: 0x010802,
      interruptPin: 1,
      bars: [{ index: 0, kind: 'memory64', region: registers }],
    });
    return {
      regions: { registers },
      pci,
      firmware: { boot: [{ index: props.bootindex, suffix: '/namespace@1,0' }] },
      reset() {
        pci.reset();
        drive.forget();
      },
      sync() {
        pci.sync();
        updateInterrupt();
      },
    };
  },
});
