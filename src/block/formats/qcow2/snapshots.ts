/** Internal snapshots: docs/interop/qcow2.txt of QEMU, "Snapshots". Each is an L1 table of its own over shared clusters. */
import { BlockFailure } from '../../api.ts';
import { getU64BE, hex, roundUp, setU64BE, viewOf } from '../fields.ts';
import { readStructure, refuse, type SnapshotInfo, type Snapshots, writeGrowing } from '../image.ts';
import { FIELD, MAX_SNAPSHOTS } from './header.ts';
import type { Qcow2Image } from './image.ts';
import { COMPRESSED, COPIED, compressedPlace, l1EntriesFor, offsetOf, readL1 } from './tables.ts';

const FIXED = 40;
/** QEMU's bound for what later versions may add to an entry. */
const MAX_EXTRA = 1024;
const VM_STATE_FIELD = 0;
const DISK_SIZE_FIELD = 8;
const MIN_EXTRA = 16;
const ENTRY = 8;

export interface Snapshot extends SnapshotInfo {
  readonly l1Offset: number;
  readonly l1Entries: number;
  readonly extra: Uint8Array;
}

/** Bytes of the file that a table or an entry refers to. */
export interface Reference {
  readonly offset: number;
  readonly length: number;
}

export class SnapshotTable implements Snapshots {
  list: readonly Snapshot[] = [];
  private readonly image: Qcow2Image;
  private bytes = 0;

  constructor(image: Qcow2Image) {
    this.image = image;
  }

  /** Where the table lies. */
  get area(): Reference | undefined {
    const offset = this.image.header.snapshotsOffset;
    return this.list.length === 0 ? undefined : { offset, length: this.bytes };
  }

  async load(): Promise<void> {
    const { file, name, header, clusterSize } = this.image;
    const { snapshotCount, snapshotsOffset } = header;
    if (snapshotCount === 0) return;
    if (snapshotCount > MAX_SNAPSHOTS) throw refuse(name, `too many snapshots (${snapshotCount})`);
    if (snapshotsOffset % clusterSize !== 0) {
      throw refuse(name, `the snapshot table's offset ${hex(snapshotsOffset)} is not aligned`);
    }
    const list: Snapshot[] = [];
    let at = snapshotsOffset;
    for (let i = 0; i < snapshotCount; i++) {
      const what = `entry ${i} of the snapshot table`;
      const fixed = await readStructure(file, { name, what, offset: at, length: FIXED });
      const view = viewOf(fixed);
      const [idLength, nameLength, extraLength] = [view.getUint16(12), view.getUint16(14), view.getUint32(36)];
      if (extraLength > MAX_EXTRA) throw refuse(name, `${what} has too much extra data (${extraLength} bytes)`);
      const length = extraLength + idLength + nameLength;
      const rest = await readStructure(file, { name, what, offset: at + FIXED, length });
      list.push(this.parse(view, rest));
      at += roundUp(FIXED + length, 8);
    }
    this.list = list;
    this.bytes = at - snapshotsOffset;
  }

  private parse(fixed: DataView, rest: Uint8Array): Snapshot {
    const [idLength, nameLength, extraLength] = [fixed.getUint16(12), fixed.getUint16(14), fixed.getUint32(36)];
    const extra = rest.slice(0, extraLength);
    const text = new TextDecoder();
    const hasField = (field: number): boolean => extraLength >= field + 8;
    return {
      id: text.decode(rest.subarray(extraLength, extraLength + idLength)),
      name: text.decode(rest.subarray(extraLength + idLength, extraLength + idLength + nameLength)),
      l1Offset: getU64BE(fixed, 0),
      l1Entries: fixed.getUint32(8),
      dateSeconds: fixed.getUint32(16),
      dateNanoseconds: fixed.getUint32(20),
      vmClockNs: getU64BE(fixed, 24),
      vmStateBytes: hasField(VM_STATE_FIELD) ? getU64BE(viewOf(extra), VM_STATE_FIELD) : fixed.getUint32(32),
      diskBytes: hasField(DISK_SIZE_FIELD) ? getU64BE(viewOf(extra), DISK_SIZE_FIELD) : this.image.sizeBytes,
      extra,
    };
  }

  private encode(list: readonly Snapshot[]): Uint8Array<ArrayBuffer> {
    const text = new TextEncoder();
    const entries = list.map((snapshot) => {
      const [id, name] = [text.encode(snapshot.id), text.encode(snapshot.name)];
      const bytes = new Uint8Array(roundUp(FIXED + snapshot.extra.length + id.length + name.length, 8));
      const view = viewOf(bytes);
      setU64BE(view, 0, snapshot.l1Offset);
      view.setUint32(8, snapshot.l1Entries);
      view.setUint16(12, id.length);
      view.setUint16(14, name.length);
      view.setUint32(16, snapshot.dateSeconds);
      view.setUint32(20, snapshot.dateNanoseconds);
      setU64BE(view, 24, snapshot.vmClockNs);
      view.setUint32(32, Math.min(snapshot.vmStateBytes, 0xffffffff));
      view.setUint32(36, snapshot.extra.length);
      bytes.set(snapshot.extra, FIXED);
      bytes.set(id, FIXED + snapshot.extra.length);
      bytes.set(name, FIXED + snapshot.extra.length + id.length);
      return bytes;
    });
    const table = new Uint8Array(entries.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const entry of entries) {
      table.set(entry, at);
      at += entry.length;
    }
    return table;
  }

  private find(idOrName: string): Snapshot {
    const found = this.list.find(({ id }) => id === idOrName) ?? this.list.find(({ name }) => name === idOrName);
    if (found === undefined) {
      throw new BlockFailure('EINVAL', `image '${this.image.name}': there is no snapshot '${idOrName}'`);
    }
    return found;
  }

  /** `vmStateBytes`: how much of what `writeVmState` wrote belongs to it. */
  async create(
    name: string,
    at: { dateSeconds: number; dateNanoseconds: number; vmClockNs: number; vmStateBytes?: number },
  ): Promise<void> {
    const { image } = this;
    const { tables, refcounts } = image;
    if (this.list.length >= MAX_SNAPSHOTS) {
      throw new BlockFailure('EINVAL', `image '${image.name}': it has ${MAX_SNAPSHOTS} snapshots already`);
    }
    await image.alone(async () => {
      await tables.commit();
      await this.refer(tables.l1);
      await this.settleCopied();
      await tables.commit();
      const l1 = new Uint8Array(roundUp(tables.l1.byteLength, image.clusterSize));
      l1.set(new Uint8Array(tables.l1.buffer, tables.l1.byteOffset, tables.l1.byteLength));
      const l1Offset = l1.length === 0 ? 0 : await refcounts.allocate(l1.length / image.clusterSize);
      if (l1.length > 0) await writeGrowing(image.file, l1Offset, l1);
      const extra = new Uint8Array(MIN_EXTRA);
      const vmStateBytes = at.vmStateBytes ?? 0;
      setU64BE(viewOf(extra), VM_STATE_FIELD, vmStateBytes);
      setU64BE(viewOf(extra), DISK_SIZE_FIELD, image.sizeBytes);
      const ids = this.list.map(({ id }) => Number(id)).filter(Number.isSafeInteger);
      const snapshot: Snapshot = {
        id: String(Math.max(0, ...ids) + 1),
        name,
        l1Offset,
        l1Entries: tables.l1Entries,
        dateSeconds: at.dateSeconds,
        dateNanoseconds: at.dateNanoseconds,
        vmClockNs: at.vmClockNs,
        vmStateBytes,
        diskBytes: image.sizeBytes,
        extra,
      };
      await this.replace([...this.list, snapshot]);
      await this.dropVmState();
      await tables.commit();
    });
  }

  /** A snapshot's L1 table. */
  async tableOf(idOrName: string): Promise<Uint8Array<ArrayBuffer>> {
    const { file, header, name } = this.image;
    const { l1Offset: offset, l1Entries: entries, name: own } = this.find(idOrName);
    return readL1(file, { name, header, offset, entries, what: `the L1 table of snapshot '${own}'` });
  }

  async apply(idOrName: string): Promise<void> {
    const { image } = this;
    const { tables } = image;
    const snapshot = this.find(idOrName);
    await image.alone(async () => {
      const saved = await this.tableOf(idOrName);
      await tables.commit();
      // The one thing that may be refused goes first.
      await this.refer(viewOf(saved));
      if (snapshot.diskBytes !== image.sizeBytes) await image.resizeAlone(snapshot.diskBytes);
      await tables.commit();
      const l1 = new Uint8Array(Math.max(saved.length, tables.l1.byteLength));
      l1.set(saved);
      for (let at = 0; at < l1.length; at += ENTRY) l1[at] = l1[at]! & 0x7f;
      const padded = new Uint8Array(roundUp(l1.length, image.clusterSize));
      padded.set(l1);
      const left = tables.l1;
      await tables.replaceL1(l1, padded);
      await this.unrefer(left);
      await this.settleCopied();
      await tables.commit();
    });
  }

  async delete(idOrName: string): Promise<void> {
    const { image } = this;
    const { tables } = image;
    const snapshot = this.find(idOrName);
    await image.alone(async () => {
      const l1 = await this.tableOf(idOrName);
      await tables.commit();
      await this.replace(this.list.filter((other) => other !== snapshot));
      await this.unrefer(viewOf(l1));
      if (l1.length > 0) image.refcounts.release(snapshot.l1Offset, roundUp(l1.length, image.clusterSize));
      await this.settleCopied();
      await tables.commit();
    });
  }

  /** Writes another table and turns the header to it in one write. */
  private async replace(list: readonly Snapshot[]): Promise<void> {
    const { image } = this;
    const { file, header, refcounts, tables, clusterSize } = image;
    const old = this.area;
    const table = this.encode(list);
    const offset = table.length === 0 ? 0 : await refcounts.allocate(Math.ceil(table.length / clusterSize));
    if (table.length > 0) await writeGrowing(file, offset, table);
    await tables.commit();
    const field = new Uint8Array(12);
    viewOf(field).setUint32(0, list.length);
    setU64BE(viewOf(field), 4, offset);
    await file.write(FIELD.snapshotCount, field);
    await file.flush();
    header.snapshotCount = list.length;
    header.snapshotsOffset = offset;
    this.list = list;
    this.bytes = table.length;
    if (old !== undefined) refcounts.release(old.offset, old.length);
  }

  /** Everything that an L1 table leads to: its L2 tables and their clusters. */
  async *references(l1: DataView): AsyncGenerator<Reference> {
    const { tables, header, clusterSize, name } = this.image;
    const seen = new Set<number>();
    for (let i = 0; i < l1.byteLength / ENTRY; i++) {
      const table = offsetOf(l1.getUint32(i * ENTRY), l1.getUint32(i * ENTRY + 4));
      if (table === 0) continue;
      if (table % clusterSize !== 0 || seen.has(table)) {
        throw new BlockFailure(
          'EIO',
          `image '${name}': L2 table offset ${hex(table)} is unaligned or used twice (L1 index ${i})`,
        );
      }
      seen.add(table);
      yield { offset: table, length: clusterSize };
      for (let start = table; start < table + clusterSize; start += tables.cache.pageSize) {
        const { view } = await tables.cache.page(start);
        for (let at = 0; at < view.byteLength; at += ENTRY) {
          const [hi, lo] = [view.getUint32(at), view.getUint32(at + 4)];
          if (hi & COMPRESSED) {
            const { host, length } = compressedPlace(hi, lo, header.clusterBits);
            yield { offset: host, length };
          } else {
            const host = offsetOf(hi, lo);
            if (host % clusterSize !== 0) {
              throw new BlockFailure('EIO', `image '${name}': cluster offset ${hex(host)} is not aligned`);
            }
            if (host !== 0) yield { offset: host, length: clusterSize };
          }
        }
      }
    }
  }

  /** One reference more to everything that the table leads to, or to nothing. */
  private async refer(l1: DataView): Promise<void> {
    const { refcounts } = this.image;
    let done = 0;
    try {
      for await (const { offset, length } of this.references(l1)) {
        await refcounts.addReference(offset, length);
        done++;
      }
    } catch (error) {
      for await (const { offset, length } of this.references(l1)) {
        if (done-- === 0) break;
        await refcounts.dropReference(offset, length);
      }
      throw error;
    }
  }

  /** One reference less; nothing on the disk leads there by this table any more. */
  private async unrefer(l1: DataView): Promise<void> {
    for await (const { offset, length } of this.references(l1))
      await this.image.refcounts.dropReference(offset, length);
  }

  /** Lets go of the state of a machine in the active table; the snapshot that took it has it still. */
  async dropVmState(): Promise<void> {
    const { tables, refcounts, sizeBytes, header } = this.image;
    const state = new DataView(new ArrayBuffer(tables.l1.byteLength));
    for (let i = l1EntriesFor(sizeBytes, header.clusterBits); i < tables.l1Entries; i++) {
      setU64BE(state, i * ENTRY, tables.l1Offset(i));
    }
    for await (const { offset, length } of this.references(state)) refcounts.release(offset, length);
    for (let i = l1EntriesFor(sizeBytes, header.clusterBits); i < tables.l1Entries; i++) {
      if (tables.l1Offset(i) !== 0) tables.setL1(i, 0, 0);
    }
  }

  /** The active tables' flags that say of what there is no other owner, by the counts. */
  private async settleCopied(): Promise<void> {
    const { tables, refcounts, clusterSize } = this.image;
    const count = (offset: number): Promise<number> => refcounts.get(offset / clusterSize);
    for (let i = 0; i < tables.l1Entries; i++) {
      const table = tables.l1Offset(i);
      if (table === 0) continue;
      const isOwn = (await count(table)) === 1;
      const wasOwn = (tables.l1.getUint32(i * ENTRY) & COPIED) !== 0;
      if (isOwn !== wasOwn) tables.setL1(i, table, isOwn ? COPIED : 0);
      for (let start = table; start < table + clusterSize; start += tables.cache.pageSize) {
        const page = await tables.cache.page(start);
        for (let at = 0; at < page.bytes.length; at += ENTRY) {
          const hi = page.view.getUint32(at);
          const host = offsetOf(hi, page.view.getUint32(at + 4));
          if (hi & COMPRESSED || host === 0 || host % clusterSize !== 0) continue;
          const flagged = (hi & COPIED) !== 0;
          if (flagged === ((await count(host)) === 1)) continue;
          page.view.setUint32(at, (hi ^ COPIED) >>> 0);
          tables.cache.markDirty(page);
        }
      }
    }
  }
}
