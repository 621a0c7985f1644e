/** The 64-KiB space of I/O ports. Dispatch is one table look-up; the table follows the region tree. */
import { isValidAccess, lowestBit, partSize, readAdjusted, trim, writeAdjusted } from './access.ts';
import { type FlatRange, flatten } from './flat-view.ts';
import { hex, type LogHook, noLog } from './log.ts';
import type { Container, IoRegion } from './region.ts';

export const PORT_COUNT = 0x10000;

interface PortRange {
  readonly region: IoRegion;
  /** Port number minus this is the offset in the region. */
  readonly base: number;
}

/** As on the bus, a wide access goes as a whole to whoever decodes its first port, aligned as far as the port is. */
const holePart = (port: number, length: number): number => {
  const size = Math.min(length, lowestBit(port));
  return size >= 4 ? 4 : size >= 2 ? 2 : 1;
};

export class PortSpace {
  private readonly root: Container;
  private readonly log: LogHook;
  /** For each port, 1 + the index in `ranges`; 0 where nothing is. */
  private readonly table = new Uint16Array(PORT_COUNT);
  private ranges: readonly PortRange[] = [];

  constructor(root: Container, log: LogHook = noLog) {
    this.root = root;
    this.log = log;
    root.onChange(() => this.rebuild());
    this.rebuild();
  }

  /** IN: `size` is 1, 2 or 4. Ports without a device read as all ones. */
  read(port: number, size: number): number {
    const range = this.at(port);
    if (range === undefined || size !== 1) return this.readParts(port, size);
    const offset = port - range.base;
    return isValidAccess(range.region, offset, 1) ? readAdjusted(range.region, offset, 1) : this.refusedRead(port, 1);
  }

  /** OUT: `size` is 1, 2 or 4. Ports without a device ignore it. */
  write(port: number, value: number, size: number): void {
    let done = 0;
    while (done < size) {
      const at = (port + done) & 0xffff;
      const range = this.at(at);
      if (range === undefined) {
        const part = holePart(at, size - done);
        this.log('unimp', `port ${hex(at, 4)}: write of ${hex(trim(value >>> (done * 8), part))}, no device`);
        done += part;
        continue;
      }
      const offset = at - range.base;
      const part = partSize(range.region, offset, size - done);
      const bits = trim(value >>> (done * 8), part);
      if (isValidAccess(range.region, offset, part)) writeAdjusted(range.region, offset, bits, part);
      else
        this.log('guest_errors', `port ${hex(at, 4)}: region '${range.region.name}' refuses writes of ${part} bytes`);
      done += part;
    }
  }

  private readParts(port: number, size: number): number {
    let value = 0;
    let done = 0;
    while (done < size) {
      const at = (port + done) & 0xffff;
      const range = this.at(at);
      if (range === undefined) {
        this.log('unimp', `port ${hex(at, 4)}: read, no device`);
        const part = holePart(at, size - done);
        value |= trim(-1, part) << (done * 8);
        done += part;
        continue;
      }
      const offset = at - range.base;
      const part = partSize(range.region, offset, size - done);
      const valid = isValidAccess(range.region, offset, part);
      value |= (valid ? readAdjusted(range.region, offset, part) : this.refusedRead(at, part)) << (done * 8);
      done += part;
    }
    return value >>> 0;
  }

  private refusedRead(port: number, size: number): number {
    this.log('guest_errors', `port ${hex(port, 4)}: device refuses reads of ${size} bytes`);
    return 0;
  }

  private at(port: number): PortRange | undefined {
    return this.ranges[(this.table[port] ?? 0) - 1];
  }

  private rebuild(): void {
    this.table.fill(0);
    const io = flatten(this.root).filter((r): r is FlatRange & { region: IoRegion } => r.region.kind === 'io');
    this.ranges = io.map((range, index) => {
      this.table.fill(index + 1, range.start, range.end);
      return { region: range.region, base: range.start - range.offset };
    });
  }
}
