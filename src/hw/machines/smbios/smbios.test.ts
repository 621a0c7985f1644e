import { describe, expect, it } from 'vitest';
import { VmError } from '../../../util/errors.ts';
import { type SmbiosOptions, smbiosFiles } from './smbios.ts';

const MiB = 2 ** 20;
/** qemu-system-i386 7.2 -M pc-i440fx-2.8 -m 64, read from fw_cfg through -qtest. */
const QEMU_TABLES = [
  '011b0001010203000000000000000000000000000000000006000051454d55005374616e646172642050432028693434',
  '304658202b20504949582c2031393936290070632d6934343066782d322e380000031600030101020000030303020000',
  '0000000000000051454d550070632d6934343066782d322e380000042a00040103010263060000fdab810703000000d0',
  '07d0074101ffffffffffff0000000101010200010043505520300051454d550070632d6934343066782d322e38000010',
  '17001001030600000100feff010000000000000000000000112800110010feffffffffff400009000100070200000002',
  '0000000000000000000000000000000044494d4d20300051454d550000131f001300000000ffff000000100100000000',
  '0000000000000000000000000000200b00200000000000000000007f04007f0000',
].join('');
const QEMU_ANCHOR = '5f534d5f001f020851000000000000005f444d495f00410100000000080028';

const options: SmbiosOptions = {
  product: 'Standard PC (i440FX + PIIX, 1996)',
  version: 'pc-i440fx-2.8',
  uuid: new Uint8Array(16),
  processor: { signature: 0x663, features: 0x0781abfd },
  lowRamBytes: 64 * MiB,
  highRamBytes: 0,
  user: [],
};
const tables = (change: Partial<SmbiosOptions>): string =>
  Buffer.from(smbiosFiles({ ...options, ...change })['etc/smbios/smbios-tables']?.bytes ?? []).toString('latin1');

describe('SMBIOS', () => {
  it('has the structures and the entry point of QEMU', () => {
    const files = smbiosFiles(options);
    const hex = (name: string): string => Buffer.from(files[name]?.bytes ?? []).toString('hex');
    expect(hex('etc/smbios/smbios-tables')).toBe(QEMU_TABLES);
    expect(hex('etc/smbios/smbios-anchor')).toBe(QEMU_ANCHOR);
  });

  it("takes the user's texts, and a UUID in its mixed byte order", () => {
    const uuid = '01020304-0506-0708-090a-0b0c0d0e0f10';
    const text = tables({
      user: [
        { type: 0, fields: { vendor: 'ACME', release: '3.7', uefi: 'on' } },
        { type: 1, fields: { serial: 'S1', uuid } },
        { type: 11, fields: {}, values: ['one', 'two'] },
      ],
    });
    expect(text.startsWith('\0\x18\0\0\x01\0\0\xe8')).toBe(true);
    expect(text).toContain('\x1c\x03\x07\xff\xffACME\0\0');
    expect(text).toContain('\x04\x03\x02\x01\x06\x05\x08\x07\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10');
    expect(text).toContain('S1\0');
    expect(text).toContain('\x0b\x05\0\x0e\x02one\0two\0\0');
  });

  it('shows memory above 4 GiB as a range of its own', () => {
    const [low, high] = [tables({}), tables({ highRamBytes: 512 * MiB })];
    expect(high.length - low.length).toBe(31 + 2);
  });

  it('refuses tables that the entry point cannot describe', () => {
    const values = [' '.repeat(70_000)];
    expect(() => tables({ user: [{ type: 11, fields: {}, values }] })).toThrow(VmError);
  });
});
