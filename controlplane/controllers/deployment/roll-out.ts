import type { Bounds } from "./bounds.js";

/** A replica set as the arithmetic of roll-outs sees it. Sets come in order of age, oldest first. */
export interface SetScale {
  /** Replicas asked for. */
  readonly wanted: number;
  /** Pods that exist and are neither finished nor being deleted. */
  readonly active: number;
  /** Of them, available ones. */
  readonly available: number;
}

/** Replicas that each set should ask for: of the current template's set, and of the others in their order. */
export interface Targets {
  readonly current: number;
  readonly old: readonly number[];
}

/**
 * One step of a rolling update. Keeps, whatever the pods do: never more than replicas + surge pods that are not on their way out, and
 * never fewer than replicas − unavailable available ones by its own doing. What a set still has to delete counts as there; what it has
 * still to create does not count as available; a set that shrinks loses those first that are not available.
 */
export function roll(current: SetScale, old: readonly SetScale[], bounds: Bounds): Targets {
  return { current: grow(current, old, bounds), old: shrink(current, old, bounds) };
}

/** One step of a recreation: all old pods are asked to go, and the new ones come once the last of them is gone. */
export function recreate(current: SetScale, old: readonly SetScale[], oldPods: number, { replicas }: Bounds): Targets {
  return { current: oldPods > 0 ? current.wanted : replicas, old: old.map(() => 0) };
}

/** Pods that will still be available when the set has done what it is asked. */
function lasting({ wanted, available }: SetScale): number {
  return Math.min(wanted, available);
}

function grow(current: SetScale, old: readonly SetScale[], { replicas, surge }: Bounds): number {
  if (current.wanted >= replicas) return replicas;
  const pods = total([current, ...old], ({ wanted, active }) => Math.max(wanted, active));
  const room = Math.max(0, replicas + surge - pods);
  return Math.min(replicas, current.wanted + room);
}

function shrink(current: SetScale, old: readonly SetScale[], { replicas, unavailable }: Bounds): readonly number[] {
  let spare = total(old, ({ wanted }) => wanted) + lasting(current) - (replicas - unavailable);
  const targets = old.map(({ wanted }) => wanted);
  // What is not available serves nobody: it goes first, over all sets.
  const passes: readonly ((set: SetScale) => number)[] = [(set) => set.wanted - lasting(set), lasting];
  for (const may of passes)
    old.forEach((set, at) => {
      const less = Math.max(0, Math.min(spare, may(set), targets[at] ?? 0));
      targets[at] = (targets[at] ?? 0) - less;
      spare -= less;
    });
  return targets;
}

function total(sets: readonly SetScale[], amount: (set: SetScale) => number): number {
  return sets.reduce((sum, set) => sum + amount(set), 0);
}
