import { describe, expect, it } from 'vitest';
import { loadDevices } from '../../core/device.ts';
import { ioRegion } from '../../core/region.ts';
import { resetAll } from '../../core/reset.ts';
import { CONFIG_BYTES } from './config.ts';
import { type Bar, PciFunction } from './function.ts';
import { pciRig } from './pci-rig.fixture.ts';

/** Configuration dwords that are not 0 after power-on: `qemu-system-i386 -M pc`, 7.2, read through -qtest. */
const QEMU_POWER_ON: Readonly<Record<string, Readonly<Record<number, number>>>> = {
  '0.0': { 0: 0x12378086, 8: 0x06000002, 44: 0x11001af4, 84: 0x10000000, 112: 0x00020000 },
  '1.0': {
    0: 0x70008086,
    4: 0x02000000,
    8: 0x06010000,
    12: 0x00800000,
    44: 0x11001af4,
    76: 0x0003004d,
    96: 0x80808080,
    104: 0x00000200,
    112: 0x00000080,
    116: 0x0c0c0000,
    120: 0x00000002,
    160: 0x00000008,
    168: 0x0000000f,
  },
  '1.3': {
    0: 0x71138086,
    4: 0x02800000,
    8: 0x06800003,
    44: 0x11001af4,
    60: 0x00000100,
    64: 0x00000001,
    88: 0x02000000, // QEMU: 0, unless smm=off
    92: 0x10000000, // QEMU: 0x90000000, with its parallel port
    96: 0x60000000,
    100: 0x08000000,
    144: 0x0000b101,
    208: 0x00090000,
  },
};

describe('PCI configuration space', () => {
  it.each(Object.entries(QEMU_POWER_ON))('holds the power-on values of QEMU at %s', (place, expected) => {
    const rig = pciRig();
    const [slot = 0, fn = 0] = place.split('.').map(Number);
    const found: Record<number, number> = {};
    for (let register = 0; register < CONFIG_BYTES; register += 4) {
      const value = rig.readConfig(slot, fn, register);
      if (value !== 0) found[register] = value;
    }
    expect(found).toEqual(expected);
  });

  it('lets a guest change only what QEMU lets it change', () => {
    const rig = pciRig();
    const changeable = [0x00, 0x04, 0x08, 0x0c, 0x10, 0x2c, 0x3c, 0x40, 0xfc].map((register) => {
      rig.writeConfig(1, 0, register, 0xffff_ffff);
      const ones = rig.readConfig(1, 0, register);
      rig.writeConfig(1, 0, register, 0);
      return (ones & ~rig.readConfig(1, 0, register)) >>> 0;
    });
    expect(changeable).toEqual([0, 0x507, 0, 0xff, 0, 0, 0xff, 0xffff_ffff, 0xffff_ffff]);
  });

  it('reads as all ones where no function is, and without the enable bit', () => {
    const rig = pciRig();
    expect(rig.readConfig(2, 0, 0)).toBe(0xffff_ffff);
    rig.ports.write(0xcf8, 0x8001_0000, 4); // bus 1
    expect(rig.ports.read(0xcfc, 4)).toBe(0xffff_ffff);
    rig.ports.write(0xcf8, 0, 4);
    expect(rig.ports.read(0xcfc, 4)).toBe(0xffff_ffff);
  });

  it('takes the address only as a whole; parts of it pass to the reset control register', () => {
    const rig = pciRig();
    rig.ports.write(0xcf8, 0x8000_0003, 4);
    rig.ports.write(0xcf8, 0x55, 1);
    expect(rig.ports.read(0xcf8, 4)).toBe(0x8000_0003);
    // As QEMU 7.2: low bits of address and window are OR-ed; an unaligned word is two bytes.
    expect(rig.ports.read(0xcfc, 1)).toBe(0x12);
    expect(rig.ports.read(0xcfd, 2)).toBe(0x1212);
    expect(rig.ports.read(0xcfe, 2)).toBe(0x0012);
    rig.ports.write(0xcf9, 0xf2, 1);
    expect(rig.ports.read(0xcf9, 1)).toBe(0x02);
    expect(rig.ports.read(0xcf8, 4)).toBe(0x8000_0003);
  });

  it('reads and writes bytes and words', () => {
    const rig = pciRig();
    rig.writeConfig(1, 0, 0x61, 0x0b, 1);
    rig.writeConfig(1, 0, 0x62, 0x0a0a, 2);
    expect(rig.readConfig(1, 0, 0x60)).toBe(0x0a0a0b80);
    expect(rig.readConfig(1, 0, 2, 2)).toBe(0x7000);
  });
});

describe('base address registers', () => {
  function plugged(bar: Pick<Bar, 'kind'>, size: number) {
    const rig = pciRig();
    const region = ioRegion('card', size, { read: (offset) => 0x40 + offset, write() {} });
    rig.bus.plug(3 << 3, new PciFunction(new Uint8Array(256), cardInfo({ index: 0, region, ...bar })));
    return rig;
  }
  const cardInfo = (bar: Bar) => ({ vendorId: 0x1234, deviceId: 0x5678, classCode: 0xff0000, bars: [bar] });

  it('tell their size to a guest that writes all ones', () => {
    const rig = plugged({ kind: 'memory' }, 0x2000);
    rig.writeConfig(3, 0, 0x10, 0xffff_ffff);
    expect(rig.readConfig(3, 0, 0x10)).toBe(0xffff_e000);
    const io = plugged({ kind: 'io' }, 16);
    io.writeConfig(3, 0, 0x10, 0xffff_ffff);
    expect(io.readConfig(3, 0, 0x10)).toBe(0xffff_fff1);
  });

  it('place a region while the command register allows it, and move it', () => {
    const rig = plugged({ kind: 'memory' }, 0x1000);
    rig.writeConfig(3, 0, 0x10, 0xfebc_0000);
    expect(rig.memory.read(0xfebc_0001, 1)).toBe(0);
    rig.writeConfig(3, 0, 0x04, 2, 2);
    expect(rig.memory.read(0xfebc_0001, 1)).toBe(0x41);
    rig.writeConfig(3, 0, 0x10, 0xfebd_0000);
    expect(rig.memory.read(0xfebc_0001, 1)).toBe(0);
    expect(rig.memory.read(0xfebd_0002, 1)).toBe(0x42);
    rig.writeConfig(3, 0, 0x04, 0, 2);
    expect(rig.memory.read(0xfebd_0002, 1)).toBe(0);
  });

  it('place I/O ports', () => {
    const rig = plugged({ kind: 'io' }, 16);
    rig.writeConfig(3, 0, 0x10, 0xc000);
    rig.writeConfig(3, 0, 0x04, 1, 2);
    expect(rig.ports.read(0xc003, 1)).toBe(0x43);
  });

  it('place a region above 4 GiB through a 64-bit register', () => {
    const card = new PciFunction(
      new Uint8Array(256),
      cardInfo({ index: 0, kind: 'memory64', region: ioRegion('card', 0x1000, { read: () => 1, write() {} }) }),
    );
    const rig = pciRig();
    rig.bus.plug(3 << 3, card);
    rig.writeConfig(3, 0, 0x10, 0xffff_ffff);
    rig.writeConfig(3, 0, 0x14, 0x2);
    rig.writeConfig(3, 0, 0x04, 2, 2);
    expect(rig.readConfig(3, 0, 0x10)).toBe(0xffff_f004);
    expect(card.addressOf(card.info.bars?.[0] as Bar)).toBe(0x2_ffff_f000);
  });

  it('list capabilities', () => {
    const rig = pciRig();
    rig.bus.plug(
      3 << 3,
      new PciFunction(new Uint8Array(256), {
        vendorId: 1,
        deviceId: 2,
        classCode: 0,
        capabilities: [
          { id: 0x09, at: 0x40, body: [8, 1, 2] },
          { id: 0x05, at: 0x50, body: [0, 0], writable: [1, 0] },
        ],
      }),
    );
    expect(rig.readConfig(3, 0, 0x06, 2) & 0x10).toBe(0x10);
    expect(rig.readConfig(3, 0, 0x34, 1)).toBe(0x40);
    expect(rig.readConfig(3, 0, 0x40)).toBe(0x01085009);
    rig.writeConfig(3, 0, 0x50, 0xffff_ffff);
    expect(rig.readConfig(3, 0, 0x50)).toBe(0x0001_0005);
  });
});

describe('PCI interrupts', () => {
  function withCard(slot: number, pin: number) {
    const rig = pciRig();
    const card = new PciFunction(new Uint8Array(256), { vendorId: 1, deviceId: 2, classCode: 0, interruptPin: pin });
    rig.bus.plug(slot << 3, card);
    return { rig, card };
  }
  const high = (rig: ReturnType<typeof pciRig>): number[] => rig.isaLevels.flatMap((level, n) => (level ? [n] : []));

  it('reach the IRQ that PIIX3 routes their line to, rotated by slot', () => {
    const { rig, card } = withCard(3, 1); // slot 3, INTA# is PIRQC#
    card.intx.set(true);
    expect(high(rig)).toEqual([]);
    rig.writeConfig(1, 0, 0x62, 11, 1);
    expect(high(rig)).toEqual([11]);
    expect(rig.readConfig(3, 0, 0x06, 2) & 8).toBe(8);
    rig.writeConfig(1, 0, 0x62, 10, 1);
    expect(high(rig)).toEqual([10]);
    rig.writeConfig(1, 0, 0x62, 0x8a, 1);
    expect(high(rig)).toEqual([]);
  });

  it('are held back by the command register', () => {
    const { rig, card } = withCard(1 + 4, 1);
    rig.writeConfig(1, 0, 0x60, 10, 1);
    card.intx.set(true);
    expect(high(rig)).toEqual([10]);
    rig.writeConfig(5, 0, 0x04, 0x400, 2);
    expect(high(rig)).toEqual([]);
  });

  it('share a line until the last one lets go', () => {
    const { rig, card } = withCard(1 + 4, 1);
    const other = new PciFunction(new Uint8Array(256), { vendorId: 1, deviceId: 2, classCode: 0, interruptPin: 1 });
    rig.bus.plug((1 + 8) << 3, other);
    rig.writeConfig(1, 0, 0x60, 10, 1);
    card.intx.set(true);
    other.intx.set(true);
    card.intx.set(false);
    expect(high(rig)).toEqual([10]);
    other.intx.set(false);
    expect(high(rig)).toEqual([]);
  });
});

describe('i440FX', () => {
  it('shows ROM, shadowed RAM or RAM at 0xf0000 as PAM0 says', () => {
    const rig = pciRig();
    const byte = (): number => rig.memory.read(0xf1234, 1);
    rig.memory.write(0xf1234, 0x11, 1);
    expect(byte()).toBe(0xbb);
    rig.writeConfig(0, 0, 0x59, 0x30, 1);
    expect(byte()).toBe(0);
    rig.memory.write(0xf1234, 0x22, 1);
    expect(byte()).toBe(0x22);
    rig.writeConfig(0, 0, 0x59, 0x10, 1);
    rig.memory.write(0xf1234, 0x33, 1);
    expect(byte()).toBe(0x22);
    rig.writeConfig(0, 0, 0x59, 0x00, 1);
    expect(byte()).toBe(0xbb);
  });

  it('gives each half of PAM1 to PAM6 its 16 KiB', () => {
    const rig = pciRig();
    rig.writeConfig(0, 0, 0x5a, 0x30, 1); // 0xc4000 only
    rig.writeConfig(0, 0, 0x5f, 0x03, 1); // 0xe8000 only
    for (const gpa of [0xc0000, 0xc4000, 0xc7fff, 0xc8000, 0xe4000, 0xe8000, 0xec000]) rig.memory.write(gpa, 1, 1);
    const kept = [0xc0000, 0xc4000, 0xc7fff, 0xc8000, 0xe4000, 0xe8000, 0xec000].map((gpa) => rig.memory.read(gpa, 1));
    expect(kept).toEqual([0xbb, 1, 1, 0xbb, 0xbb, 1, 0xbb]);
  });

  it('opens RAM behind the VGA window with SMRAM.D_OPEN', () => {
    const rig = pciRig();
    rig.memory.write(0xa0000, 5, 1);
    expect(rig.memory.read(0xa0000, 1)).toBe(0);
    rig.writeConfig(0, 0, 0x72, 0x4a, 1);
    rig.memory.write(0xa0000, 5, 1);
    expect(rig.memory.read(0xa0000, 1)).toBe(5);
  });

  it('keeps its windows over a reset, for the resume from S3', () => {
    const rig = pciRig();
    rig.writeConfig(0, 0, 0x59, 0x30, 1);
    rig.memory.write(0xf1234, 0x77, 1);
    resetAll(rig.devices);
    expect(rig.memory.read(0xf1234, 1)).toBe(0x77);
  });
});

describe('PIIX3 and PIIX4', () => {
  it('reset the machine through port 0xcf9', () => {
    const rig = pciRig();
    rig.ports.write(0xcf9, 0x02, 1);
    expect(rig.requests.reset).toBe(0);
    rig.ports.write(0xcf9, 0x06, 1);
    expect(rig.requests.reset).toBe(1);
  });

  function withPm() {
    const rig = pciRig();
    rig.writeConfig(1, 3, 0x40, 0x601);
    rig.writeConfig(1, 3, 0x80, 1, 1);
    return rig;
  }

  it('place the power management ports where the guest wants them', () => {
    const rig = withPm();
    expect(rig.ports.read(0x604, 2)).toBe(0);
    rig.writeConfig(1, 3, 0x40, 0xb001);
    expect(rig.ports.read(0x604, 2)).toBe(0xffff);
    rig.ports.write(0xb2, 0xf1, 1);
    expect(rig.ports.read(0xb004, 2)).toBe(1); // SCI_EN
    rig.ports.write(0xb2, 0xf0, 1);
    expect(rig.ports.read(0xb004, 2)).toBe(0);
    expect(rig.ports.read(0xb2, 1)).toBe(0xf0);
  });

  it('power off on SLP_EN with the S5 type, and only then', () => {
    const rig = withPm();
    rig.ports.write(0x604, 0x0001, 2);
    rig.ports.write(0x604, 0x2401, 2); // S3
    expect(rig.requests.shutdown).toBe(0);
    rig.ports.write(0x604, 0x2000, 2);
    expect(rig.requests.shutdown).toBe(1);
    expect(rig.ports.read(0x604, 2)).toBe(0);
  });

  it('count the power management timer at 3.579545 MHz', () => {
    const rig = withPm();
    const before = rig.ports.read(0x608, 4);
    rig.clock.advanceTo(1_000_000_000);
    expect(rig.ports.read(0x608, 4) - before).toBe(3_579_545);
    rig.clock.advanceTo(5_000_000_000);
    expect(rig.ports.read(0x608, 4)).toBe((5 * 3_579_545) & 0xff_ffff);
  });

  it('interrupt when the timer wraps to its upper half, if enabled', () => {
    const rig = withPm();
    rig.ports.write(0x602, 1, 2);
    rig.ports.write(0x600, 1, 2);
    rig.clock.advanceTo(2_340_000_000);
    expect(rig.sci.level).toBe(false);
    rig.clock.advanceTo(2_350_000_000); // 0x800000 / 3579545 Hz = 2.343 s
    expect(rig.sci.level).toBe(true);
    rig.ports.write(0x600, 1, 2);
    expect(rig.sci.level).toBe(false);
    rig.clock.advanceTo(4_690_000_000);
    expect(rig.sci.level).toBe(true);
  });

  it('report the power button', () => {
    const rig = withPm();
    rig.ports.write(0x602, 0x100, 2);
    rig.pm.parts.power.pressPowerButton();
    expect(rig.sci.level).toBe(true);
    expect(rig.ports.read(0x600, 2)).toBe(0x100);
  });
});

it('PCI devices save and load: configuration, windows, ports and lines follow', () => {
  const rig = pciRig();
  rig.writeConfig(0, 0, 0x59, 0x30, 1);
  rig.writeConfig(1, 0, 0x60, 10, 1);
  rig.writeConfig(1, 3, 0x40, 0x601);
  rig.writeConfig(1, 3, 0x80, 1, 1);
  rig.ports.write(0x602, 0x101, 2);
  rig.pm.parts.power.pressPowerButton();
  const saved = rig.devices.map((device) => device.save());
  const other = pciRig();
  loadDevices(other.devices.map((device, i) => ({ device, bytes: saved[i] as Uint8Array })));
  expect(other.devices.map((device) => device.save())).toEqual(saved);
  expect(other.ports.read(0x602, 2)).toBe(0x101);
  expect(other.sci.level).toBe(true);
  other.memory.write(0xf0000, 0x77, 1);
  expect(other.memory.read(0xf0000, 1)).toBe(0x77);
  rig.writeConfig(0, 0, 0x59, 0x00, 1); // the windows survive a reset
  resetAll(rig.devices);
  expect(rig.devices.map((device) => device.hash())).toEqual(pciRig().devices.map((device) => device.hash()));
});
