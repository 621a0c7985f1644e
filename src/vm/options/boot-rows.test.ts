import { describe, expect, test } from 'vitest';
import { testCatalogue } from './catalogue.fixture.ts';
import { parseCommandLine } from './parse.ts';

function machine(...args: string[]) {
  const parsed = parseCommandLine(args, testCatalogue);
  if (parsed.kind !== 'machine') throw new Error('no machine');
  return parsed.options;
}

describe('options for the firmware', () => {
  test('-boot takes letters, or keys', () => {
    expect(machine().boot.order).toBe('cad');
    expect(machine('-boot', 'dc').boot.order).toBe('dc');
    const text = 'order=c,once=d,menu=on,splash-time=1000,reboot-timeout=500,strict=on';
    expect(machine('-no-fd-bootchk', '-boot', text).boot).toEqual({
      order: 'c',
      once: 'd',
      menu: true,
      splashMs: 1000,
      rebootTimeoutMs: 500,
      strict: true,
      checkFloppySignature: false,
    });
  });

  test('-fw_cfg takes a string or a file', () => {
    expect(machine('-fw_cfg', 'opt/a,string=x,,y', '-fw_cfg', 'name=opt/b,file=f').fwCfg).toEqual([
      { name: 'opt/a', string: 'x,y' },
      { name: 'opt/b', file: 'f' },
    ]);
  });

  test('-smbios takes the fields of a type', () => {
    expect(machine('-smbios', 'type=1,serial=7', '-smbios', 'type=11,value=a,value=b').smbios).toEqual([
      { type: 1, fields: { serial: '7' }, values: [] },
      { type: 11, fields: {}, values: ['a', 'b'] },
    ]);
  });

  test('-option-rom names a file and its place in the boot order', () => {
    expect(machine('-option-rom', 'a.rom,bootindex=3').optionRoms).toEqual([{ file: 'a.rom', bootIndex: 3 }]);
  });

  test.each([
    [['-boot', 'z'], "Invalid boot device 'z'"],
    [['-boot', 'cc'], "Boot device 'c' was given twice"],
    [['-boot', 'splash-time=70000'], "Parameter 'splash-time' expects uint16_t"],
    [['-boot', 'reboot-timeout=-2'], 'reboot timeout is invalid, valid range is -1 to 65535'],
    [['-fw_cfg', 'name=opt/a'], 'invalid argument(s)'],
    [['-fw_cfg', `name=${'x'.repeat(56)},string=`], 'name too long (max. 55 char)'],
    [['-fw_cfg', 'opt/a,string=', '-fw_cfg', 'opt/a,string='], 'duplicate fw_cfg file name: opt/a'],
    [['-smbios', 'serial=7'], "Parameter 'type' is missing"],
    [['-smbios', 'type=32'], "Don't know how to build fields for SMBIOS type 32"],
    [['-smbios', 'type=3,product=x'], "Invalid parameter 'product'"],
    [['-smbios', 'type=1,uuid=x'], 'Invalid UUID'],
  ])('%s is refused', (args, message) => {
    expect(() => machine(...args)).toThrow(message);
  });
});
