import type { Refusal, Sieve } from "./filter.js";

/** Nodes that refuse a pod for one reason. */
export interface RefusalCount {
  readonly reason: string;
  readonly nodes: number;
  /** The smallest amount that is missing on any of them. */
  readonly shortBy: Refusal["shortBy"];
}

/** Why no node takes a pod: reasons with counts, most frequent first. A node that lacks several resources is counted under each. */
export interface Refusals {
  readonly nodes: number;
  /** Nodes that refuse nothing: one alone of a group may find some that find none together. */
  readonly fitting: number;
  readonly reasons: readonly RefusalCount[];
}

/** Asks every node for its first filter that refuses. */
export function explain(sieves: readonly Sieve[], nodes: number): Refusals {
  const counts = new Map<string, RefusalCount>();
  let fitting = 0;
  for (let slot = 0; slot < nodes; slot += 1) {
    const refusals = firstRefusals(sieves, slot);
    if (refusals.length === 0) fitting += 1;
    for (const refusal of refusals) counts.set(refusal.reason, add(counts.get(refusal.reason), refusal));
  }
  return { nodes, fitting, reasons: [...counts.values()].sort(byCount) };
}

/** Why the node refuses: the answer of the first filter that does. */
export function firstRefusals(sieves: readonly Sieve[], slot: number): readonly Refusal[] {
  for (const sieve of sieves) {
    const refusals = sieve.why(slot);
    if (refusals.length > 0) return refusals;
  }
  return [];
}

/** One line for people: "0/3 nodes: 2 insufficient memory (short by 1.2Gi at best), 1 tainted gpu=only". */
export function refusalText({ nodes, fitting, reasons }: Refusals): string {
  if (nodes === 0) return "0/0 nodes: no node has joined the cluster";
  return `${fitting}/${nodes} nodes: ${reasons.map(reasonText).join(", ")}`;
}

/** The same for a pod that needs something beside a node, such as others of its group that find one at the same time; an empty `need`: it does not. */
export function refusalWithNeed(need: string, refusals: Refusals): string {
  if (need === "") return refusalText(refusals);
  // Each alone would find a node anywhere.
  if (refusals.reasons.length === 0 && refusals.nodes > 0) return need;
  return `${need}; each: ${refusalText(refusals)}`;
}

function reasonText({ reason, nodes, shortBy }: RefusalCount): string {
  return shortBy === undefined
    ? `${nodes} ${reason}`
    : `${nodes} ${reason} (short by ${amountText(shortBy)} ${shortBy.where ?? "at best"})`;
}

function add(known: RefusalCount | undefined, { reason, shortBy }: Refusal): RefusalCount {
  if (known === undefined) return { reason, nodes: 1, shortBy };
  const isLess = shortBy !== undefined && shortBy.amount < (known.shortBy?.amount ?? Number.POSITIVE_INFINITY);
  return { reason, nodes: known.nodes + 1, shortBy: isLess ? shortBy : known.shortBy };
}

function byCount(left: RefusalCount, right: RefusalCount): number {
  return right.nodes - left.nodes || (left.reason < right.reason ? -1 : 1);
}

const byteUnits = ["", "Ki", "Mi", "Gi", "Ti", "Pi"];

/** An amount for people, rounded up to a tenth of its unit, so that freeing what is named is enough. */
export function amountText({ amount, unit }: NonNullable<Refusal["shortBy"]>): string {
  if (unit === "millicores") return amount < 1_000 ? `${amount}m` : `${tenths(amount / 1_000)}`;
  if (unit === "count") return `${amount}`;
  const power = Math.min(byteUnits.length - 1, Math.floor(Math.log2(Math.max(1, amount)) / 10));
  return `${tenths(amount / 2 ** (10 * power))}${byteUnits[power]}`;
}

function tenths(value: number): number {
  // A request written as 7.2Gi is a byte more than 7.2 × 2^30: such a crumb shall not show as another tenth.
  return Math.ceil(value * 10 - 1e-6) / 10;
}
