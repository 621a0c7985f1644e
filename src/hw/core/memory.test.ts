import { describe, expect, test } from 'vitest';
import { createDma } from './dma.ts';
import { AddressSpace, type PhysicalMap } from './memory.ts';
import { PORT_COUNT, PortSpace } from './ports.ts';
import { aliasRegion, Container, type IoOps, type IoRules, ioRegion, ramRegion, romRegion } from './region.ts';

/** Records accesses as text; reads give the offset in each byte. */
function recorder(): IoOps & { readonly seen: string[] } {
  const seen: string[] = [];
  return {
    seen,
    read(offset, size) {
      seen.push(`r${size}@${offset}`);
      let value = 0;
      for (let i = 0; i < size; i++) value |= ((offset + i) & 0xff) << (i * 8);
      return value >>> 0;
    },
    write: (offset, value, size) => void seen.push(`w${size}@${offset}=${value.toString(16)}`),
  };
}

function createSpace() {
  const root = new Container('system', 2 ** 40);
  const bytes = new Uint8Array(0x20000);
  const written: [number, number][] = [];
  const log: string[] = [];
  const space = new AddressSpace(
    root,
    { bytes, written: (at, length) => void written.push([at, length]) },
    (_category, message) => void log.push(message),
  );
  return { root, bytes, written, log, space };
}

describe('memory', () => {
  test('higher priority hides lower, later hides earlier, holes show what lies below', () => {
    const { root, space } = createSpace();
    root.add(0, ramRegion('ram', 0x10000, 0), { priority: -1 });
    const window = new Container('window', 0x4000);
    window.add(0x1000, ioRegion('dev', 0x1000, recorder()));
    root.add(0x2000, window);
    root.add(0x3800, ioRegion('late', 0x100, recorder()));
    expect(space.view.map((r) => [r.start, r.end, r.region.name, r.offset])).toEqual([
      [0, 0x3000, 'ram', 0],
      [0x3000, 0x3800, 'dev', 0],
      [0x3800, 0x3900, 'late', 0],
      [0x3900, 0x4000, 'dev', 0x900],
      [0x4000, 0x10000, 'ram', 0x4000],
    ]);
  });

  test('an alias shows its target from an offset and can be read-only', () => {
    const { root, space, bytes } = createSpace();
    const ram = ramRegion('ram', 0x10000, 0);
    root.add(0, ram);
    root.add(0xf000_0000, aliasRegion('high', ram, 0x8000, 0x1000, { readonly: true }));
    bytes[0x8004] = 0x5a;
    expect(space.read(0xf000_0004, 1)).toBe(0x5a);
    space.write(0xf000_0004, 1, 1);
    expect(bytes[0x8004]).toBe(0x5a);
  });

  test('the engine hears of whole pages, first all, then what changed', () => {
    const { root, space } = createSpace();
    const calls: string[] = [];
    const map: PhysicalMap = {
      mapRam: (gpa, size, at, ro) =>
        void calls.push(`ram ${gpa.toString(16)}+${size.toString(16)}->${at.toString(16)}${ro ? ' ro' : ''}`),
      mapIo: (gpa, size) => void calls.push(`io ${gpa.toString(16)}+${size.toString(16)}`),
    };
    root.add(0, ramRegion('ram', 0x8000, 0));
    space.attach(map);
    expect(calls.splice(0)).toEqual(['ram 0+8000->0']);
    const rom = root.add(0x4000, romRegion('rom', 0x1000, 0x10000), { priority: 1 });
    expect(calls.splice(0)).toEqual(['ram 4000+1000->10000 ro']);
    const device = root.add(0x6800, ioRegion('dev', 4, recorder()), { priority: 1 });
    expect(calls.splice(0)).toEqual(['io 6000+1000']); // a page that is RAM only in part
    space.transaction(() => {
      rom.update({ enabled: false });
      device.remove();
    });
    expect(calls.splice(0)).toEqual(['ram 4000+1000->4000', 'ram 6000+1000->6000']);
  });

  test('a page shared by RAM and a device is served in parts', () => {
    const { root, space, bytes, written } = createSpace();
    root.add(0, ramRegion('ram', 0x1000, 0));
    const dev = recorder();
    root.add(0x802, ioRegion('dev', 2, dev), { priority: 1 });
    bytes.set([0x11, 0x22], 0x800);
    expect(space.read(0x800, 4)).toBe(0x01002211);
    space.write(0x800, 0xddccbbaa, 4);
    expect([...bytes.subarray(0x800, 0x802)]).toEqual([0xaa, 0xbb]);
    expect(written.length).toBe(2);
    expect(dev.seen).toEqual(['r1@0', 'r1@1', 'w1@0=cc', 'w1@1=dd']);
  });

  test('holes read as 0, ignore writes and are logged', () => {
    const { space, log } = createSpace();
    expect(space.read(0xfee0_0000, 4)).toBe(0);
    space.write(0xfee0_0000, 1, 4);
    expect(log).toEqual([
      'Invalid read at addr 0xfee00000, size 4: unassigned',
      'Invalid write at addr 0xfee00000, size 4: unassigned',
    ]);
  });

  test.each<[string, IoRules, number, number, string[], number]>([
    ['wide access to an 8-bit chip', { impl: { min: 1, max: 1 } }, 4, 4, ['r1@4', 'r1@5', 'r1@6', 'r1@7'], 0x07060504],
    ['byte of a 32-bit register', { impl: { min: 4, max: 4 } }, 4, 1, ['r4@4'], 0x04],
    ['refused size', { valid: { min: 4, max: 4 } }, 4, 2, [], 0],
    ['refused alignment', {}, 5, 2, [], 0],
    ['allowed misalignment', { valid: { min: 1, max: 4, unaligned: true } }, 5, 2, ['r2@5'], 0x0605],
  ])('%s', (_title, rules, offset, size, seen, value) => {
    const { root, space } = createSpace();
    const dev = recorder();
    root.add(0x1000, ioRegion('dev', 0x100, dev, rules));
    expect(space.read(0x1000 + offset, size)).toBe(value);
    expect(dev.seen).toEqual(seen);
  });

  test('DMA crosses RAM, holes and devices, reports writes and leaves ROM alone', () => {
    const { root, space, bytes, written } = createSpace();
    root.add(0, ramRegion('ram', 0x1000, 0));
    root.add(0x1008, ioRegion('dev', 8, recorder()));
    root.add(0x2000, romRegion('rom', 0x1000, 0x10000));
    const dma = createDma(space);
    bytes.fill(0xee, 0xffc, 0x1000);
    const into = new Uint8Array(24).fill(1);
    dma.read(0xffc, into);
    expect([...into]).toEqual([0xee, 0xee, 0xee, 0xee, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 0, 0, 0, 0]);
    dma.writeU32(0xffe, 0x44332211);
    expect([bytes[0xffe], bytes[0xfff], written]).toEqual([0x11, 0x22, [[0xffe, 2]]]);
    dma.writeU64(0x2000, 0x1234n);
    expect(dma.readU64(0x2000)).toBe(0n);
  });

  test('a bus master can ask whether a range is memory throughout', () => {
    const { root, space } = createSpace();
    root.add(0, ramRegion('ram', 0x1000, 0));
    root.add(0x1000, romRegion('rom', 0x1000, 0x10000));
    root.add(0x2000, ioRegion('dev', 8, recorder()));
    const dma = createDma(space);
    expect([dma.isRam(0, 0x2000), dma.isRam(0xfff, 2), dma.isRam(0x1fff, 1)]).toEqual([true, true, true]);
    expect([dma.isRam(0, 0x2001), dma.isRam(0x2000, 1), dma.isRam(0x3000, 1)]).toEqual([false, false, false]);
  });
});

describe('ports', () => {
  function createPorts() {
    const root = new Container('io', PORT_COUNT);
    return { root, ports: new PortSpace(root) };
  }

  test('ports without a device read as all ones', () => {
    const { ports } = createPorts();
    expect([ports.read(0x1234, 1), ports.read(0x1234, 2), ports.read(0xfffe, 4)]).toEqual([0xff, 0xffff, 0xffff_ffff]);
    ports.write(0x1234, 1, 4);
  });

  test('a wide access goes in full width to the device of its first port, as on the bus', () => {
    // Measured with QEMU 7.2: inw 0x4d0, a one-byte region, reads the register twice.
    const { root, ports } = createPorts();
    const [one, two] = [recorder(), recorder()];
    root.add(0x4d0, ioRegion('elcr0', 1, one, { impl: { min: 1, max: 1 } }));
    root.add(0x4d1, ioRegion('elcr1', 1, two, { impl: { min: 1, max: 1 } }));
    ports.read(0x4d0, 2);
    expect([one.seen, two.seen]).toEqual([['r1@0', 'r1@1'], []]);
  });

  test('a misaligned access is cut at its alignment', () => {
    const { root, ports } = createPorts();
    const dev = recorder();
    root.add(0xe0, ioRegion('dev', 8, dev));
    expect(ports.read(0xe1, 4)).toBe(0x04030201);
    ports.write(0xe3, 0xaabb, 2);
    expect(dev.seen).toEqual(['r1@1', 'r2@2', 'r1@4', 'w1@3=bb', 'w1@4=aa']);
  });

  test('the table follows changes of the tree, also below aliases and containers', () => {
    const { root, ports } = createPorts();
    const card = new Container('card', 0x10);
    root.add(0x300, card);
    const mapping = card.add(4, ioRegion('dev', 4, recorder()));
    expect(ports.read(0x305, 1)).toBe(1);
    mapping.update({ at: 0 });
    expect([ports.read(0x301, 1), ports.read(0x305, 1)]).toEqual([1, 0xff]);
    mapping.update({ enabled: false });
    expect(ports.read(0x301, 1)).toBe(0xff);
  });
});
