/** NVM Express 1.2: registers, opcodes, status codes, and the controller's state. § names: revision 1.2 of 3 November 2014. */
import {
  array,
  below,
  bool,
  bytes,
  i64,
  ranged,
  type StateOf,
  struct,
  u8,
  u16,
  u32,
  vmstate,
} from '../../core/state.ts';
import { CONFIG_BYTES } from '../pci/config.ts';

export const SECTOR_BYTES = 512;
/** The admin queue pair and 64 pairs for I/O. */
export const QUEUES = 65;
export const MAX_ENTRIES = 2048;
/** Commands that wait for the disk at once. */
export const IN_FLIGHT = 64;
/** A command moves at most 2 to this power pages of the smallest size: 512 KiB. */
export const MDTS = 7;
export const MAX_TRANSFER_BYTES = 4096 << MDTS;
export const ASYNC_EVENTS = 4;

/** §3.1. */
export const REGISTER = {
  CAP: 0x00,
  VS: 0x08,
  INTMS: 0x0c,
  INTMC: 0x10,
  CC: 0x14,
  CSTS: 0x1c,
  AQA: 0x24,
  ASQ: 0x28,
  ACQ: 0x30,
  END: 0x40,
  DOORBELLS: 0x1000,
} as const;
/** Contiguous queues, 7.5 s to get ready, the NVM command set, pages of 4 to 64 KiB. */
export const CAP_LOW = (MAX_ENTRIES - 1) | (1 << 16) | (0x0f << 24);
export const CAP_HIGH = (1 << 5) | (4 << 20);
export const VERSION = 0x0001_0200;
export const CC = { ENABLE: 1, SHUTDOWN: 0xc000 } as const;
export const CSTS = { READY: 1, FATAL: 2, SHUTTING_DOWN: 4, SHUT_DOWN: 8 } as const;

/** §5, and §6 of the NVM command set. */
export const ADMIN = {
  DELETE_SQ: 0x00,
  CREATE_SQ: 0x01,
  GET_LOG_PAGE: 0x02,
  DELETE_CQ: 0x04,
  CREATE_CQ: 0x05,
  IDENTIFY: 0x06,
  ABORT: 0x08,
  SET_FEATURES: 0x09,
  GET_FEATURES: 0x0a,
  ASYNC_EVENT: 0x0c,
} as const;
export const IO = { FLUSH: 0x00, WRITE: 0x01, READ: 0x02, WRITE_ZEROES: 0x08, DATASET: 0x09 } as const;

/** §4.6.1.2; do not retry is part of those that would fail again. */
const DNR = 0x4000;
export const STATUS = {
  SUCCESS: 0,
  INVALID_OPCODE: 0x01 | DNR,
  INVALID_FIELD: 0x02 | DNR,
  INTERNAL: 0x06,
  ABORTED_SQ_DELETED: 0x08,
  INVALID_NAMESPACE: 0x0b | DNR,
  INVALID_PRP_OFFSET: 0x13 | DNR,
  LBA_RANGE: 0x80 | DNR,
  CAPACITY: 0x81 | DNR,
  INVALID_CQ: 0x100 | DNR,
  INVALID_QUEUE: 0x101 | DNR,
  QUEUE_SIZE: 0x102 | DNR,
  ASYNC_LIMIT: 0x105,
  INVALID_VECTOR: 0x108 | DNR,
  INVALID_DELETION: 0x10c,
  NOT_SAVEABLE: 0x10d | DNR,
  WRITE_FAULT: 0x280,
  READ_ERROR: 0x281,
} as const;

/** What a command in flight waits for. */
export const STEP = { FREE: 0, READ: 1, WRITE: 2, FLUSH: 3, ZEROES: 4, DISCARD: 5, SHUTDOWN: 6 } as const;

const address = ranged(i64(), 0, Number.MAX_SAFE_INTEGER);
const submissionQueue = struct({
  base: address,
  size: ranged(u16(), 0, MAX_ENTRIES),
  head: u16(),
  tail: u16(),
  cq: below(QUEUES),
});
const completionQueue = struct({
  base: address,
  /** 0: there is no such queue. */
  size: ranged(u16(), 0, MAX_ENTRIES),
  head: u16(),
  tail: u16(),
  phase: bool(true),
  interrupts: bool(),
});
const inFlight = struct({
  step: below(7),
  request: u32(),
  sq: below(QUEUES),
  cid: u16(),
  prp1: address,
  prp2: address,
  length: ranged(u32(), 0, MAX_TRANSFER_BYTES),
  /** A write that must be safe when it ends. */
  forced: bool(),
  /** The next range of DATASET MANAGEMENT, and how many there are. */
  range: u16(),
  ranges: u16(),
});

export const controllerState = vmstate('nvme', 1, {
  config: bytes(CONFIG_BYTES),
  interruptMask: u32(),
  cc: u32(),
  csts: u32(),
  aqa: u32(),
  asqLow: u32(),
  asqHigh: u32(),
  acqLow: u32(),
  acqHigh: u32(),
  sqs: array(QUEUES, submissionQueue),
  cqs: array(QUEUES, completionQueue),
  flights: array(IN_FLIGHT, inFlight),
  /** Identifiers of ASYNC EVENT REQUESTs that wait; nothing ever happens that they would tell. */
  asyncEvents: ranged(u8(), 0, ASYNC_EVENTS),
  writeCache: bool(true),
  /** Values of the other features, by number. */
  features: array(16, u32()),
});
export type NvmeState = StateOf<(typeof controllerState)['fields']>;
export type Flight = NvmeState['flights'][number];

/** A submission queue entry, §4.2. */
export interface Command {
  readonly opcode: number;
  readonly cid: number;
  readonly nsid: number;
  readonly prp1: number;
  readonly prp2: number;
  /** Dwords 10 to 15. */
  readonly dwords: readonly number[];
}
