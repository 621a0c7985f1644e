import { describe, expect, it } from 'vitest';
import { createDma } from '../../core/dma.ts';
import { AddressSpace } from '../../core/memory.ts';
import { Container, ramRegion } from '../../core/region.ts';
import { createBench } from '../../core/test-bench.ts';
import { fwCfg } from './fw-cfg.ts';
import { FW_CFG, fwCfgItems, littleEndian } from './fw-cfg-items.ts';

function rig() {
  const bytes = new Uint8Array(0x10000);
  const system = new Container('system', 2 ** 32);
  system.add(0, ramRegion('ram', bytes.length, 0));
  const writable = new Uint8Array(4);
  const memory = new AddressSpace(system, { bytes, written() {} });
  const items = fwCfgItems(
    { [FW_CFG.RAM_SIZE]: littleEndian(0x8000000, 8), [FW_CFG.IRQ0_OVERRIDE]: littleEndian(1, 4) },
    {
      'etc/e820': { bytes: new Uint8Array([1, 2, 3]) },
      bootorder: { bytes: new Uint8Array() },
      'opt/writable': { bytes: writable, write: (offset, from) => writable.set(from, offset) },
    },
  );
  const bench = createBench(fwCfg, { items, dma: createDma(memory) });
  const view = new DataView(bytes.buffer);
  return {
    bench,
    bytes,
    writable,
    view,
    read(key: number, length: number): number[] {
      bench.out('control', 0, key, 2);
      return Array.from({ length }, () => bench.in('control', 1));
    },
    /** Places a command at 0x100 and starts it. */
    dma(control: number, length: number, address: number): number {
      view.setUint32(0x100, control);
      view.setUint32(0x104, length);
      view.setBigUint64(0x108, BigInt(address));
      bench.out('dma', 0, 0, 4);
      bench.out('dma', 4, 0x00010000, 4); // 0x100, big-endian
      return view.getUint32(0x100);
    },
  };
}

describe('fw_cfg', () => {
  it('says who it is and that it can do DMA', () => {
    const { read, bench } = rig();
    expect(String.fromCharCode(...read(FW_CFG.SIGNATURE, 4))).toBe('QEMU');
    expect(read(FW_CFG.ID, 4)).toEqual([3, 0, 0, 0]);
    expect(bench.in('dma', 0, 4)).toBe(0x554d4551); // 'QEMU'
    expect(bench.in('dma', 4, 4)).toBe(0x47464320); // ' CFG'
  });

  it('gives numbered items byte by byte, then zeros', () => {
    const { read } = rig();
    expect(read(FW_CFG.RAM_SIZE, 10)).toEqual([0, 0, 0, 8, 0, 0, 0, 0, 0, 0]);
    expect(read(FW_CFG.IRQ0_OVERRIDE, 4)).toEqual([1, 0, 0, 0]);
    expect(read(0x1234, 2)).toEqual([0, 0]);
  });

  it('lists files by name', () => {
    const { read } = rig();
    const directory = read(FW_CFG.FILE_DIR, 4 + 192);
    expect(directory.slice(0, 4)).toEqual([0, 0, 0, 3]);
    const entry = directory.slice(4 + 64, 4 + 128);
    expect(entry.slice(0, 8)).toEqual([0, 0, 0, 3, 0, 0x21, 0, 0]);
    expect(String.fromCharCode(...entry.slice(8, 17))).toBe('etc/e820\0');
    expect(read(0x21, 4)).toEqual([1, 2, 3, 0]);
  });

  it('copies items to memory by DMA, with zeros behind their end', () => {
    const { dma, bytes } = rig();
    bytes.fill(0xee, 0x200, 0x210);
    expect(dma((0x21 << 16) | 0x0a, 5, 0x200)).toBe(0);
    expect([...bytes.subarray(0x200, 0x206)]).toEqual([1, 2, 3, 0, 0, 0xee]);
  });

  it('skips, and goes on where it stopped', () => {
    const { dma, bytes } = rig();
    dma((0x21 << 16) | 0x0c, 1, 0);
    dma(0x02, 1, 0x200);
    expect(bytes[0x200]).toBe(2);
  });

  it('refuses DMA writes to what is read-only', () => {
    expect(rig().dma((0x21 << 16) | 0x18, 1, 0x200)).toBe(1);
  });

  it('writes a file that may be written, but not beyond its end', () => {
    const { dma, bytes, writable } = rig();
    bytes.set([7, 8, 9], 0x200);
    dma((0x22 << 16) | 0x0c, 1, 0); // select and skip
    expect(dma(0x10, 3, 0x200)).toBe(0);
    expect([...writable]).toEqual([0, 7, 8, 9]);
    expect(dma(0x10, 1, 0x200)).toBe(1);
  });

  it('goes on after save and load', () => {
    const { bench, read } = rig();
    read(FW_CFG.RAM_SIZE, 3);
    expect(bench.reloaded().in('control', 1)).toBe(8);
  });
});
