import type { Bounds } from "./bounds.js";

/** A set that takes part in a change of the number of replicas in the midst of a roll-out. */
export interface Share {
  readonly wanted: number;
  /** Replicas and surge that the deployment allowed when the set was last scaled. */
  readonly maxBefore: number;
  /** Larger is newer. */
  readonly revision: number;
}

/**
 * Spreads a new number of replicas over the sets of a roll-out in proportion to their sizes, as Kubernetes does, so that scaling neither
 * speeds the roll-out up nor undoes it. What rounding leaves goes to the largest set. Returns what each set should ask for.
 */
export function proportion(shares: readonly Share[], { replicas, surge }: Bounds): readonly number[] {
  const allowed = replicas === 0 ? 0 : replicas + surge;
  const toAdd = allowed - shares.reduce((sum, { wanted }) => sum + wanted, 0);
  const isGrowing = toAdd > 0;
  const bySize = shares
    .map((share, at) => ({ ...share, at }))
    .sort((a, b) => b.wanted - a.wanted || (isGrowing ? b.revision - a.revision : a.revision - b.revision));
  const targets = shares.map(({ wanted }) => wanted);
  let left = toAdd;
  for (const share of bySize) {
    const fair = fairTarget(share, replicas, surge) - share.wanted;
    const part = isGrowing ? Math.max(0, Math.min(fair, left)) : Math.min(0, Math.max(fair, left));
    targets[share.at] = share.wanted + part;
    left -= part;
  }
  for (const { at } of bySize) {
    const before = targets[at] ?? 0;
    const after = Math.max(0, before + left);
    targets[at] = after;
    left -= after - before;
    if (left >= 0) break;
  }
  return targets;
}

function fairTarget({ wanted, maxBefore }: Share, replicas: number, surge: number): number {
  if (replicas === 0 || maxBefore <= 0) return replicas === 0 ? 0 : wanted;
  return Math.round((wanted * (replicas + surge)) / maxBefore);
}
