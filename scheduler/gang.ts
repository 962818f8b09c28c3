import { limit } from "../lib/limits.js";
import { type Attempt, attempt, type Former, isMakingRoom, type PendingPod, reservationOf, undo } from "./attempt.js";
import { confine, regionsFor } from "./gang-region.js";
import type { Shape } from "./shape.js";
import type { Snapshot } from "./snapshot.js";
import type { Standings } from "./standings.js";

/** Pods that get their nodes together. */
export interface Gang<P extends PendingPod = PendingPod> {
  /** In the order in which they are placed. */
  readonly pods: readonly P[];
  /** How many of them must find a node, or none does. */
  readonly least: number;
  /** Node label within one value of which all are placed; empty: anywhere. */
  readonly topologyKey: string;
  /** Rather nowhere than in several of its values. */
  readonly isBounded: boolean;
  /** The value where pods of the gang are already; undefined: none is anywhere. */
  readonly home: string | undefined;
}

/**
 * Places a gang, or leaves the snapshot as it was: no part of a gang ever holds what another waits for. Where it does not fit as things are,
 * others make room for it if its pods may ask them to; that room is kept for all, and none gets its node before every one can. Undefined when
 * nothing changed.
 */
export function attemptGang<P extends PendingPod>(
  snapshot: Snapshot,
  gang: Gang<P>,
  standings: Standings,
): readonly Attempt<P>[] | undefined {
  const kept = snapshot.reservedCount === 0 ? [] : gang.pods.flatMap(({ id }) => reservationOf(snapshot, id) ?? []);
  for (const { tenant } of kept) snapshot.remove(tenant.id);
  const placed = placeSomewhere(snapshot, gang, standings, false);
  if (placed !== undefined) return withFormer(placed, gang, kept);
  if (kept.some((former) => isMakingRoom(snapshot, former, standings))) {
    for (const { tenant, nodeName } of kept) snapshot.place(tenant.id, tenant.shape, nodeName, tenant.tenure);
    return undefined;
  }
  const mayPreempt = gang.pods.some(({ preempts }) => preempts === true);
  const made = mayPreempt ? placeSomewhere(snapshot, gang, standings, true) : undefined;
  if (made !== undefined) return withFormer(holdAll(snapshot, made), gang, kept);
  return kept.length === 0 ? undefined : withFormer([], gang, kept);
}

function placeSomewhere<P extends PendingPod>(
  snapshot: Snapshot,
  gang: Gang<P>,
  standings: Standings,
  mayPreempt: boolean,
): readonly Attempt<P>[] | undefined {
  const { pods, least, topologyKey, home, isBounded } = gang;
  const demand = { pods, least, mayPreempt };
  const regions = topologyKey === "" ? [] : regionsFor(snapshot, standings, { ...demand, topologyKey });
  const own = home === undefined ? regions.slice(0, limit("gangRegions")) : regions.filter((each) => each === home);
  for (const value of own) {
    const placed = place(snapshot, gang, standings, { mayPreempt, shapeOf: confiner(topologyKey, value) });
    if (placed !== undefined) return placed;
  }
  if (topologyKey !== "" && isBounded) return undefined;
  // What cannot fit by numbers alone is not tried.
  if (regionsFor(snapshot, standings, { ...demand, topologyKey: "" }).length === 0) return undefined;
  return place(snapshot, gang, standings, { mayPreempt, shapeOf: (shape) => shape });
}

interface Manner {
  readonly mayPreempt: boolean;
  /** What to look for in place of a shape; undefined: nothing would do. */
  readonly shapeOf: (shape: Shape) => Shape | undefined;
}

/** Places the pods one after the other; undefined, and everything as before, when too few find a node. */
function place<P extends PendingPod>(
  snapshot: Snapshot,
  { pods, least }: Gang<P>,
  standings: Standings,
  { mayPreempt, shapeOf }: Manner,
): readonly Attempt<P>[] | undefined {
  const attempts: Attempt<P>[] = [];
  for (const [at, pod] of pods.entries()) {
    const shape = shapeOf(pod.shape);
    const preempts = mayPreempt && pod.preempts === true;
    const made = shape && attempt(snapshot, { ...pod, shape, preempts }, standings);
    if (made !== undefined) attempts.push({ ...made, pod });
    if (attempts.length + pods.length - at - 1 >= least) continue;
    undo(snapshot, attempts);
    return undefined;
  }
  return attempts;
}

/** Equal shapes stay one object, so that what is known of one is known of all. */
function confiner(topologyKey: string, value: string): Manner["shapeOf"] {
  const confined = new Map<Shape, Shape | undefined>();
  return (shape) => {
    if (!confined.has(shape)) confined.set(shape, confine(shape, topologyKey, value));
    return confined.get(shape);
  };
}

/** While anybody's room is still being made, nobody has a node yet. */
function holdAll<P extends PendingPod>(snapshot: Snapshot, attempts: readonly Attempt<P>[]): readonly Attempt<P>[] {
  if (attempts.every(({ is }) => is === "bound")) return attempts;
  return attempts.map((each) => {
    const tenant = snapshot.tenant(each.pod.id);
    if (each.is !== "bound" || tenant === undefined) return each;
    snapshot.place(tenant.id, tenant.shape, each.nodeName, { ...tenant.tenure, isReserved: true });
    return { ...each, is: "reserved" };
  });
}

/** Remembers with each pod where its room was kept; a pod that has none any more has lost it. */
function withFormer<P extends PendingPod>(
  attempts: readonly Attempt<P>[],
  { pods }: Gang<P>,
  kept: readonly Former[],
): readonly Attempt<P>[] {
  if (kept.length === 0) return attempts;
  const formers = new Map(kept.map((former) => [former.tenant.id, former]));
  const lasting = attempts.map((each) => {
    const former = formers.get(each.pod.id);
    formers.delete(each.pod.id);
    return former === undefined ? each : { ...each, before: [former, ...each.before] };
  });
  const lapsed = pods.flatMap((pod): readonly Attempt<P>[] => {
    const former = formers.get(pod.id);
    if (former === undefined) return [];
    return [{ pod, is: "lapsed", nodeName: "", victims: [], released: [], before: [former] }];
  });
  return [...lasting, ...lapsed];
}
