/** A write-back cache of the pages of tables (L2, refcount blocks): bounded, least recently used out first. */
import type { BlockNode } from '../api.ts';
import { viewOf } from './fields.ts';
import { readPadded, writeGrowing } from './image.ts';

export interface Page {
  /** In the file. */
  readonly offset: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly view: DataView;
  dirty: boolean;
}

/**
 * Who holds a page changes it before anything else is awaited, and marks it dirty: afterwards it may be another's.
 */
export class PageCache {
  readonly pageSize: number;
  /** Called before dirty pages are written: what they refer to must be safe by then. */
  beforeWrite: (pages: readonly Page[]) => Promise<void> = async () => {};
  private readonly file: BlockNode;
  private readonly maxPages: number;
  private readonly pages = new Map<number, Page>();
  private readonly loading = new Map<number, Promise<Page>>();
  private readonly dirtyPages = new Set<Page>();
  private newest: Page | undefined;

  constructor(file: BlockNode, { pageSize, maxPages }: { pageSize: number; maxPages: number }) {
    this.file = file;
    this.pageSize = pageSize;
    this.maxPages = maxPages;
  }

  get isDirty(): boolean {
    return this.dirtyPages.size > 0;
  }

  /** The page that holds the byte at `offset`, if it is here. */
  peek(offset: number): Page | undefined {
    const start = offset - (offset % this.pageSize);
    if (this.newest?.offset === start) return this.newest;
    const page = this.pages.get(start);
    if (page === undefined) return undefined;
    this.pages.delete(start);
    this.pages.set(start, page);
    this.newest = page;
    return page;
  }

  async page(offset: number): Promise<Page> {
    const here = this.peek(offset);
    if (here !== undefined) return here;
    const start = offset - (offset % this.pageSize);
    const under = this.loading.get(start);
    if (under !== undefined) return under;
    const load = this.load(start);
    this.loading.set(start, load);
    try {
      return await load;
    } finally {
      this.loading.delete(start);
    }
  }

  private async load(start: number): Promise<Page> {
    await this.makeRoom();
    const bytes = new Uint8Array(this.pageSize);
    await readPadded(this.file, start, bytes);
    const page = { offset: start, bytes, view: viewOf(bytes), dirty: false };
    this.pages.set(start, page);
    this.newest = page;
    return page;
  }

  private async makeRoom(): Promise<void> {
    while (this.pages.size >= this.maxPages) {
      const oldest = this.pages.values().next().value;
      if (oldest === undefined) return;
      // One barrier for all of them: the next to go are clean.
      if (oldest.dirty) await this.write();
      this.remove(oldest);
    }
  }

  private remove(page: Page): void {
    if (this.pages.get(page.offset) === page) this.pages.delete(page.offset);
    if (this.newest === page) this.newest = undefined;
  }

  markDirty(page: Page): void {
    page.dirty = true;
    this.dirtyPages.add(page);
  }

  /** Writes all that is dirty, in the file's order. */
  async write(): Promise<void> {
    if (this.dirtyPages.size === 0) return;
    await this.beforeWrite([...this.dirtyPages]);
    const pages = [...this.dirtyPages].sort((a, b) => a.offset - b.offset);
    for (const page of pages) {
      if (!this.dirtyPages.has(page)) continue;
      this.dirtyPages.delete(page);
      page.dirty = false;
      try {
        await writeGrowing(this.file, page.offset, page.bytes);
      } catch (error) {
        this.markDirty(page);
        throw error;
      }
    }
  }

  /** Forgets everything, even what was not written. */
  clear(): void {
    this.pages.clear();
    this.dirtyPages.clear();
    this.newest = undefined;
  }

  /** Forgets what it knows of a part of the file, even what was not written: nobody refers to it any more. */
  drop(offset: number, length: number): void {
    for (let at = offset - (offset % this.pageSize); at < offset + length; at += this.pageSize) {
      const page = this.pages.get(at);
      if (page === undefined) continue;
      this.dirtyPages.delete(page);
      page.dirty = false;
      this.remove(page);
    }
  }
}
