import { FILTERS } from "./plugins.js";
import type { Shape } from "./shape.js";
import { COLUMN, type Snapshot } from "./snapshot.js";
import type { Standings } from "./standings.js";

/** A pod that would be better off elsewhere. */
export interface Move {
  readonly podId: string;
  readonly from: string;
  readonly to: string;
  /** In a few words. */
  readonly why: string;
}

/** What came of looking for better places. */
export interface Rebalance {
  readonly moves: readonly Move[];
  /** Pods that would be moved, if their disruption budget let them. */
  readonly protectedCount: number;
}

/** Parts of all that a node has; a smaller difference is not worth a restart. */
const WORTHWHILE = 0.2;

/**
 * Which of the pods would be better off on the node that the scheduler would choose for them now, in the order given, each move counted before the
 * next: those that their node would no longer take, replicas that crowd together, and pods of a node that is much fuller than another. Cordons
 * are no reason: who cordons decides himself when pods go. Keeps to disruption budgets, stops at `most`, and comes to rest: every move lessens what it is for. Leaves the moves in the snapshot.
 */
export function rebalance(
  snapshot: Snapshot,
  podIds: readonly string[],
  { standings, most }: { readonly standings: Standings; readonly most: number },
): Rebalance {
  snapshot.layOut();
  const moves: Move[] = [];
  let protectedCount = 0;
  for (const podId of podIds) {
    if (moves.length >= most) break;
    const tenant = snapshot.tenant(podId);
    const from = snapshot.nodeOf(podId);
    if (tenant === undefined || from === undefined || tenant.tenure.isEnding || tenant.tenure.isReserved) continue;
    const { shape, tenure } = tenant;
    snapshot.remove(podId);
    const found = betterPlace(snapshot, shape, from, standings);
    const isProtected = found !== undefined && snapshot.budgets.of(tenure).some(({ left }) => left <= 0);
    if (isProtected) protectedCount += 1;
    if (found === undefined || isProtected) {
      snapshot.place(podId, shape, from, tenure);
      continue;
    }
    snapshot.budgets.spend(tenure);
    snapshot.place(podId, shape, found.to, tenure);
    moves.push({ podId, from, ...found });
  }
  return { moves, protectedCount };
}

/** Where a pod, which is not counted now, should run instead. */
function betterPlace(
  snapshot: Snapshot,
  shape: Shape,
  from: string,
  standings: Standings,
): { readonly to: string; readonly why: string } | undefined {
  const slot = standings.best(shape);
  const best = snapshot.records[slot];
  const here = snapshot.record(from);
  if (best === undefined || here === undefined || here.slot < 0 || best === here) return undefined;
  const to = best.name;
  const refusal = refusalOf(snapshot, shape, here.slot);
  if (refusal !== undefined) return { to, why: `${from} would not take it any more: ${refusal}` };
  const mates = snapshot.groups.of(shape.group);
  const [there, beside] = [mates?.at(best.slot) ?? 0, mates?.at(here.slot) ?? 0];
  if (beside > there) return { to, why: `${beside + 1} of its replicas are on ${from}, ${there} on ${to}` };
  const before = Math.max(fullness(snapshot, here.slot), fullness(snapshot, here.slot, shape));
  const after = fullness(snapshot, best.slot, shape);
  if (beside < there || before - after < WORTHWHILE) return undefined;
  return { to, why: `${from} is ${percent(before)} reserved, ${to} would be ${percent(after)}` };
}

/** The first reason for which the node would not take the pod, but for its being cordoned or not ready. */
function refusalOf(snapshot: Snapshot, shape: Shape, slot: number): string | undefined {
  for (const filter of FILTERS) {
    if (filter.name === "readiness") continue;
    const [refusal] = filter.prepare(shape, snapshot)?.why(slot) ?? [];
    if (refusal !== undefined) return refusal.reason;
  }
  return undefined;
}

/** The greater of the shares of cpu and memory that are reserved on a node, with the pod if one is given. */
function fullness({ free, allocatableCpu, allocatableMemory }: Snapshot, slot: number, shape?: Shape): number {
  const share = (column: number, allocatable: Float64Array): number => {
    const whole = allocatable[slot] ?? 0;
    const asked = shape?.requests.find((request) => request.column === column)?.amount ?? 0;
    return whole === 0 ? 0 : (whole - (free[column]?.[slot] ?? 0) + asked) / whole;
  };
  return Math.max(share(COLUMN.cpu, allocatableCpu), share(COLUMN.memory, allocatableMemory));
}

function percent(share: number): string {
  return `${Math.round(share * 100)}%`;
}
