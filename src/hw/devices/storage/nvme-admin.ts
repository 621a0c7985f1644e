/** Admin commands of the NVMe controller (NVM Express 1.2 §5); all of them end at once. */
import { identifyController, identifyNamespace, logPage, type NvmeFacts, namespaceList } from './nvme-identify.ts';
import type { PrpMemory } from './nvme-prp.ts';
import { ADMIN, ASYNC_EVENTS, type Command, MAX_ENTRIES, type NvmeState, QUEUES, STATUS } from './nvme-state.ts';

/** How a command ended; undefined: it waits. */
export interface Ending {
  readonly status: number;
  /** Dword 0 of the completion. */
  readonly result?: number;
}

const FEATURE = {
  ARBITRATION: 0x01,
  POWER: 0x02,
  TEMPERATURE: 0x04,
  ERROR_RECOVERY: 0x05,
  WRITE_CACHE: 0x06,
  QUEUE_COUNT: 0x07,
  COALESCING: 0x08,
  VECTOR: 0x09,
  ATOMICITY: 0x0a,
  ASYNC_EVENTS: 0x0b,
} as const;
const KNOWN_FEATURES: ReadonlySet<number> = new Set(Object.values(FEATURE));
const SAVE = 0x8000_0000;
/** How many queues of each kind, zero-based, in both halves. */
const QUEUE_COUNT = ((QUEUES - 2) << 16) | (QUEUES - 2);

export interface AdminWiring {
  readonly s: NvmeState;
  readonly facts: NvmeFacts;
  memory(): PrpMemory;
  /** Ends what is under way for a submission queue that goes away. */
  abandon(sq: number): void;
}

export function createAdmin({ s, facts, memory, abandon }: AdminWiring): (command: Command) => Ending | undefined {
  const isPageAligned = (address: number): boolean => address % (4096 << ((s.cc >> 7) & 0x0f)) === 0;

  function createCq({ dwords: [d10 = 0, d11 = 0], prp1 }: Command): number {
    const [id, entries] = [d10 & 0xffff, (d10 >>> 16) + 1];
    if (id === 0 || id >= QUEUES || s.cqs[id]?.size !== 0) return STATUS.INVALID_QUEUE;
    if (entries < 2 || entries > MAX_ENTRIES) return STATUS.QUEUE_SIZE;
    if (!isPageAligned(prp1)) return STATUS.INVALID_PRP_OFFSET;
    if (d11 >>> 16 !== 0) return STATUS.INVALID_VECTOR;
    if (!(d11 & 1)) return STATUS.INVALID_FIELD; // must be contiguous
    const interrupts = (d11 & 2) !== 0;
    Object.assign(s.cqs[id] as object, { base: prp1, size: entries, head: 0, tail: 0, phase: true, interrupts });
    return STATUS.SUCCESS;
  }
  function createSq({ dwords: [d10 = 0, d11 = 0], prp1 }: Command): number {
    const [id, entries, cq] = [d10 & 0xffff, (d10 >>> 16) + 1, d11 >>> 16];
    if (cq === 0 || cq >= QUEUES || s.cqs[cq]?.size === 0) return STATUS.INVALID_CQ;
    if (id === 0 || id >= QUEUES || s.sqs[id]?.size !== 0) return STATUS.INVALID_QUEUE;
    if (entries < 2 || entries > MAX_ENTRIES) return STATUS.QUEUE_SIZE;
    if (!isPageAligned(prp1)) return STATUS.INVALID_PRP_OFFSET;
    if (!(d11 & 1)) return STATUS.INVALID_FIELD;
    Object.assign(s.sqs[id] as object, { base: prp1, size: entries, head: 0, tail: 0, cq });
    return STATUS.SUCCESS;
  }
  function deleteSq(id: number): number {
    const queue = s.sqs[id];
    if (id === 0 || queue === undefined || queue.size === 0) return STATUS.INVALID_QUEUE;
    abandon(id);
    Object.assign(queue, { base: 0, size: 0, head: 0, tail: 0, cq: 0 });
    return STATUS.SUCCESS;
  }
  function deleteCq(id: number): number {
    const queue = s.cqs[id];
    if (id === 0 || queue === undefined || queue.size === 0) return STATUS.INVALID_CQ; // as QEMU
    if (s.sqs.some(({ size, cq }) => size > 0 && cq === id)) return STATUS.INVALID_DELETION;
    Object.assign(queue, { base: 0, size: 0, head: 0, tail: 0, phase: true, interrupts: false });
    return STATUS.SUCCESS;
  }

  function identify({ nsid, prp1, prp2, dwords: [d10 = 0] }: Command): number {
    switch (d10 & 0xff) {
      case 0x00:
        return nsid === 1 ? memory().write(prp1, prp2, identifyNamespace(facts)) : STATUS.INVALID_NAMESPACE;
      case 0x01:
        return memory().write(prp1, prp2, identifyController(facts));
      case 0x02:
        return nsid < 0xffff_fffe ? memory().write(prp1, prp2, namespaceList(nsid)) : STATUS.INVALID_NAMESPACE;
      default:
        return STATUS.INVALID_FIELD;
    }
  }
  function getLog({ prp1, prp2, dwords: [d10 = 0] }: Command): number {
    const page = logPage(d10 & 0xff);
    if (page === undefined) return STATUS.INVALID_FIELD;
    return memory().write(prp1, prp2, page.subarray(0, (((d10 >>> 16) & 0xfff) + 1) * 4));
  }

  function getFeature(id: number): Ending {
    if (!KNOWN_FEATURES.has(id)) return { status: STATUS.INVALID_FIELD };
    if (id === FEATURE.WRITE_CACHE) return { status: STATUS.SUCCESS, result: s.writeCache ? 1 : 0 };
    if (id === FEATURE.QUEUE_COUNT) return { status: STATUS.SUCCESS, result: QUEUE_COUNT };
    return { status: STATUS.SUCCESS, result: s.features[id] ?? 0 };
  }
  function setFeature(d10: number, value: number): Ending {
    const id = d10 & 0xff;
    if (!KNOWN_FEATURES.has(id)) return { status: STATUS.INVALID_FIELD };
    if (d10 & SAVE) return { status: STATUS.NOT_SAVEABLE };
    if (id === FEATURE.WRITE_CACHE) s.writeCache = (value & 1) !== 0;
    else if (id === FEATURE.QUEUE_COUNT) return getFeature(id);
    else s.features[id] = value;
    return { status: STATUS.SUCCESS };
  }

  return (command) => {
    const [d10 = 0, d11 = 0] = command.dwords;
    switch (command.opcode) {
      case ADMIN.CREATE_CQ:
        return { status: createCq(command) };
      case ADMIN.CREATE_SQ:
        return { status: createSq(command) };
      case ADMIN.DELETE_SQ:
        return { status: deleteSq(d10 & 0xffff) };
      case ADMIN.DELETE_CQ:
        return { status: deleteCq(d10 & 0xffff) };
      case ADMIN.IDENTIFY:
        return { status: identify(command) };
      case ADMIN.GET_LOG_PAGE:
        return { status: getLog(command) };
      case ADMIN.GET_FEATURES:
        return getFeature(d10 & 0xff);
      case ADMIN.SET_FEATURES:
        return setFeature(d10, d11);
      case ADMIN.ABORT:
        return { status: STATUS.SUCCESS, result: 1 }; // too late
      case ADMIN.ASYNC_EVENT:
        if (s.asyncEvents === ASYNC_EVENTS) return { status: STATUS.ASYNC_LIMIT };
        s.asyncEvents++;
        return undefined;
      default:
        return { status: STATUS.INVALID_OPCODE };
    }
  };
}
