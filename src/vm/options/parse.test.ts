import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { VmError } from '../../util/errors.ts';
import { testCatalogue } from './catalogue.fixture.ts';
import type { MachineOptions } from './machine-options.ts';
import { parseCommandLine } from './parse.ts';

function machine(...args: string[]): MachineOptions {
  const parsed = parseCommandLine(args, testCatalogue);
  if (parsed.kind !== 'machine') throw new Error(`answered: ${parsed.text}`);
  return parsed.options;
}

function answer(...args: string[]): { text: string; exitCode: number } {
  const parsed = parseCommandLine(args, testCatalogue);
  if (parsed.kind !== 'answer') throw new Error('no answer');
  return parsed;
}

function refusal(args: readonly string[]): string {
  try {
    parseCommandLine(args, testCatalogue);
  } catch (error) {
    if (error instanceof VmError) return error.message;
    throw error;
  }
  return 'accepted';
}

describe('a command line that describes a machine', () => {
  test('an empty one is the default machine with 128 MiB, running, console on the page', () => {
    const options = machine();
    expect(options).toMatchObject({ machine: 'pc', ramBytes: 128 << 20, startPaused: false, onReboot: 'reset' });
    expect(options.serial).toEqual([{ kind: 'vc' }]);
    expect(options.accel).toEqual({ name: 'tcg', tbSizeMiB: undefined, engine: 'jit' });
    expect(options.icount).toBeUndefined();
  });

  test.each<[string[], Partial<MachineOptions>]>([
    [['-M', 'isapc'], { machine: 'isapc' }],
    [['--machine', 'type=isapc,accel=tcg'], { machine: 'isapc' }],
    [['-M', 'board'], { machine: 'pc' }],
    [['-cpu', '486'], { cpu: '486' }],
    [['-m', '40'], { ramBytes: 40 << 20 }],
    [['-m', 'size=256M'], { ramBytes: 256 << 20 }],
    [['-m', '1.5G'], { ramBytes: 1.5 * 2 ** 30 }],
    [['-m', '0x10'], { ramBytes: 16 << 20 }],
    [['-m', '2048k'], { ramBytes: 2 << 20 }],
    [['-m', '0'], { ramBytes: 128 << 20 }],
    [['-m', '1048577b'], { ramBytes: (1 << 20) + 8192 }],
    [['-m', '64', '-m', '32'], { ramBytes: 32 << 20 }],
    [['-kernel', 'a', '-initrd', 'b', '-append', 'x=1,2 y'], { kernel: 'a', initrd: 'b', append: 'x=1,2 y' }],
    [['-M', 'pc,kernel=a,,b'], { kernel: 'a,b' }],
    [['-no-reboot', '-no-shutdown', '-S'], { onReboot: 'shutdown', onShutdown: 'pause', startPaused: true }],
    [['-rtc', 'base=localtime,clock=vm'], { rtc: { base: 'localtime', clock: 'vm' } }],
    [['-rtc', 'clock=vm', '-rtc', 'base=utc'], { rtc: { base: 'utc', clock: 'vm' } }],
    [['-rtc', 'base=2006-06-17T16:01:21'], { rtc: { base: { epochSeconds: 1150560081 }, clock: 'host' } }],
    [['-rtc', 'base=2006-06-17'], { rtc: { base: { epochSeconds: 1150502400 }, clock: 'host' } }],
    [['-icount', '3'], { icount: { shift: 3, sleep: true } }],
    [['-icount', 'shift=auto,sleep=off'], { icount: { shift: 'auto', sleep: false } }],
    [['-icount', 'shift=0,sleep=off,align=off'], { icount: { shift: 0, sleep: false } }],
    [['-accel', 'tcg,tb-size=32,engine=interp'], { accel: { name: 'tcg', tbSizeMiB: 32, engine: 'interp' } }],
    [['-d', 'int,guest_errors', '-D', 'log'], { log: { items: ['int', 'guest_errors'], file: 'log' } }],
    [['-name', 'guest=x,,y,process=z'], { name: 'x,y' }],
    [['-uuid', '00112233-4455-6677-8899-AABBCCDDEEFF'], { uuid: '00112233-4455-6677-8899-aabbccddeeff' }],
    [['-audiodev', 'wav,id=a,path=x'], { audio: { driver: 'wav', id: 'a', path: 'x' } }],
    [['-soundhw', 'pcspk,sb16'], { devices: [{ driver: 'sb16', id: undefined, properties: {} }] }],
    [['-usb'], { usb: true }],
    [['-M', 'pc,usb=on'], { usb: true }],
    [['-usbdevice', 'tablet'], { usb: true, devices: [{ driver: 'usb-tablet', id: undefined, properties: {} }] }],
    [['-nic', 'none', '-net', 'none', '-vga', 'none', '-display', 'none'], { display: 'none' }],
  ])('%j', (args, expected) => {
    expect(machine(...args)).toMatchObject(expected);
  });

  test.each<[string[], string]>([
    [[], 'std'],
    [['-kernel', 'k'], 'std'],
    [['-display', 'none'], 'std'],
    [['-kernel', 'k', '-display', 'none'], 'none'],
    [['-kernel', 'k', '-nographic'], 'none'],
    [['-kernel', 'k', '-nographic', '-bios', 'b'], 'std'],
    [['-kernel', 'k', '-nographic', '-vga', 'std'], 'std'],
    [['-nodefaults'], 'none'],
    [['-device', 'VGA'], 'none'],
    [['-device', 'VGA', '-vga', 'std'], 'std'],
  ])('%j has display adapter %s', (args, vga) => {
    expect(machine(...args).vga).toBe(vga);
  });

  test('devices come with their properties read by type', () => {
    const options = machine('-device', 'isa-debug-exit,iobase=0xf4,iosize=0x04,id=d', '-device', 'pc-testdev');
    expect(options.devices).toEqual([
      { driver: 'isa-debug-exit', id: 'd', properties: { iobase: '0xf4', iosize: '0x04' } },
      { driver: 'pc-testdev', id: undefined, properties: {} },
    ]);
  });

  test('-nographic puts serial port and monitor on the terminal', () => {
    const options = machine('-nographic');
    expect(options.serial).toEqual([{ kind: 'stdio', muxed: true }]);
    expect(options.monitor).toEqual({ kind: 'null' });
  });

  test('-nographic with a serial port elsewhere leaves the monitor the terminal', () => {
    const options = machine('-nographic', '-serial', 'null');
    expect(options.serial).toEqual([{ kind: 'null' }]);
    expect(options.monitor).toEqual({ kind: 'stdio', muxed: false });
  });

  test('several serial ports; none takes no port', () => {
    const options = machine('-serial', 'mon:stdio', '-serial', 'none', '-serial', 'file:out.txt', '-display', 'none');
    expect(options.serial).toEqual([
      { kind: 'stdio', muxed: true },
      { kind: 'file', path: 'out.txt' },
    ]);
    expect(options.monitor).toEqual({ kind: 'null' });
  });

  test('-chardev describes what -serial and devices name', () => {
    const options = machine('-serial', 'chardev:s', '-chardev', 'stdio,id=s,mux=on', '-chardev', 'file,id=f,path=a,,b');
    expect(options.serial).toEqual([{ kind: 'stdio', muxed: true }]);
    expect(options.chardevs).toEqual({ f: { kind: 'file', path: 'a,b' } });
  });

  test('-debugcon adds the device and its back end', () => {
    const options = machine('-debugcon', 'file:log');
    expect(options.devices).toEqual([{ driver: 'isa-debugcon', id: undefined, properties: { chardev: 'debugcon' } }]);
    expect(options.chardevs).toEqual({ debugcon: { kind: 'file', path: 'log' } });
  });

  test('-nodefaults leaves nothing that is not asked for', () => {
    const options = machine('-nodefaults', '-monitor', 'stdio');
    expect(options.serial).toEqual([]);
    expect(options.monitor).toEqual({ kind: 'stdio', muxed: false });
  });
});

describe('a command line that asks for a text', () => {
  test('-M help lists machines as QEMU does', () => {
    expect(answer('-M', 'help').text).toBe(
      'Supported machines are:\n' +
        'board                Standard PC (i440FX + PIIX, 1996) (alias of pc)\n' +
        'isapc                ISA-only PC\n' +
        'pc                   Standard PC (i440FX + PIIX, 1996) (default)\n',
    );
  });

  test('-cpu help lists processors', () => {
    expect(answer('-cpu', 'help').text).toBe(
      'Available CPUs:\nx86 486\nx86 qemu32                QEMU Virtual CPU version 2.5+\n',
    );
  });

  test('-device help lists devices, and the properties of one', () => {
    expect(answer('-device', 'help').text).toBe(
      'Misc devices:\nname "isa-debug-exit", bus ISA\nname "pc-testdev", bus ISA\n\nDisplay devices:\nname "VGA", bus PCI\n',
    );
    expect(answer('-device', 'isa-debug-exit,help').text).toBe('isa-debug-exit options: …\n');
  });

  test('-d help and unknown items print the list and exit with 1, as QEMU does', () => {
    for (const items of ['help', 'in_asm,foo', '']) {
      expect(answer('-d', items)).toMatchObject({ exitCode: 1, text: expect.stringMatching(/^Log items \(comma/) });
    }
  });

  test('-version and --version', () => {
    expect(answer('-version')).toEqual({ kind: 'answer', text: 'Lockstep emulator version 0.1.0\n', exitCode: 0 });
    expect(answer('--version').exitCode).toBe(0);
  });

  test('-h documents every option and wins over what follows', () => {
    const { text } = answer('-h', '-nonsense');
    for (const option of ['-machine', '-cpu', '-m ', '-icount', '-serial', '-no-reboot', '-D logfile']) {
      expect(text).toContain(`\n${option}`);
    }
  });
});

describe('a wrong command line', () => {
  test.each<[string[], string]>([
    [['-foo'], '-foo: invalid option'],
    [['--foo'], '--foo: invalid option'],
    [['-m'], '-m: requires an argument'],
    [['-m', 'foo'], "-m foo: Parameter 'size' expects a non-negative number below 2^64"],
    [['-m', '-1'], "-m -1: Parameter 'size' expects a non-negative number below 2^64"],
    [['-m', 'size=10x'], "-m size=10x: Parameter 'size' expects a non-negative number below 2^64"],
    [['-m', '128,,5'], "-m 128,,5: Parameter 'size' expects a non-negative number below 2^64"],
    [['-m', '128,foo=1'], "-m 128,foo=1: Invalid parameter 'foo'"],
    [['-m', '128,constructor=1'], "-m 128,constructor=1: Invalid parameter 'constructor'"],
    [['-m', '10G'], '-m 10G: RAM size 10240 MiB is out of range (1 to 2047 MiB)'],
    [['-m', '8k'], '-m 8k: RAM size 0.0078125 MiB is out of range (1 to 2047 MiB)'],
    [['-M', 'nope'], '-M nope: unsupported machine type'],
    [['-M', 'pc,foo=1'], "-M pc,foo=1: Property 'pc-machine.foo' not found"],
    [['-M', 'isapc,foo'], "-M isapc,foo: Expected '=' after parameter 'foo'"],
    [['-M', 'pc,accel=kvm'], '-M pc,accel=kvm: invalid accelerator kvm'],
    [['-cpu', 'nope'], "-cpu nope: unable to find CPU model 'nope'"],
    [['-cpu', 'qemu32,foo=on'], "-cpu qemu32,foo=on: Property 'qemu32-i386-cpu.foo' not found"],
    [['-cpu', ''], '-cpu : -cpu option cannot be empty'],
    [['-smp', '2'], "Invalid SMP CPUs 2. The max CPUs supported by machine 'pc' is 1"],
    [['-smp', 'x'], "-smp x: Parameter 'smp.cpus' expects integer"],
    [['-smp', 'cpus=1,foo=1'], "-smp cpus=1,foo=1: Parameter 'smp.foo' is unexpected"],
    [['-initrd', 'f'], '-initrd only allowed with -kernel option'],
    [['-append', 'x'], '-append only allowed with -kernel option'],
    [['-serial', 'foo'], "-serial foo: 'foo' is not a valid char driver"],
    [['-serial', 'mon:foo'], "-serial mon:foo: 'foo' is not a valid char driver"],
    [['-serial', 'file:'], "-serial file:: Could not open '': No such file or directory"],
    [['-serial', 'stdio', '-monitor', 'stdio'], 'cannot use stdio by multiple character devices'],
    [['-display', 'foo'], "-display foo: Parameter 'type' does not accept value 'foo'"],
    [['-display', 'none,foo=1'], "-display none,foo=1: Parameter 'foo' is unexpected"],
    [['-device', 'foo'], "-device foo: 'foo' is not a valid device model name"],
    [['-device', 'help=x'], "-device help=x: Parameter 'driver' is missing"],
    [['-device', 'isa-debug-exit,foo=1'], "-device isa-debug-exit,foo=1: Property 'isa-debug-exit.foo' not found"],
    [['-device', 'isa-debug-exit,iobase=z'], "-device isa-debug-exit,iobase=z: Parameter 'iobase' expects integer"],
    [['-device', 'isa-debug-exit,iobase=-1'], "-device isa-debug-exit,iobase=-1: Parameter 'iobase' expects uint32_t"],
    [['-rtc', 'base=foo'], '-rtc base=foo: invalid datetime format'],
    [['-rtc', 'base=2021-02-30'], '-rtc base=2021-02-30: invalid datetime format'],
    [['-rtc', 'clock=foo'], "-rtc clock=foo: invalid option value 'foo'"],
    [['-rtc', 'foo=1'], "-rtc foo=1: Invalid parameter 'foo'"],
    [['-icount', 'foo'], '-icount foo: icount: Invalid shift value'],
    [['-icount', 'shift=99'], '-icount shift=99: icount: Invalid shift value'],
    [['-icount', 'shift=3,sleep=maybe'], "-icount shift=3,sleep=maybe: Parameter 'sleep' expects 'on' or 'off'"],
    [['-icount', 'align=on'], '-icount align=on: Please specify shift option when using align'],
    [
      ['-icount', 'shift=1,align=on,sleep=off'],
      '-icount shift=1,align=on,sleep=off: align=on and sleep=off are incompatible',
    ],
    [['-accel', 'foo'], '-accel foo: invalid accelerator foo'],
    [['-accel', 'tcg,foo=1'], "-accel tcg,foo=1: Property 'tcg-accel.foo' not found"],
    [['-accel', 'tcg,tb-size=x'], "-accel tcg,tb-size=x: Parameter 'tb-size' expects integer"],
    [['-accel', 'tcg,engine=x'], "-accel tcg,engine=x: Invalid 'engine' setting x"],
    [['-soundhw', 'gus'], "-soundhw gus: Unknown sound card name `gus'"],
    [['-audiodev', 'alsa,id=a'], "-audiodev alsa,id=a: Parameter 'driver' does not accept value 'alsa'"],
    [['-usbdevice', 'disk:x'], "-usbdevice disk:x: could not add USB device 'disk:x'"],
    [['-vga', 'tcx'], '-vga tcx: unknown vga type: tcx'],
    [['-nic', 'user,model=e1000'], "-nic user,model=e1000: Parameter 'type' does not accept value 'user'"],
    [['-uuid', 'foo'], '-uuid foo: failed to parse UUID string: wrong format'],
    [['-chardev', 'tty,id=x'], "-chardev tty,id=x: 'tty' is not a valid char driver"],
    [['-chardev', 'null'], '-chardev null: chardev: no id specified'],
    [['-chardev', 'file,id=x'], '-chardev file,id=x: chardev: file: no filename given'],
    [['-chardev', 'null,id=x', '-chardev', 'null,id=x'], "-chardev null,id=x: Duplicate ID 'x' for chardev"],
    [['-serial', 'chardev:x'], 'chardev "x" not found'],
    [['-monitor', 'file:x'], '-monitor file:x: a monitor needs a char device to read from'],
  ])('%j is refused in one line that names option and value', (args, message) => {
    expect(refusal(args)).toBe(message);
  });

  test('five serial ports are refused', () => {
    const args = Array.from({ length: 5 }, () => ['-serial', 'null']).flat();
    expect(() => machine(...args)).toThrow("machine 'pc' has 4 serial ports, not 5");
  });

  test('no argument list makes the parser fail with anything but a VmError', () => {
    const names = [
      '-m',
      '-M',
      '-cpu',
      '-device',
      '-rtc',
      '-icount',
      '-accel',
      '-d',
      '-serial',
      '-smp',
      '-name',
      '-nic',
      '-drive',
    ];
    const text = fc.string({
      unit: fc.constantFrom('=', ',', 'n', 'o', '1', 'G', 'x', '-', 'size', 'shift', 'tcg', 'pc'),
    });
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom(...names), text), { maxLength: 4 }), (pairs) => {
        try {
          parseCommandLine(pairs.flat(), testCatalogue);
        } catch (error) {
          expect(error).toBeInstanceOf(VmError);
          expect((error as VmError).message).not.toContain('\n');
        }
      }),
      { numRuns: 500 },
    );
  });
});
