/** Extents of a VMDK one behind the other, each a file or nothing but zeros. */
import type { BlockNode } from '../../api.ts';
import { BlockFailure } from '../../api.ts';
import { checkBounds, checkWritable, type ImageExtent, type ImageInfo, type ImageNode, readPadded } from '../image.ts';

export interface ImageExtentPart {
  readonly sizeBytes: number;
  /** Absent: zeros. */
  readonly node: ImageNode | undefined;
}

export class ExtentRow implements ImageNode {
  readonly driver = 'vmdk';
  readonly readonly: boolean;
  readonly info: ImageInfo;
  readonly sizeBytes: number;
  readonly backing: ImageNode | undefined;
  private readonly descriptor: BlockNode;
  private readonly parts: readonly ImageExtentPart[];

  constructor(
    descriptor: BlockNode,
    parts: readonly ImageExtentPart[],
    { readonly, info, backing }: { readonly: boolean; info: ImageInfo; backing: ImageNode | undefined },
  ) {
    this.descriptor = descriptor;
    this.parts = parts;
    // A copy of the parent's contents would have to be made first.
    this.readonly = readonly || backing !== undefined;
    this.info = info;
    this.backing = backing;
    this.sizeBytes = parts.reduce((sum, part) => sum + part.sizeBytes, 0);
  }

  /** The parts that a request touches: where in each, and how much. */
  private *touched(
    offset: number,
    length: number,
  ): Generator<{ node: ImageNode | undefined; start: number; at: number; length: number }> {
    let start = 0;
    for (const { sizeBytes, node } of this.parts) {
      const from = Math.max(offset, start);
      const to = Math.min(offset + length, start + sizeBytes);
      if (to > from) yield { node, start: from - start, at: from - offset, length: to - from };
      start += sizeBytes;
    }
  }

  async read(offset: number, into: Uint8Array): Promise<void> {
    checkBounds(this, offset, into.length);
    if (this.backing !== undefined) return this.readOverParent(offset, into);
    for (const { node, start, at, length } of this.touched(offset, into.length)) {
      const part = into.subarray(at, at + length);
      if (node === undefined) part.fill(0);
      else await node.read(start, part);
    }
  }

  private async readOverParent(offset: number, into: Uint8Array): Promise<void> {
    for (let at = 0; at < into.length; ) {
      const extent = await this.extentAt(offset + at);
      const part = into.subarray(at, at + extent.length);
      if (!extent.allocated && this.backing !== undefined) await readPadded(this.backing, offset + at, part);
      else {
        for (const { node, start, at: within, length } of this.touched(offset + at, part.length)) {
          const piece = part.subarray(within, within + length);
          if (node === undefined) piece.fill(0);
          else await node.read(start, piece);
        }
      }
      at += part.length;
    }
  }

  async write(offset: number, from: Uint8Array): Promise<void> {
    checkBounds(this, offset, from.length);
    checkWritable(this);
    for (const { node, start, at, length } of this.touched(offset, from.length)) {
      if (node === undefined) throw new BlockFailure('EROFS', 'a ZERO extent of a VMDK cannot be written');
      await node.write(start, from.subarray(at, at + length));
    }
  }

  async writeZeroes(offset: number, length: number): Promise<void> {
    checkBounds(this, offset, length);
    checkWritable(this);
    for (const part of this.touched(offset, length)) await part.node?.writeZeroes(part.start, part.length);
  }

  async discard(offset: number, length: number): Promise<void> {
    checkBounds(this, offset, length);
  }

  async flush(): Promise<void> {
    for (const { node } of this.parts) await node?.flush();
  }

  async extentAt(offset: number): Promise<ImageExtent> {
    checkBounds(this, offset, 1);
    for (const { node, start, length } of this.touched(offset, this.sizeBytes - offset)) {
      if (node === undefined) return { length, zero: true, allocated: true };
      const { hostOffset: _, ...extent } = await node.extentAt(start);
      const isBelow = !extent.allocated && offset < (this.backing?.sizeBytes ?? 0);
      return { ...extent, zero: extent.zero && !isBelow };
    }
    throw new Error('BUG: an offset within no part');
  }

  async resize(sizeBytes: number): Promise<void> {
    throw new BlockFailure('EINVAL', `vmdk images cannot be resized (to ${sizeBytes} bytes)`);
  }

  async close(): Promise<void> {
    for (const { node } of this.parts) await node?.close();
    await this.backing?.close();
    await this.descriptor.close();
  }
}
