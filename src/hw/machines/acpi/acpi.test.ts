import { describe, expect, it } from 'vitest';
import { buffer, device, eisaId, integer, name, packageOf, scope, string } from './aml.ts';
import { pcAcpiTables } from './pc-acpi.ts';
import { ioPorts, irqLine, portWindow, resourceTemplate } from './resources.ts';

/** The definition block of the first test, compiled by iasl, without its header. */
const IASL = [
  '104f0a5c5f53425f5b824a0450434930085f4849440c41d00a03085f4144520c45230100085f43525311200a1d470170',
  '0070000102220001880d00010c030000000dffff000000f37900085354525f0d61626300085c2f035f53425f50434930',
  '4255465f114b040a47787878787878787878787878787878787878787878787878787878787878787878787878787878',
  '7878787878787878787878787878787878787878787878787878787878787800085c5f53355f12090400010a020b3412',
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

  it('refuses names that ACPI does not allow', () => {
    expect(() => name('lower', integer(0))).toThrow(/^BUG: AML name lower/);
  });
});

describe('ACPI tables of a PC', () => {
  const AT = 0xf0000;
  const bytes = pcAcpiTables({
    at: AT,
    pmBase: 0x600,
    sciIrq: 9,
    acpiEnable: 0xf1,
    acpiDisable: 0xf0,
    pirqIrqs: [10, 10, 11, 11],
    pciHole: { first: 0xe000_0000, last: 0xfebf_ffff },
    serials: [{ port: 0x3f8, irq: 4 }],
  });
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
});
