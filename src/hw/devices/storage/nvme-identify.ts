/** Data structures that IDENTIFY and GET LOG PAGE return (NVM Express 1.2 §5.10.1 and §5.11). */
import { ASYNC_EVENTS, MDTS, VERSION } from './nvme-state.ts';

export interface NvmeFacts {
  readonly vendorId: number;
  readonly serial: string;
  readonly model: string;
  readonly sectorCount: number;
}

export const PAGE_BYTES = 4096;
const FIRMWARE = '1.0';

const text = (bytes: Uint8Array, at: number, length: number, value: string): void => {
  for (let i = 0; i < length; i++) bytes[at + i] = i < value.length ? value.charCodeAt(i) & 0xff : 0x20;
};

export function identifyController({ vendorId, serial, model }: NvmeFacts): Uint8Array {
  const bytes = new Uint8Array(PAGE_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, vendorId, true);
  view.setUint16(2, 0x1af4, true);
  text(bytes, 4, 20, serial);
  text(bytes, 24, 40, model);
  text(bytes, 64, 8, FIRMWARE);
  bytes[72] = 6; // recommended arbitration burst
  bytes.set([0x00, 0x54, 0x52], 73); // QEMU's organization
  bytes[77] = MDTS;
  view.setUint32(80, VERSION, true);
  bytes[258] = 3; // commands to abort at once
  bytes[259] = ASYNC_EVENTS - 1;
  bytes[260] = 0x03; // one firmware slot, read-only
  view.setUint16(266, 343, true); // kelvins: warning, critical
  view.setUint16(268, 373, true);
  bytes[512] = 0x66; // submission queue entries of 64 bytes,
  bytes[513] = 0x44; // completion queue entries of 16
  view.setUint32(516, 1, true); // namespaces
  view.setUint16(520, 0x0c, true); // DATASET MANAGEMENT, WRITE ZEROES
  bytes[525] = 1; // a volatile write cache
  view.setUint16(2048, 0x9c4, true); // 25 W
  view.setUint32(2052, 0x10, true);
  view.setUint32(2056, 0x04, true);
  return bytes;
}

export function identifyNamespace({ sectorCount }: NvmeFacts): Uint8Array {
  const bytes = new Uint8Array(PAGE_BYTES);
  const view = new DataView(bytes.buffer);
  for (const at of [0, 8, 16]) view.setBigUint64(at, BigInt(sectorCount), true); // size, capacity, use
  view.setUint32(128, 9 << 16, true); // format 0: sectors of 512 bytes
  return bytes;
}

/** The active namespaces above `nsid`: there is only number 1. */
export function namespaceList(nsid: number): Uint8Array {
  const bytes = new Uint8Array(PAGE_BYTES);
  if (nsid < 1) bytes[0] = 1;
  return bytes;
}

const LOG = { ERRORS: 0x01, HEALTH: 0x02, FIRMWARE: 0x03 } as const;

/** A log page; undefined: there is no such page. */
export function logPage(id: number): Uint8Array | undefined {
  const bytes = new Uint8Array(512);
  switch (id) {
    case LOG.ERRORS:
      return bytes;
    case LOG.HEALTH:
      bytes.set([0, 323 & 0xff, 323 >> 8, 100, 10]); // 50 °C, all spare blocks left
      return bytes;
    case LOG.FIRMWARE:
      bytes[0] = 1;
      text(bytes, 8, 8, FIRMWARE);
      return bytes;
    default:
      return undefined;
  }
}
