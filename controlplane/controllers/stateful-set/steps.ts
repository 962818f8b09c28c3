/** One number of a stateful set, and what stands under its name. */
export interface Slot {
  readonly ordinal: number;
  /** Within the replicas asked for; otherwise its pod is to go. */
  readonly isWanted: boolean;
  /** `foreign`: the name is that of a pod of somebody else. */
  readonly pod: "absent" | "foreign" | "finished" | "terminating" | "live";
  /** Ready for at least minReadySeconds. */
  readonly isHealthy: boolean;
  /** Healthy, and for so long that an update takes another pod away for it; of a pod of an old template the first is enough. */
  readonly isSteady: boolean;
  /** It cannot come up by waiting: an image that is not there, a crash loop, no node. */
  readonly isStuck: boolean;
  /** Made from the latest template. */
  readonly isUpdated: boolean;
}

/** How a set moves. */
export interface Rules {
  /** One pod after the other, each once those before it are healthy. */
  readonly isOrdered: boolean;
  /** Pods of the latest template replace others from the highest number down to this one; undefined: only the user replaces them. */
  readonly updateFrom: number | undefined;
  /** Pods that may be missing while others are replaced. */
  readonly maxUnavailable: number;
}

/** What to do now, in order. A pod that is removed is made anew once it is gone. */
export interface Steps {
  readonly create: readonly number[];
  readonly remove: readonly number[];
}

/**
 * One step of a stateful set, as Kubernetes takes it. A name is free only once its old pod is gone, so no pod ever stands beside itself. In order: pods
 * are made from the lowest number up and removed from the highest down, one at a time. An update takes from the highest number down what is
 * healthy, within maxUnavailable, once what it made before is steady; unlike Kubernetes it also takes a pod of an old template that is stuck, so that a broken template can be
 * mended by applying a good one.
 */
export function stepsOf(slots: readonly Slot[], rules: Rules): Steps {
  const wanted = slots.filter(({ isWanted }) => isWanted).sort(upwards);
  const surplus = slots.filter(({ isWanted }) => !isWanted).sort(upwards);
  const filled = fill(wanted, rules.isOrdered);
  const emptied = filled.isHeld ? [] : empty(surplus, rules.isOrdered);
  const isHeld = rules.isOrdered && (filled.isHeld || surplus.length > 0);
  const updated = update(wanted, rules, isHeld);
  return { create: filled.create, remove: [...new Set([...filled.remove, ...emptied, ...updated])] };
}

function upwards(left: Slot, right: Slot): number {
  return left.ordinal - right.ordinal;
}

function fill(wanted: readonly Slot[], isOrdered: boolean): Steps & { readonly isHeld: boolean } {
  const first = isOrdered ? wanted.findIndex(({ pod, isHealthy }) => pod !== "live" || !isHealthy) : -1;
  const open = first === -1 ? wanted : wanted.slice(0, first + 1);
  const numbers = (state: Slot["pod"]): readonly number[] =>
    open.filter(({ pod }) => pod === state).map(({ ordinal }) => ordinal);
  return { create: numbers("absent"), remove: numbers("finished"), isHeld: first !== -1 };
}

function empty(surplus: readonly Slot[], isOrdered: boolean): readonly number[] {
  if (!isOrdered)
    return surplus.filter(({ pod }) => pod === "live" || pod === "finished").map(({ ordinal }) => ordinal);
  const top = surplus.at(-1);
  if (top === undefined || top.pod === "terminating") return [];
  // As in Kubernetes: of several that are not healthy, the lowest is waited for.
  const firstSick = surplus.find(({ isHealthy }) => !isHealthy);
  return top.isHealthy || firstSick === top ? [top.ordinal] : [];
}

function update(wanted: readonly Slot[], rules: Rules, isHeld: boolean): readonly number[] {
  const from = rules.updateFrom;
  if (from === undefined) return [];
  const sick = wanted.filter(({ isSteady }) => !isSteady).length;
  let budget = isHeld ? 0 : Math.max(0, rules.maxUnavailable - sick);
  const removed: number[] = [];
  for (const { ordinal, pod, isUpdated, isHealthy, isStuck } of [...wanted].reverse()) {
    if (ordinal < from || pod !== "live" || isUpdated) continue;
    if (!isStuck && (!isHealthy || budget === 0)) continue;
    if (!isStuck) budget -= 1;
    removed.push(ordinal);
  }
  return removed;
}
