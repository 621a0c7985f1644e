/**
 * Control flow of a region in the form that WebAssembly's structured control needs: reverse postorder, dominators, loops
 * (Ramsey, "Beyond Relooper", ICFP 2022). Edges that make a loop irreducible leave the region instead.
 */
import type { Node } from './region.ts';

export interface Graph {
  /** Reverse postorder; the entry first. */
  readonly nodes: readonly Node[];
}

function reversePostorder(entry: Node): Node[] {
  const seen = new Set<Node>();
  const order: Node[] = [];
  const visit = (n: Node): void => {
    seen.add(n);
    for (const s of n.successors) if (!seen.has(s)) visit(s);
    order.push(n);
  };
  visit(entry);
  order.reverse();
  order.forEach((n, i) => {
    n.order = i;
  });
  return order;
}

/** Cooper, Harvey, Kennedy, "A Simple, Fast Dominance Algorithm" (2001). */
function findDominators(nodes: readonly Node[]): void {
  const entry = nodes[0] as Node;
  for (const n of nodes) {
    n.predecessors = [];
    n.dominator = undefined;
  }
  for (const n of nodes) for (const s of n.successors) s.predecessors.push(n);
  entry.dominator = entry;
  const meet = (a: Node, b: Node): Node => {
    while (a !== b) {
      while (a.order > b.order) a = a.dominator as Node;
      while (b.order > a.order) b = b.dominator as Node;
    }
    return a;
  };
  for (let changed = true; changed; ) {
    changed = false;
    for (const n of nodes) {
      if (n === entry) continue;
      let d: Node | undefined;
      for (const p of n.predecessors) if (p.dominator) d = d ? meet(p, d) : p;
      if (d !== n.dominator) {
        n.dominator = d;
        changed = true;
      }
    }
  }
}

function dominates(a: Node, b: Node): boolean {
  while (b.order > a.order) b = b.dominator as Node;
  return a === b;
}

/** Orders what can be reached from `entry` and marks merges and loops. */
export function orderGraph(entry: Node): Graph {
  let nodes = reversePostorder(entry);
  findDominators(nodes);
  let cut = false;
  for (const n of nodes) {
    const kept = n.successors.filter((s) => s.order > n.order || dominates(s, n));
    if (kept.length === n.successors.length) continue;
    cut = true;
    n.successors = kept;
    n.indirect = n.indirect.filter((s) => kept.includes(s));
  }
  if (cut) {
    nodes = reversePostorder(entry);
    findDominators(nodes);
  }
  for (const n of nodes) {
    n.isLoop = n.predecessors.some((p) => p.order >= n.order);
    n.isMerge = n.predecessors.filter((p) => p.order < n.order).length > 1;
    n.children = [];
  }
  // Targets of a jump table are branched to, so their code needs a label.
  for (const n of nodes) {
    if (n.indirect.length > 0) for (const s of n.successors) if (s.order > n.order) s.isMerge = true;
  }
  for (const n of nodes) if (n !== entry) (n.dominator as Node).children.push(n);
  return { nodes };
}
