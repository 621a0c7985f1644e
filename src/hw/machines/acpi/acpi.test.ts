import { describe, expect, it } from 'vitest';
import { pc } from '../pc.ts';
import {
  ACCESS,
  and,
  arg,
  buffer,
  createDwordField,
  device,
  eisaId,
  either,
  field,
  integer,
  isEqual,
  isGreater,
  isNotEqual,
  local,
  method,
  name,
  namePath,
  or,
  otherwise,
  packageOf,
  processor,
  region,
  returns,
  SPACE,
  scope,
  serializedMethod,
  shiftRight,
  store,
  string,
  uuid,
  when,
} from './aml.ts';
import { acpiFiles } from './loader-script.ts';
import { type AcpiBoard, pcAcpiTables } from './pc-acpi.ts';
import {
  dmaChannel,
  fixedMemory,
  INTERRUPT_NUMBERS_AT,
  ioPorts,
  irqLine,
  portWindow,
  resourceTemplate,
  sharedInterrupts,
} from './resources.ts';
import { linkTables } from './tables.ts';

/** The definition block of the first test, compiled by iasl, without its header. */
const IASL = [
  '104f0a5c5f53425f5b824a0450434930085f4849440c41d00a03085f4144520c45230100085f43525311200a1d470170',
  '0070000102220001880d00010c030000000dffff000000f37900085354525f0d61626300085c2f035f53425f50434930',
  '4255465f114b040a47787878787878787878787878787878787878787878787878787878787878787878787878787878',
  '7878787878787878787878787878787878787878787878787878787878787800085c5f53355f12090400010a020b3412',
].join('');

/** That of the second. */
const IASL_METHODS = [
  '5b8050495251020a600a205b811550495251015052514108001800400450525145085b830b4330303000000000000014',
  '174951535401a0097b0a806800a40a09a104706861a400144e075858585f0a085052523011210a1e890a000902050000',
  '000a0000002a0400860900000000d0fe0004000079008a505252300a05505252497068505252497d505252490a04607a',
  '600a1060a00a92936869a450525230a0119193680094690c00e1f505a450525141a411130a105b4ddb33f71f1c409657',
  '7441c03dd766',
].join('');

describe('AML', () => {
  it('is encoded as iasl 20200925 encodes it', () => {
    const terms = [
      ...scope(
        '\\_SB',
        device(
          'PCI0',
          name('_HID', eisaId('PNP0A03')),
          name('_ADR', integer(0x12345)),
          name('_CRS', resourceTemplate(ioPorts(0x70, 2), irqLine(8), portWindow(0xd00, 0xffff))),
          name('STR', string('abc')),
        ),
        name('\\_SB.PCI0.BUF', buffer([...new Array(70).fill(0x78), 0])),
      ),
      ...name('\\_S5', packageOf(integer(0), integer(1), integer(2), integer(0x1234))),
    ];
    expect(Buffer.from(terms).toString('hex')).toBe(IASL);
  });

  it('has methods, regions and fields as iasl encodes them', () => {
    const [status, port] = [namePath('PRRI'), namePath('PRQA')];
    const terms = [
      ...region('PIRQ', SPACE.pciConfig, 0x60, 0x20),
      ...field('PIRQ', ACCESS.byte, [{ name: 'PRQA', bits: 8 }, { bits: 24 }, { bits: 64 }, { name: 'PRQE', bits: 8 }]),
      ...processor('C000', 0),
      ...method(
        'IQST',
        1,
        when(and(integer(0x80), arg(0)), returns(integer(9))),
        otherwise(store(arg(0), local(1))),
        returns(integer(0)),
      ),
      ...serializedMethod(
        'XXX',
        2,
        name('PRR0', resourceTemplate(sharedInterrupts(5, 10), dmaChannel(2), fixedMemory(0xfed00000, 0x400, false))),
        createDwordField(namePath('PRR0'), INTERRUPT_NUMBERS_AT, 'PRRI'),
        store(arg(0), status),
        or(status, integer(4), local(0)),
        shiftRight(local(0), integer(16), local(0)),
        when(isNotEqual(arg(0), arg(1)), returns(namePath('PRR0'))),
        when(either(isEqual(arg(0), integer(0)), isGreater(arg(1), integer(0x05f5e100))), returns(port)),
        returns(uuid('33db4d5b-1ff7-401c-9657-7441c03dd766')),
      ),
    ];
    expect(Buffer.from(terms).toString('hex')).toBe(IASL_METHODS);
  });

  it('refuses names that ACPI does not allow', () => {
    expect(() => name('lower', integer(0))).toThrow(/^BUG: AML name lower/);
  });
});

describe('ACPI tables of a PC', () => {
  const AT = 0xf0000;
  const block = pcAcpiTables({
    board: pc.acpi as AcpiBoard,
    lowRamBytes: 0x400_0000,
    apic: false,
    hpet: true,
    canSuspend: true,
    isaDevices: [],
  });
  const bytes = linkTables(block, AT);
  const view = new DataView(bytes.buffer);
  const u32 = (gpa: number): number => view.getUint32(gpa - AT, true);
  const text = (gpa: number, length: number): string =>
    String.fromCharCode(...bytes.subarray(gpa - AT, gpa - AT + length));
  const sum = (gpa: number, length: number): number =>
    bytes.subarray(gpa - AT, gpa - AT + length).reduce((a, b) => (a + b) & 0xff, 0);

  it('are found from the root pointer, each with its signature and checksum', () => {
    expect(text(AT, 8)).toBe('RSD PTR ');
    expect(sum(AT, 20)).toBe(0);
    const rsdt = u32(AT + 16);
    const fadt = u32(rsdt + 36);
    const [facs, dsdt] = [u32(fadt + 36), u32(fadt + 40)];
    expect([rsdt, fadt, dsdt].map((at) => text(at, 4))).toEqual(['RSDT', 'FACP', 'DSDT']);
    expect([rsdt, fadt, dsdt].map((at) => sum(at, u32(at + 4)))).toEqual([0, 0, 0]);
    expect([text(facs, 4), u32(facs + 4), facs % 64]).toEqual(['FACS', 64, 0]);
  });

  it('name the ports that power the machine off', () => {
    const fadt = u32(u32(AT + 16) + 36);
    expect(u32(fadt + 4)).toBe(116);
    expect([u32(fadt + 48), u32(fadt + 56), u32(fadt + 64), u32(fadt + 76)]).toEqual([0xb2, 0x600, 0x604, 0x608]);
    const dsdt = u32(fadt + 40);
    const s5 = text(dsdt, u32(dsdt + 4)).indexOf('\x08\\_S5_\x12\x06\x04\0\0\0\0');
    expect(s5).toBeGreaterThan(0);
  });

  it('go to firmware as a block, with a script that links them', () => {
    const files = acpiFiles(block);
    const script = files['etc/table-loader']?.bytes as Uint8Array;
    const tables = Uint8Array.from(files['etc/acpi/tables']?.bytes as Uint8Array);
    const rsdp = Uint8Array.from(files['etc/acpi/rsdp']?.bytes as Uint8Array);
    expect(tables).toHaveLength(0x20000); // as QEMU's: the firmware's memory map depends on it
    link(script, { 'etc/acpi/tables': { at: AT + 64, bytes: tables }, 'etc/acpi/rsdp': { at: AT, bytes: rsdp } });
    expect(tables.subarray(0, bytes.length - 64)).toEqual(bytes.subarray(64));
    expect(rsdp).toEqual(bytes.subarray(0, 20));
  });
});

/** Does what firmware does with the script, with files that are in memory already. */
function link(script: Uint8Array, files: Record<string, { readonly at: number; readonly bytes: Uint8Array }>): void {
  const view = new DataView(script.buffer);
  for (let entry = 0; view.getUint32(entry, true) !== 0; entry += 128) {
    const name = (at: number) =>
      String.fromCharCode(...script.subarray(entry + at, entry + at + 56)).replace(/\0+$/, '');
    const u32 = (at: number) => view.getUint32(entry + at, true);
    const file = files[name(4)];
    if (file === undefined) throw new Error(`no file ${name(4)}`);
    const target = new DataView(file.bytes.buffer);
    switch (u32(0)) {
      case 1:
        expect(file.at % u32(60)).toBe(0);
        break;
      case 2:
        target.setUint32(u32(116), target.getUint32(u32(116), true) + (files[name(60)]?.at ?? 0), true);
        break;
      case 3: {
        const part = file.bytes.subarray(u32(64), u32(64) + u32(68));
        target.setUint8(u32(60), -part.reduce((sum, byte) => sum + byte, 0));
        break;
      }
    }
  }
}
