import { describe, expect, it } from 'vitest';
import { testDrive } from '../../block/drive.fixture.ts';
import type { Chardev } from '../../chardev/api.ts';
import { VmError } from '../../util/errors.ts';
import type { Device } from '../core/device.ts';
import { ich9Lpc } from '../devices/pci/ich9-lpc.ts';
import { partsOf } from './assembly.ts';
import { boardByName, boards } from './boards.ts';
import { DEFAULT_BOOT } from './boot-order.ts';
import { bzImage, multibootElf } from './loaders/images.fixture.ts';
import { fwCfgReader, machineRig } from './machine-rig.fixture.ts';
import type { MachineOptions } from './plan.ts';

const MiB = 2 ** 20;

/** Collects what the guest sends. */
function recorder(): Chardev & { readonly sent: number[] } {
  const sent: number[] = [];
  return { sent, write: (byte) => void sent.push(byte), attach() {}, accept() {} };
}

const bios = (size: number): MachineOptions['firmware'] => ({
  name: 'bios.bin',
  bytes: Uint8Array.from({ length: size }, (_, i) => i >> 16),
});

describe.each(['pc', 'q35', 'isapc'])('machine %s', (name) => {
  it('has the CMOS contents of QEMU', () => {
    // qemu-system-i386 7.2 -M pc and -M isapc, read through -qtest; without its floppy drive (0x10, bit 0 of 0x14).
    const expected: Record<number, Record<string, number>> = {
      1: { '15': 0x80, '16': 0x02, '17': 0, '18': 0, '30': 0, '34': 0, '35': 0, '38': 0x30, '3d': 0x12 },
      17: { '15': 0x80, '16': 0x02, '17': 0, '18': 0x40, '30': 0, '31': 0x40, '34': 0x10, '35': 0 },
      65: { '17': 0xff, '18': 0xff, '30': 0xff, '31': 0xff, '34': 0x10, '35': 0x03, '14': 0x06, '5b': 0, '5c': 0 },
    };
    for (const [mebibytes, values] of Object.entries(expected)) {
      const rig = machineRig(name, { ramBytes: Number(mebibytes) * MiB, kernel: undefined, firmware: bios(0x20000) });
      const found = Object.keys(values).map((register) => [register, rig.cmos(Number.parseInt(register, 16))]);
      expect(Object.fromEntries(found)).toEqual(values);
    }
  });

  it('restores kernel and registers at each reset, and starts the CPU at the kernel', () => {
    const { machine } = machineRig(name);
    expect(machine.cpuStart).toMatchObject({ eip: 0x100000, regs: { esi: 0x10000 } });
    expect(machine.memory.read(0x100000, 1)).toBe(0x90);
    machine.memory.write(0x100000, 0, 1);
    machine.reset();
    expect(machine.memory.read(0x100000, 1)).toBe(0x90);
  });

  it('is after a reset as it was after power-on', () => {
    const { machine } = machineRig(name, { serials: [recorder()] });
    const fresh = machine.hash();
    machine.io.write(0x3f9, 0x0f, 1);
    machine.io.write(0x21, 0xff, 1);
    machine.io.write(0x43, 0x34, 1);
    expect(machine.hash()).not.toBe(fresh);
    machine.reset();
    machine.io.write(0x70, 0, 1);
    expect(machine.hash()).toBe(fresh);
  });

  it('saves and loads', () => {
    const { machine } = machineRig(name, { serials: [recorder()] });
    machine.io.write(0x3f9, 0x02, 1); // THRE interrupt
    machine.io.write(0x20, 0x11, 1);
    machine.io.write(0x21, 0x30, 1);
    machine.io.write(0x21, 0x04, 1);
    machine.io.write(0x21, 0x01, 1);
    machine.io.write(0x92, 0x02, 1);
    machine.io.write(0x92, 0x00, 1);
    machine.io.write(0x3fb, 0x80, 1);
    machine.io.write(0x3fb, 0x03, 1);
    machine.io.write(0x3f9, 0x00, 1);
    machine.io.write(0x3f9, 0x02, 1);
    expect(machine.cpuIrq.level).toBe(true);
    expect(machine.a20.level).toBe(false);
    const saved = machine.save();

    const other = machineRig(name, { serials: [recorder()] }).machine;
    const seen: boolean[] = [];
    other.cpuIrq.onChange = (level) => void seen.push(level);
    other.load(saved);
    expect(other.save()).toEqual(saved);
    expect(other.hash()).toBe(machine.hash());
    expect(seen.at(-1)).toBe(true);
    expect(other.a20.level).toBe(false);
    expect(other.cpuIrq.acknowledge()).toBe(0x34);
  });

  it('refuses a state that does not fit, and stays as it was', () => {
    const { machine } = machineRig(name);
    const before = machine.hash();
    const saved = machine.save();
    expect(() => machine.load(saved.slice(1))).toThrow(/'pic' is missing/);
    expect(() => machine.load([...saved, ['ide', new Uint8Array()]])).toThrow(/has a device 'ide'/);
    const cut = saved.map(([id, bytes]): [string, Uint8Array] => [id, id === 'port92' ? bytes.slice(1) : bytes]);
    machine.io.write(0x21, 0x55, 1);
    const changed = machine.hash();
    expect(changed).not.toBe(before);
    expect(() => machine.load(cut)).toThrow(VmError);
    expect(machine.hash()).toBe(changed);
  });

  it('connects serial ports to their back ends', () => {
    const [first, second] = [recorder(), recorder()];
    const { machine } = machineRig(name, { serials: [first, undefined, second] });
    machine.io.write(0x3f8, 0x41, 1);
    machine.io.write(0x2f8, 0x42, 1);
    machine.io.write(0x3e8, 0x43, 1);
    expect([first.sent, second.sent]).toEqual([[0x41], [0x43]]);
  });

  it('resets through port 92h and the keyboard controller', () => {
    const { machine, requests } = machineRig(name);
    machine.io.write(0x92, 1, 1);
    machine.io.write(0x64, 0xfe, 1);
    expect(requests).toEqual(['reset', 'reset']);
  });

  it("takes the user's devices", () => {
    const console_ = recorder();
    const { machine, requests } = machineRig(name, {
      devices: [
        { driver: 'isa-debug-exit', properties: { iobase: '0xf4', iosize: '4' } },
        { driver: 'isa-debugcon', properties: { chardev: 'c0', iobase: '0x402' } },
        { driver: 'pc-testdev', properties: {} },
      ],
      lookup: (kind, id) => (kind === 'chardev' && id === 'c0' ? console_ : undefined),
    });
    machine.io.write(0xf4, 0x10, 4);
    expect(requests).toEqual(['exit 33']);
    machine.io.write(0x402, 0x21, 1);
    expect(console_.sent).toEqual([0x21]);
    machine.memory.write(0xff00_0010, 0x1234, 4);
    expect(machine.memory.read(0xff00_0010, 4)).toBe(0x1234);
  });

  it('delivers the timer interrupt through the controller', () => {
    const { machine } = machineRig(name);
    for (const [port, value] of [
      [0x20, 0x11],
      [0x21, 0x20],
      [0x21, 0x04],
      [0x21, 0x01],
      [0x21, 0xfe],
      [0x43, 0x34],
      [0x40, 0xa9],
      [0x40, 0x04],
    ] as const) {
      machine.io.write(port, value, 1);
    }
    expect(machine.cpuIrq.level).toBe(false);
    machine.clock.advanceTo(2_000_000);
    expect(machine.cpuIrq.level).toBe(true);
    expect(machine.cpuIrq.acknowledge()).toBe(0x20);
  });

  it('offers fw_cfg', () => {
    const { machine } = machineRig(name);
    machine.io.write(0x510, 3, 2);
    expect([0, 1, 2, 3].map(() => machine.io.read(0x511, 1))).toEqual([0, 0, 0, 1]);
  });

  it('lets firmware start the kernel from fw_cfg', () => {
    // The addresses are those of qemu-system-i386 7.2 with -m 40 and an initrd of 10000 bytes, read through -qtest.
    const { machine } = machineRig(name, {
      ramBytes: 40 * MiB,
      firmware: bios(0x20000),
      openFirmware: () => new Uint8Array(512),
      kernel: {
        kernel: { name: 'vmlinuz', bytes: bzImage() },
        initrd: 'initrd',
        commandLine: 'console=ttyS0 panic=-1',
        openFile: () => new Uint8Array(10_000).fill(7),
      },
    });
    const bytes = (key: number, length: number): number[] => {
      machine.io.write(0x510, key, 2);
      return Array.from({ length }, () => machine.io.read(0x511, 1));
    };
    const u32 = (key: number): number => bytes(key, 4).reduceRight((value, byte) => value * 256 + byte, 0);
    expect(machine.cpuStart).toBeUndefined();
    expect([0x07, 0x0a, 0x0b, 0x13, 0x14, 0x16].map(u32)).toEqual([
      0x100000, 0x27d5000, 10_000, 0x20000, 0x17, 0x10000,
    ]);
    expect([u32(0x08), u32(0x17)]).toEqual([4096, 5 * 512]);
    expect(bytes(0x18, 0x22c).slice(0x210, 0x212)).toEqual([0xb0, 0x81]);
    expect(bytes(0x12, 2)).toEqual([7, 7]);
    expect(machine.memory.read(0x100000, 1)).toBe(0);
  });

  it('gives firmware a multiboot kernel as one piece, with its entry and its information', () => {
    const { machine } = machineRig(name, {
      firmware: bios(0x20000),
      openFirmware: () => new Uint8Array(512),
      kernel: { kernel: { name: 'k', bytes: multibootElf() }, commandLine: 'x', openFile: () => new Uint8Array() },
    });
    const file = fwCfgReader(machine);
    expect(file('genroms/multiboot.bin')).toHaveLength(512);
    const [address, entry] = [file.u32(0x07), file.u32(0x10)];
    expect(entry).toBeGreaterThanOrEqual(address);
    expect(entry).toBeLessThan(address + file.u32(0x08));
    expect(file.u32(0x0a)).toBe(0x9500);
  });

  it('tells firmware the boot order', () => {
    const boot = { ...DEFAULT_BOOT, order: 'dc', once: 'n', menu: true, splashMs: 1000, rebootTimeoutMs: 500 };
    const { machine, cmos } = machineRig(name, { boot });
    expect([cmos(0x3d), cmos(0x38)]).toEqual([0x04, 0x00]);
    machine.reset();
    expect([cmos(0x3d), cmos(0x38)]).toEqual([0x23, 0x00]);
    const file = fwCfgReader(machine);
    expect(file.u32(0x0e)).toBe(1);
    expect(file('etc/boot-menu-wait')).toEqual([0xe8, 0x03]);
    expect(file('etc/boot-fail-wait')).toEqual([0xf4, 0x01, 0, 0]);
    expect(file('bootorder')).toEqual([]);
  });

  it('lists in the boot order what has a place in it, strictly if so asked', () => {
    const rom = (bootIndex: number) => ({ name: `${bootIndex}.bin`, bytes: new Uint8Array(512), bootIndex });
    const { machine } = machineRig(name, {
      optionRoms: [rom(7), rom(-1), rom(2)],
      boot: { ...DEFAULT_BOOT, strict: true },
    });
    const text = String.fromCharCode(...fwCfgReader(machine)('bootorder'));
    expect(text).toBe('/rom@genroms/2.bin\n/rom@genroms/7.bin\nHALT\0');
    expect(() => machineRig(name, { optionRoms: [rom(2), rom(2)] })).toThrow('The bootindex 2 has already been used');
    expect(() => machineRig(name, { boot: { ...DEFAULT_BOOT, order: 'ax' } })).toThrow("device for PC: 'x'");
  });

  it("offers the user's files", () => {
    const { machine } = machineRig(name, { fwCfgFiles: [{ name: 'opt/a', bytes: new Uint8Array([1, 2]) }] });
    expect(fwCfgReader(machine)('opt/a')).toEqual([1, 2]);
  });

  it.each<[string, Partial<MachineOptions>, RegExp]>([
    ['too little RAM', { ramBytes: 0 }, /invalid RAM size 0 bytes/],
    [
      'too much RAM',
      { ramBytes: 2 ** 40 },
      /RAM size of 1048576 MiB is too large: machine '(isapc|pc-i440fx-2.8|pc-q35-2.8)'/,
    ],
    ['no firmware', { kernel: undefined }, /could not load PC BIOS 'bios/],
    [
      'odd firmware',
      { kernel: undefined, firmware: bios(1000) },
      /'bios.bin': its size of 1000 bytes is not a multiple/,
    ],
    [
      'firmware for a kernel without the option ROM that starts it',
      {
        firmware: bios(0x20000),
        kernel: { kernel: { name: 'k', bytes: multibootElf() }, commandLine: '', openFile: () => new Uint8Array() },
      },
      /could not load option ROM 'multiboot.bin'/,
    ],
    ['five serial ports', { serials: new Array(5).fill(undefined) }, /too many serial ports/],
    ['unknown device', { devices: [{ driver: 'foo', properties: {} }] }, /'foo' is not a valid device model name/],
    ['board device', { devices: [{ driver: 'PIIX3', properties: {} }] }, /expects a pluggable device type/],
    [
      'unknown property',
      { devices: [{ driver: 'isa-debug-exit', properties: { foo: '1' } }] },
      /Property 'isa-debug-exit.foo' not found/,
    ],
    [
      'doubled id',
      { devices: [0, 1].map(() => ({ driver: 'pc-testdev', id: 'a', properties: {} })) },
      /Duplicate device ID 'a'/,
    ],
  ])('refuses %s', (_, options, message) => {
    expect(() => machineRig(name, options)).toThrow(message);
    expect(() => machineRig(name, options)).toThrow(VmError);
  });
});

describe('machine q35', () => {
  const config = (slot: number, fn: number, register: number): number =>
    0x8000_0000 + (slot << 11) + (fn << 8) + register;

  it('shows its devices where QEMU has them, in ports and in memory', () => {
    const { machine } = machineRig('q35', { kernel: undefined, firmware: bios(0x40000) });
    const id = (slot: number, fn: number): number => {
      machine.io.write(0xcf8, config(slot, fn, 0), 4);
      return machine.io.read(0xcfc, 4);
    };
    expect([id(0, 0), id(31, 0), id(31, 3), id(1, 0)]).toEqual([0x29c08086, 0x29188086, 0x29308086, 0xffff_ffff]);
    machine.io.write(0xcf8, config(0, 0, 0x60), 4);
    expect(machine.io.read(0xcfc, 4)).toBe(0xb000_0000);
    machine.io.write(0xcfc, 0xb000_0001, 4);
    expect(machine.memory.read(0xb000_0000 + ((31 * 8 + 3) << 12), 4)).toBe(0x29308086);
    expect(machine.memory.read(0xb000_0100, 4)).toBe(0xffff_ffff); // conventional PCI ends here
    expect(machine.memory.read(0xb010_0000, 4)).toBe(0xffff_ffff); // no bus 1
    machine.memory.write(0xb000_0090, 0x30, 1);
    machine.memory.write(0xf0000, 0x55, 1);
    expect(machine.memory.read(0xf0000, 1)).toBe(0x55);
  });

  it('powers off, suspends and resets', () => {
    const { machine, requests } = machineRig('q35');
    machine.io.write(0xb2, 2, 1);
    expect(machine.io.read(0x604, 2)).toBe(1);
    machine.pressPowerButton();
    expect(machine.io.read(0x600, 2)).toBe(0x100);
    machine.io.write(0x604, 0x2400, 2);
    machine.io.write(0x604, 0x2000, 2);
    machine.io.write(0xcf9, 0x0f, 1);
    expect(requests).toEqual(['suspend', 'shutdown', 'reset']);
    expect(machine.io.read(0x630, 1)).toBe(0x20); // SMM counts as set up
  });

  it('routes interrupts of slots to PIRQE# to PIRQH#', () => {
    const { machine } = machineRig('q35', { devices: [{ driver: 'virtio-rng-pci', properties: { addr: '5' } }] });
    const route = partsOf(ich9Lpc, machine.device('lpc') as Device).route;
    expect([0, 1, 2, 24, 25, 30, 31].map((slot) => route(slot << 3, 1))).toEqual([4, 5, 6, 4, 0, 4, 0]);
  });

  it('names its bus pcie.0', () => {
    const devices = (bus: string) => [{ driver: 'virtio-rng-pci', properties: { bus } }];
    expect(() => machineRig('q35', { devices: devices('pcie.0') })).not.toThrow();
    expect(() => machineRig('q35', { devices: devices('pci.0') })).toThrow("Bus 'pci.0' not found");
  });
});

describe('machine pc', () => {
  const view = (options: Partial<MachineOptions>): string[] =>
    machineRig('pc', options).machine.memory.view.map(
      ({ start, end, region }) => `${start.toString(16)}-${(end - 1).toString(16)} ${region.name}`,
    );

  it('lays memory out as QEMU', () => {
    // info mtree -f of qemu-system-i386 7.2 -M pc -vga none, without its APICs
    expect(view({ kernel: undefined, firmware: bios(0x40000) })).toEqual([
      '0-bffff pc.ram',
      'c0000-dffff pc.rom',
      'e0000-fffff pc.bios',
      '100000-ffffff pc.ram',
      'fed00000-fed003ff hpet',
      'fffc0000-ffffffff pc.bios',
    ]);
  });

  it('shows the last 128 KiB of the firmware below 1 MiB', () => {
    const { machine } = machineRig('pc', { kernel: undefined, firmware: bios(0x40000) });
    expect([0xe0000, 0xf0000, 0xfffc0000, 0xffff0000].map((gpa) => machine.memory.read(gpa, 1))).toEqual([2, 3, 0, 3]);
    machine.memory.write(0xf0000, 0x55, 1);
    expect(machine.memory.read(0xf0000, 1)).toBe(3);
  });

  it('shows PCI devices where QEMU has them', () => {
    const { machine } = machineRig('pc');
    const id = (slot: number, fn: number): number => {
      machine.io.write(0xcf8, 0x8000_0000 + (slot << 11) + (fn << 8), 4);
      return machine.io.read(0xcfc, 4);
    };
    expect([id(0, 0), id(1, 0), id(1, 3), id(2, 0)]).toEqual([0x12378086, 0x70008086, 0x71138086, 0xffff_ffff]);
  });

  it('tells a directly booted kernel how to power off', () => {
    const { machine, requests } = machineRig('pc');
    const u32 = (gpa: number): number => machine.memory.read(gpa, 4);
    expect(u32(0x10070)).toBe(0xf0000); // boot_params.acpi_rsdp_addr
    const fadt = u32(u32(0xf0010) + 36);
    machine.io.write(u32(fadt + 48), machine.memory.read(fadt + 52, 1), 1);
    expect(machine.io.read(u32(fadt + 64), 2)).toBe(1); // SCI_EN
    machine.io.write(u32(fadt + 64), 0x2001, 2);
    expect(requests).toEqual(['shutdown']);
  });

  it('suspends to RAM, and wakes up with the reason in its status', () => {
    const { machine, requests, cmos } = machineRig('pc');
    machine.memory.write(0x200000, 0x77, 1);
    machine.io.write(0x604, 0x2400, 2); // SLP_EN, SLP_TYP 1
    expect(requests).toEqual(['suspend']);
    machine.suspend();
    machine.wake();
    expect(cmos(0x0f)).toBe(0xfe);
    expect(machine.memory.read(0x200000, 1)).toBe(0x77);
    expect(machine.io.read(0x600, 2)).toBe(0x8100);
  });

  it('resets through port 0xcf9', () => {
    const { machine, requests } = machineRig('pc');
    machine.io.write(0xcf9, 6, 1);
    expect(requests).toEqual(['reset']);
  });
});

describe.each(['pc', 'q35'])('machine %s with flash chips', (name) => {
  it('runs from the first, whose end is also shown below 1 MiB, and keeps what is written over a reset', () => {
    const code = Uint8Array.from({ length: 0x40000 }, (_, i) => i >> 16);
    const variables = new Uint8Array(0x10000).fill(0xee);
    const drive = testDrive(variables.slice());
    const { machine } = machineRig(name, {
      kernel: undefined,
      flash: [
        { drive: testDrive(code, { readonly: true }), contents: code },
        { drive, contents: variables },
      ],
    });
    const read = (gpa: number): number => machine.memory.read(gpa, 1);
    expect([0xfffc_0000, 0xffff_fff0, 0xffff0, 0xe0000, 0xfffb_0000].map(read)).toEqual([0, 3, 3, 2, 0xee]);
    machine.memory.write(0xfffb_0010, 0x40, 1);
    machine.memory.write(0xfffb_0010, 0x12, 1);
    machine.reset();
    expect([read(0xfffb_0010), read(0xfffb_0011)]).toEqual([0x12, 0xee]);
    drive.completeAll();
    expect(drive.bytes[0x10]).toBe(0x12);
  });
});

describe('machine isapc', () => {
  it('has neither PCI nor ACPI, and ROMs that are RAM', () => {
    const { machine } = machineRig('isapc', { kernel: undefined, firmware: bios(0x20000) });
    machine.io.write(0xcf8, 0x8000_0000, 4);
    expect(machine.io.read(0xcfc, 4)).toBe(0xffff_ffff);
    machine.memory.write(0xf0000, 0x55, 1);
    expect(machine.memory.read(0xf0000, 1)).toBe(0x55);
    machine.reset();
    expect(machine.memory.read(0xf0000, 1)).toBe(1);
  });
});

it('boards go by their names and aliases', () => {
  expect(boardByName('pc')).toBe(boardByName('pc-i440fx-2.8'));
  expect(boards.filter((board) => board.isDefault)).toHaveLength(1);
  expect(() => boardByName('vax')).toThrow(/unsupported machine type 'vax'/);
});
