/** Images of blocks of one size, each of which is somewhere in the file or nowhere: most formats but qcow2 are. */
import { BlockFailure, type BlockNode } from '../api.ts';
import {
  checkBounds,
  checkWritable,
  type ImageExtent,
  type ImageInfo,
  type ImageNode,
  readPadded,
  writeGrowing,
  zeroGrowing,
} from './image.ts';
import { SharedLock } from './shared-lock.ts';

/** What a block is. `packed` is called with room for the whole block. */
export type Place =
  | { readonly kind: 'none' }
  | { readonly kind: 'zero' }
  | { readonly kind: 'data'; readonly host: number }
  | { readonly kind: 'packed'; readonly unpack: (into: Uint8Array<ArrayBuffer>) => Promise<void> };

/** A format's part: where things are. */
export interface BlockMap {
  readonly driver: string;
  readonly sizeBytes: number;
  readonly blockSize: number;
  /** The file that `find`'s offsets are of. */
  readonly file: BlockNode;
  readonly info: ImageInfo;
  find(block: number): Promise<Place>;
  /** A place for a block that has none; what is there reads as zeros. Absent: the format is not written. */
  allocate?(block: number): Promise<number>;
  /** The block's contents are written: the tables may lead there. */
  link?(block: number, host: number): Promise<void>;
  /** Writes tables that changed, behind the contents they lead to. */
  commit?(): Promise<void>;
  close?(): Promise<void>;
}

export const NONE: Place = { kind: 'none' };
export const ZERO: Place = { kind: 'zero' };

export interface MappedImageOptions {
  readonly readonly: boolean;
  readonly backing?: ImageNode | undefined;
}

export class MappedImage implements ImageNode {
  readonly readonly: boolean;
  readonly backing: ImageNode | undefined;
  private readonly map: BlockMap;
  private readonly lock = new SharedLock();
  private unpacked: { block: number; bytes: Uint8Array } | undefined;

  constructor(map: BlockMap, { readonly, backing }: MappedImageOptions) {
    this.map = map;
    this.readonly = readonly || map.allocate === undefined;
    this.backing = backing;
  }

  get driver(): string {
    return this.map.driver;
  }

  get sizeBytes(): number {
    return this.map.sizeBytes;
  }

  get info(): ImageInfo {
    return this.map.info;
  }

  async read(offset: number, into: Uint8Array): Promise<void> {
    checkBounds(this, offset, into.length);
    await this.lock.shared(async () => {
      for (const part of this.parts(offset, into.length)) {
        await this.readPart(part, into.subarray(part.at, part.at + part.length));
      }
    });
  }

  private *parts(
    offset: number,
    length: number,
  ): Generator<{ block: number; within: number; at: number; length: number }> {
    const { blockSize } = this.map;
    for (let at = 0; at < length; ) {
      const within = (offset + at) % blockSize;
      const part = Math.min(blockSize - within, length - at);
      yield { block: Math.floor((offset + at) / blockSize), within, at, length: part };
      at += part;
    }
  }

  private async readPart({ block, within }: { block: number; within: number }, into: Uint8Array): Promise<void> {
    const place = await this.map.find(block);
    if (place.kind === 'data') {
      await readPadded(this.map.file, place.host + within, into);
    } else if (place.kind === 'packed') {
      into.set((await this.unpack(block, place.unpack)).subarray(within, within + into.length));
    } else if (place.kind === 'none' && this.backing !== undefined) {
      await readPadded(this.backing, block * this.map.blockSize + within, into);
    } else {
      into.fill(0);
    }
  }

  private async unpack(block: number, unpack: (into: Uint8Array<ArrayBuffer>) => Promise<void>): Promise<Uint8Array> {
    if (this.unpacked?.block === block) return this.unpacked.bytes;
    const bytes = new Uint8Array(this.map.blockSize);
    await unpack(bytes);
    this.unpacked = { block, bytes };
    return bytes;
  }

  async write(offset: number, from: Uint8Array): Promise<void> {
    checkBounds(this, offset, from.length);
    checkWritable(this);
    await this.lock.alone(async () => {
      for (const part of this.parts(offset, from.length)) {
        await this.writePart(part, from.subarray(part.at, part.at + part.length));
      }
    });
  }

  private async writePart({ block, within }: { block: number; within: number }, from: Uint8Array): Promise<void> {
    const { map } = this;
    const place = await map.find(block);
    if (place.kind === 'data') {
      await writeGrowing(map.file, place.host + within, from);
      return;
    }
    if (place.kind === 'packed' || map.allocate === undefined) {
      throw new BlockFailure('EROFS', `${map.driver}: compressed blocks cannot be written`);
    }
    const host = await map.allocate(block);
    if (place.kind === 'none' && this.backing !== undefined && from.length < map.blockSize) {
      const whole = new Uint8Array(map.blockSize);
      await readPadded(this.backing, block * map.blockSize, whole);
      whole.set(from, within);
      await writeGrowing(map.file, host, whole);
    } else {
      await writeGrowing(map.file, host + within, from);
    }
    await map.link?.(block, host);
  }

  async writeZeroes(offset: number, length: number): Promise<void> {
    checkBounds(this, offset, length);
    checkWritable(this);
    await this.lock.alone(async () => {
      for (const part of this.parts(offset, length)) {
        const place = await this.map.find(part.block);
        const readsZero = place.kind === 'zero' || (place.kind === 'none' && this.backing === undefined);
        if (readsZero) continue;
        if (place.kind === 'data') await zeroGrowing(this.map.file, place.host + part.within, part.length);
        else await this.writePart(part, new Uint8Array(part.length));
      }
    });
  }

  async discard(offset: number, length: number): Promise<void> {
    checkBounds(this, offset, length);
  }

  async flush(): Promise<void> {
    if (this.readonly) return;
    await this.lock.alone(async () => {
      await this.map.commit?.();
      await this.map.file.flush();
    });
  }

  async extentAt(offset: number): Promise<ImageExtent> {
    checkBounds(this, offset, 1);
    const { blockSize } = this.map;
    const within = offset % blockSize;
    const length = Math.min(blockSize - within, this.sizeBytes - offset);
    const place = await this.lock.shared(() => this.map.find(Math.floor(offset / blockSize)));
    switch (place.kind) {
      case 'none': {
        const behind = (this.backing?.sizeBytes ?? 0) - offset;
        return { length: behind > 0 ? Math.min(length, behind) : length, zero: behind <= 0, allocated: false };
      }
      case 'zero':
        return { length, zero: true, allocated: true };
      case 'data':
        return { length, zero: false, allocated: true, hostOffset: place.host + within };
      case 'packed':
        return { length, zero: false, allocated: true, compressed: true };
    }
  }

  async resize(sizeBytes: number): Promise<void> {
    throw new BlockFailure('EINVAL', `${this.driver} images cannot be resized (to ${sizeBytes} bytes)`);
  }

  async close(): Promise<void> {
    await this.flush();
    await this.backing?.close();
    await this.map.close?.();
    await this.map.file.close();
  }
}
