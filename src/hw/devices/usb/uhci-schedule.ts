/**
 * What a UHCI does in a frame: it follows the links from the frame list through queue heads and transfer descriptors.
 * Document: Universal Host Controller Interface Design Guide, revision 1.1, chapter 3.
 */
import type { Dma } from '../../core/dma.ts';
import { ANSWER, PID, type UsbDevice } from './usb.ts';

/** §3.1 and §3.2.1: bits of link pointers. */
const LINK = { TERMINATE: 1, QUEUE: 2, DEPTH: 4, ADDRESS: 0xffff_fff0 } as const;
/** §3.2.2: control and status. */
const TD = {
  ACTUAL: 0x7ff,
  TIMEOUT: 1 << 18,
  NAK: 1 << 19,
  BABBLE: 1 << 20,
  STALLED: 1 << 22,
  ACTIVE: 1 << 23,
  COMPLETE: 1 << 24,
  ERRORS: 3 << 27,
  SHORT: 1 << 29,
} as const;
/** Bytes that go over a full-speed bus in a frame (QEMU's figure). */
const FRAME_BYTES = 1280;
/** A frame is over after so many links, whatever they are: a schedule may be a circle (QEMU's figure). */
const MAX_LINKS = 256;
const MAX_PACKET = 1280;

export interface FrameEnd {
  /** Transactions that moved something or ended in an error. */
  transfers: number;
  /** A descriptor that asks for an interrupt is done. */
  completed: boolean;
  short: boolean;
  failed: boolean;
  /** The schedule has what the document forbids: the controller stops. */
  inconsistent: boolean;
}

interface Descriptor {
  readonly at: number;
  readonly link: number;
  control: number;
  readonly token: number;
  readonly buffer: number;
}

/** What a transaction means for the queue it is in. */
type Outcome = 'advance' | 'stay';

export function runFrame(dma: Dma, frameAt: number, deviceAt: (address: number) => UsbDevice | undefined): FrameEnd {
  const end: FrameEnd = { transfers: 0, completed: false, short: false, failed: false, inconsistent: false };
  const seen = new Set<number>();
  let link = dma.readU32(frameAt);
  let queue: { readonly at: number; readonly next: number } | undefined;
  let sent = 0;
  let sentAtCircle = 0;
  for (let n = 0; n < MAX_LINKS && sent < FRAME_BYTES && !end.inconsistent; n++) {
    if (link & LINK.TERMINATE) break;
    const at = (link & LINK.ADDRESS) >>> 0;
    if (link & LINK.QUEUE) {
      // Bandwidth reclamation: the guest closes the queues to a circle. It ends once a round did nothing.
      if (seen.has(at)) {
        if (sent === sentAtCircle) break;
        sentAtCircle = sent;
        seen.clear();
      }
      seen.add(at);
      const next = dma.readU32(at);
      const element = dma.readU32(at + 4);
      if (element & LINK.TERMINATE) {
        queue = undefined;
        link = next;
      } else {
        queue = { at, next };
        link = element;
      }
      continue;
    }
    const td: Descriptor = {
      at,
      link: dma.readU32(at),
      control: dma.readU32(at + 4),
      token: dma.readU32(at + 8),
      buffer: dma.readU32(at + 12),
    };
    if ((td.control & TD.ACTIVE) === 0) {
      link = queue === undefined ? td.link : queue.next;
      queue = undefined;
      continue;
    }
    const before = td.control;
    const outcome = transact(td, dma, deviceAt, end);
    if (td.control !== before) dma.writeU32(at + 4, td.control >>> 0);
    if (outcome === 'advance') sent += Math.max(8, lengthOf(td.token));
    if (queue === undefined) {
      link = td.link;
    } else if (outcome === 'advance') {
      dma.writeU32(queue.at + 4, td.link);
      link = td.link & LINK.DEPTH && !(td.link & LINK.TERMINATE) ? td.link : queue.next;
      if (link === queue.next) queue = undefined;
    } else {
      link = queue.next;
      queue = undefined;
    }
  }
  return end;
}

const lengthOf = (token: number): number => ((token >>> 21) + 1) & 0x7ff;

function transact(
  td: Descriptor,
  dma: Dma,
  deviceAt: (address: number) => UsbDevice | undefined,
  end: FrameEnd,
): Outcome {
  const pid = td.token & 0xff;
  const length = lengthOf(td.token);
  if ((pid !== PID.IN && pid !== PID.OUT && pid !== PID.SETUP) || length > MAX_PACKET) {
    end.inconsistent = true;
    return 'stay';
  }
  const data = new Uint8Array(length);
  if (pid !== PID.IN) dma.read(td.buffer, data);
  const device = deviceAt((td.token >>> 8) & 0x7f);
  const answer = device?.transact(pid, (td.token >>> 15) & 0xf, data) ?? ANSWER.NO_DEVICE;
  if (answer === ANSWER.NAK) {
    td.control |= TD.NAK;
    return 'stay';
  }
  end.transfers++;
  if (answer < 0) return fail(td, answer, end);
  const count = pid === PID.IN ? answer : length;
  if (pid === PID.IN && answer > 0) dma.write(td.buffer, data.subarray(0, answer));
  td.control = (td.control & ~(TD.ACTUAL | TD.ACTIVE | TD.NAK)) | ((count - 1) & TD.ACTUAL);
  if (td.control & TD.COMPLETE) end.completed = true;
  if (pid === PID.IN && count < length && td.control & TD.SHORT) {
    end.short = true;
    return 'stay'; // the queue waits for the guest
  }
  return 'advance';
}

/** §3.2.2: the queue stays at a descriptor that failed. */
function fail(td: Descriptor, answer: number, end: FrameEnd): Outcome {
  td.control &= ~(TD.ACTIVE | TD.NAK);
  // As QEMU: nobody there is a time-out alone, though the counter of errors is at its end.
  if (answer === ANSWER.NO_DEVICE) td.control = (td.control & ~TD.ERRORS) | TD.TIMEOUT;
  else td.control |= TD.STALLED | (answer === ANSWER.BABBLE ? TD.BABBLE : 0);
  if (td.control & TD.COMPLETE) end.completed = true;
  end.failed = true;
  return 'stay';
}
