/**
 * The tree of memory regions, as QEMU's memory API has it: I/O, RAM, ROM, aliases and containers whose children
 * overlap by priority. The same tree serves guest-physical memory and the port space. `flatten` (flat-view.ts) turns
 * it into disjoint ranges.
 */

/** Offsets are relative to the region; values are unsigned, `size` is 1, 2 or 4. */
export interface IoOps {
  read(offset: number, size: number): number;
  write(offset: number, value: number, size: number): void;
}

/** Limits of access sizes. */
export interface AccessSizes {
  readonly min: number;
  readonly max: number;
  readonly unaligned?: boolean;
}

export interface IoRules {
  /** Which accesses the guest may make; others are refused (reads give 0). Default: all sizes, aligned. */
  readonly valid?: AccessSizes;
  /** Which accesses `IoOps` takes; others are combined from these or cut out of them. Default: 1 to 4. */
  readonly impl?: AccessSizes;
}

interface RegionBase {
  readonly name: string;
  readonly size: number;
}
export interface IoRegion extends RegionBase {
  readonly kind: 'io';
  readonly ops: IoOps;
  /** `max` 0: not limited (a bus access then still has at most 4 bytes). */
  readonly valid: AccessSizes;
  readonly impl: AccessSizes;
}
/** Bytes at `ramOffset` of the guest-RAM buffer. ROM and flash lie there too, read-only for the guest. */
export interface RamRegion extends RegionBase {
  readonly kind: 'ram';
  readonly ramOffset: number;
  readonly readonly: boolean;
  /** Of a read-only region: what a guest's writes mean to the chip (flash takes them as commands). Absent: nothing. */
  readonly write?: IoOps['write'];
}
/** A window that shows `target` from `offset` on. */
export interface AliasRegion extends RegionBase {
  readonly kind: 'alias';
  readonly target: Region;
  readonly offset: number;
  readonly readonly: boolean;
}
export type Region = IoRegion | RamRegion | AliasRegion | Container;

/** Every size may be used, aligned or not. */
const ANY: AccessSizes = { min: 1, max: 0, unaligned: false };
const IMPL_DEFAULT: AccessSizes = { min: 1, max: 4 };

export const ioRegion = (name: string, size: number, ops: IoOps, rules: IoRules = {}): IoRegion => ({
  kind: 'io',
  name,
  size,
  ops,
  valid: rules.valid ?? ANY,
  impl: rules.impl ?? IMPL_DEFAULT,
});

/** Rules of an 8-bit chip behind a bus that splits wider accesses. */
export const BYTE_WIDE: IoRules = { impl: { min: 1, max: 1 } };

export const ramRegion = (name: string, size: number, ramOffset: number): RamRegion => ({
  kind: 'ram',
  name,
  size,
  ramOffset,
  readonly: false,
});

export const romRegion = (name: string, size: number, ramOffset: number, write?: IoOps['write']): RamRegion => ({
  kind: 'ram',
  name,
  size,
  ramOffset,
  readonly: true,
  ...(write !== undefined && { write }),
});

export const aliasRegion = (
  name: string,
  target: Region,
  offset: number,
  size: number,
  options: { readonly?: boolean } = {},
): AliasRegion => ({ kind: 'alias', name, target, offset, size, readonly: options.readonly ?? false });

/** A child's place in its container. */
export interface Mapping {
  readonly region: Region;
  readonly at: number;
  readonly priority: number;
  readonly enabled: boolean;
  /** Moves, shows or hides the child; the address spaces above notice by themselves. */
  update(change: { at?: number; enabled?: boolean; priority?: number }): void;
  remove(): void;
}

/** A region that has no content but its children. Holes show what lies below the container. */
export class Container implements RegionBase {
  readonly kind = 'container';
  readonly name: string;
  readonly size: number;
  private readonly children: Mapping[] = [];
  private readonly watchers = new Set<() => void>();

  constructor(name: string, size: number) {
    this.name = name;
    this.size = size;
  }

  /** Children in the order in which they hide each other: higher priority first, then the one added last. */
  get ordered(): readonly Mapping[] {
    return this.children
      .map((mapping, index) => ({ mapping, index }))
      .sort((a, b) => b.mapping.priority - a.mapping.priority || b.index - a.index)
      .map(({ mapping }) => mapping);
  }

  add(at: number, region: Region, options: { priority?: number; enabled?: boolean } = {}): Mapping {
    const place = { at, priority: options.priority ?? 0, enabled: options.enabled ?? true };
    const mapping: Mapping = {
      region,
      get at() {
        return place.at;
      },
      get priority() {
        return place.priority;
      },
      get enabled() {
        return place.enabled;
      },
      update: (change) => {
        const next = { ...place, ...change };
        if (next.at === place.at && next.enabled === place.enabled && next.priority === place.priority) return;
        Object.assign(place, next);
        this.changed();
      },
      remove: () => {
        const index = this.children.indexOf(mapping);
        if (index < 0) return;
        this.children.splice(index, 1);
        this.changed();
      },
    };
    this.children.push(mapping);
    this.watch(region);
    this.changed();
    return mapping;
  }

  /** Calls `changed` after each change of this tree. */
  onChange(changed: () => void): void {
    this.watchers.add(changed);
  }

  private readonly changed = (): void => {
    for (const watcher of this.watchers) watcher();
  };

  private watch(region: Region): void {
    if (region.kind === 'container') region.onChange(this.changed);
    else if (region.kind === 'alias') this.watch(region.target);
  }
}
