import type { IoRegion, RamRegion, Region } from './region.ts';

/** A disjoint piece of an address space that shows `region` from `offset` on. */
export interface FlatRange {
  readonly start: number;
  /** First address behind the range. */
  readonly end: number;
  readonly region: IoRegion | RamRegion;
  readonly offset: number;
  readonly readonly: boolean;
}

/** The ranges of the tree under `root`, by address; adjacent ranges of one region are joined. */
export function flatten(root: Region): readonly FlatRange[] {
  const view: FlatRange[] = [];
  render(view, root, 0, { start: 0, end: root.size }, false);
  return join(view);
}

interface Clip {
  readonly start: number;
  readonly end: number;
}

/** Fills the holes that `view` has within `clip` with what `region`, placed at `base`, shows there. */
function render(view: FlatRange[], region: Region, base: number, clip: Clip, readonly: boolean): void {
  const start = Math.max(base, clip.start);
  const end = Math.min(base + region.size, clip.end);
  if (start >= end) return;
  if (region.kind === 'container') {
    for (const child of region.ordered) {
      if (child.enabled) render(view, child.region, base + child.at, { start, end }, readonly);
    }
  } else if (region.kind === 'alias') {
    render(view, region.target, base - region.offset, { start, end }, readonly || region.readonly);
  } else {
    const shown = { region, readonly: readonly || (region.kind === 'ram' && region.readonly) };
    for (const hole of holes(view, start, end)) view.push({ ...hole, ...shown, offset: hole.start - base });
    view.sort((a, b) => a.start - b.start);
  }
}

function holes(view: readonly FlatRange[], start: number, end: number): Clip[] {
  const found: Clip[] = [];
  let at = start;
  for (const range of view) {
    if (range.end <= at || range.start >= end) continue;
    if (range.start > at) found.push({ start: at, end: range.start });
    at = range.end;
  }
  if (at < end) found.push({ start: at, end });
  return found;
}

function join(view: readonly FlatRange[]): FlatRange[] {
  const joined: FlatRange[] = [];
  for (const range of view) {
    const last = joined.at(-1);
    const continues =
      last !== undefined &&
      last.end === range.start &&
      last.region === range.region &&
      last.readonly === range.readonly &&
      last.offset + (last.end - last.start) === range.offset;
    if (continues) joined[joined.length - 1] = { ...last, end: range.end };
    else joined.push(range);
  }
  return joined;
}
