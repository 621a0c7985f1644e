/** What a SCSI target answers for logical units that it does not have, and about those it has: SPC-4 §6.33 and §5.6. */
import { be32, bigEndian, type ScsiCommand, SENSE, senseBytes } from './scsi.ts';

const OP = { REQUEST_SENSE: 0x03, INQUIRY: 0x12, REPORT_LUNS: 0xa0 } as const;
const REPORT_WELL_KNOWN = 1;

export const isReportLuns = (cdb: Uint8Array): boolean => cdb[0] === OP.REPORT_LUNS;

export function reportLuns({ cdb, end }: ScsiCommand, luns: readonly number[]): void {
  const room = be32(cdb, 6);
  if (room < 16 || (cdb[2] ?? 0) > 2) {
    end({ sense: SENSE.INVALID_FIELD });
    return;
  }
  const listed = cdb[2] === REPORT_WELL_KNOWN ? [] : luns.includes(0) ? luns : [0, ...luns];
  const entries = listed.flatMap((lun) => [lun < 256 ? 0 : 0x40 | (lun >> 8), lun & 0xff, 0, 0, 0, 0, 0, 0]);
  end({ data: Uint8Array.from([...bigEndian([entries.length, 4], [0, 4]), ...entries]).subarray(0, room) });
}

/** A unit that is not there, of a target that is. */
export function absentUnit({ cdb, end }: ScsiCommand): void {
  if (cdb[0] === OP.INQUIRY) {
    if ((cdb[1] ?? 0) & 1) {
      end({ sense: SENSE.INVALID_FIELD });
      return;
    }
    const data = new Uint8Array(36);
    data.set([0x7f, 0, 5, 0x12, 31]); // no unit can be here
    end({ data: data.subarray(0, (((cdb[3] ?? 0) << 8) | (cdb[4] ?? 0)) >>> 0) });
  } else if (cdb[0] === OP.REQUEST_SENSE) {
    end({ data: senseBytes(SENSE.LUN_NOT_SUPPORTED).subarray(0, cdb[4] ?? 0) });
  } else {
    end({ sense: SENSE.LUN_NOT_SUPPORTED });
  }
}
