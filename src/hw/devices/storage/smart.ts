/**
 * SMART feature set of a hard disk (ATA/ATAPI-6 §8.41): attributes and thresholds, the logs, self tests that always
 * pass. The attributes are those of QEMU's disk.
 */
import { bool, bytes, ranged, type StateOf, u8 } from '../../core/state.ts';

const MAX_SELF_TESTS = 21;
const SELF_TEST_BYTES = 24;

export const smartFields = {
  smartEnabled: bool(true),
  smartAutosave: bool(true),
  selfTestCount: ranged(u8(), 0, MAX_SELF_TESTS),
  selfTests: bytes(512),
};
type SmartState = StateOf<typeof smartFields>;

const SUBCOMMAND = {
  READ_DATA: 0xd0,
  READ_THRESHOLDS: 0xd1,
  ATTRIBUTE_AUTOSAVE: 0xd2,
  EXECUTE_OFFLINE: 0xd4,
  READ_LOG: 0xd5,
  ENABLE: 0xd8,
  DISABLE: 0xd9,
  RETURN_STATUS: 0xda,
} as const;

/** Identifier, flags (two bytes), value, worst, raw value (six bytes), threshold. */
const ATTRIBUTES: readonly (readonly number[])[] = [
  [0x01, 0x03, 0, 0x64, 0x64, 0, 0, 0, 0, 0, 0, 0x06], // raw read error rate
  [0x03, 0x03, 0, 0x64, 0x64, 0x10, 0, 0, 0, 0, 0, 0], // spin-up time
  [0x04, 0x02, 0, 0x64, 0x64, 0x64, 0, 0, 0, 0, 0, 0x14], // start and stop count
  [0x05, 0x03, 0, 0x64, 0x64, 0, 0, 0, 0, 0, 0, 0x24], // remapped sectors
  [0x09, 0x03, 0, 0x64, 0x64, 1, 0, 0, 0, 0, 0, 0], // power-on hours
  [0x0c, 0x03, 0, 0x64, 0x64, 0, 0, 0, 0, 0, 0, 0], // power cycles
  [0xbe, 0x03, 0, 0x45, 0x45, 0x1f, 0, 0x1f, 0x1f, 0, 0, 0x32], // airflow temperature
];
const ATTRIBUTE_BYTES = 12;

/** What a subcommand came to: refused, done, or 512 bytes of data in the buffer. */
export type SmartResult = 'refused' | 'done' | 'data';

export function smart(s: SmartState, subcommand: number, parameter: number, buffer: Uint8Array): SmartResult {
  if (!s.smartEnabled && subcommand !== SUBCOMMAND.ENABLE) return 'refused';
  const page = buffer.subarray(0, 512);
  switch (subcommand) {
    case SUBCOMMAND.ENABLE:
    case SUBCOMMAND.DISABLE:
      s.smartEnabled = subcommand === SUBCOMMAND.ENABLE;
      return 'done';
    case SUBCOMMAND.ATTRIBUTE_AUTOSAVE:
      if (parameter !== 0 && parameter !== 0xf1) return 'refused';
      s.smartAutosave = parameter !== 0;
      return 'done';
    case SUBCOMMAND.RETURN_STATUS:
      return 'done'; // the signature in the cylinder registers stays: nothing exceeds its threshold
    case SUBCOMMAND.EXECUTE_OFFLINE:
      return selfTest(s, parameter);
    case SUBCOMMAND.READ_DATA:
      putData(s, page);
      return 'data';
    case SUBCOMMAND.READ_THRESHOLDS:
      putThresholds(page);
      return 'data';
    case SUBCOMMAND.READ_LOG:
      return putLog(s, parameter, page);
    default:
      return 'refused';
  }
}

function selfTest(s: SmartState, kind: number): SmartResult {
  if (kind > 2) return 'refused';
  s.selfTestCount = (s.selfTestCount % MAX_SELF_TESTS) + 1;
  const at = 2 + (s.selfTestCount - 1) * SELF_TEST_BYTES;
  s.selfTests.set([kind, 0, 0x34, 0x12], at); // passed, at 4,660 hours
  return 'done';
}

function putData(s: SmartState, page: Uint8Array): void {
  page.fill(0);
  page[0] = 1; // structure version
  for (const [n, attribute] of ATTRIBUTES.entries()) page.set(attribute.slice(0, 11), 2 + n * ATTRIBUTE_BYTES);
  page[362] = 0x02 | (s.smartAutosave ? 0x80 : 0);
  page[363] = s.selfTestCount === 0 ? 0 : (s.selfTests[3 + (s.selfTestCount - 1) * SELF_TEST_BYTES] ?? 0);
  page.set([0x20, 0x01], 364); // seconds for the off-line collection
  page[367] = 0x19; // what it can do: execute, self-test
  page.set([0x03, 0x00, 0x01], 368); // saves attributes; error logging
  page.set([0x02, 0x36, 0x01], 372); // minutes of the self-tests
  putChecksum(page);
}

function putThresholds(page: Uint8Array): void {
  page.fill(0);
  page[0] = 1;
  for (const [n, attribute] of ATTRIBUTES.entries()) {
    page.set([attribute[0] ?? 0, attribute[11] ?? 0], 2 + n * ATTRIBUTE_BYTES);
  }
  putChecksum(page);
}

function putLog(s: SmartState, log: number, page: Uint8Array): SmartResult {
  if (log !== 1 && log !== 6) return 'refused';
  page.fill(0);
  page[0] = 1;
  if (log === 6 && s.selfTestCount > 0) {
    page.set(s.selfTests.subarray(2, 506), 2);
    page[508] = s.selfTestCount;
  }
  putChecksum(page);
  return 'data';
}

/** All 512 bytes add up to 0. */
function putChecksum(page: Uint8Array): void {
  page[511] = 0;
  page[511] = -page.reduce((sum, byte) => sum + byte, 0);
}
