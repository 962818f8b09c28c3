import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { isPlace } from "./schedule-oracle.js";
import type { Spot } from "./schedule-oracle-peers.js";

/** A pod on a node, as it counts when room is asked for. */
export interface OracleTenant {
  readonly pod: Pod;
  isEnding: boolean;
  isReserved: boolean;
}

/** How many more pods with the label app of this value may be evicted, in namespace n. */
export type OracleBudgets = Map<string, number>;

/** Who would have to go where. */
export interface OracleSacrifice {
  readonly spot: Spot;
  readonly victims: readonly OracleTenant[];
}

/** Kubernetes' definition of preemption, as naive as can be: every node is tried, everything is computed anew. */
export function preemptNaively(
  pod: Pod,
  spots: readonly Spot[],
  tenants: ReadonlyMap<Pod, OracleTenant>,
  budgets: OracleBudgets,
): OracleSacrifice | undefined {
  const found = spots.flatMap((spot) => {
    const victims = victimsOn(pod, spot, { spots, tenants, budgets });
    return victims === undefined ? [] : [{ spot, ...victims }];
  });
  const [best] = found.sort((a, b) => {
    for (const [at, value] of a.cost.entries()) {
      const other = b.cost[at] ?? 0;
      if (value !== other) return value < other ? -1 : 1;
    }
    return 0;
  });
  return best && { spot: best.spot, victims: best.victims };
}

interface Scene {
  readonly spots: readonly Spot[];
  readonly tenants: ReadonlyMap<Pod, OracleTenant>;
  readonly budgets: OracleBudgets;
}

function victimsOn(pod: Pod, spot: Spot, { spots, tenants, budgets }: Scene) {
  const isFitWith = (pods: readonly Pod[]): boolean => {
    const changed: Spot = { node: spot.node, pods: [...pods] };
    return isPlace(
      pod,
      changed,
      spots.map((each) => (each === spot ? changed : each)),
    );
  };
  const lower = spot.pods.filter((each) => priorityOf(each) < priorityOf(pod));
  let staying = spot.pods.filter((each) => !lower.includes(each));
  if (lower.length === 0 || !isFitWith(staying)) return undefined;
  const order = lower.filter((each) => tenants.get(each)?.isEnding === false).sort(moreImportant);
  const left = new Map(budgets);
  const violating = order.filter((each) => {
    const app = each.metadata?.namespace === "n" ? (each.metadata.labels["app"] ?? "") : "";
    const budget = left.get(app);
    if (budget === undefined || tenants.get(each)?.isReserved === true) return false;
    left.set(app, budget - 1);
    return budget - 1 < 0;
  });
  const going: Pod[] = [];
  for (const each of [...violating, ...order.filter((one) => !violating.includes(one))]) {
    if (isFitWith([...staying, each])) staying = [...staying, each];
    else going.push(each);
  }
  going.sort(moreImportant);
  const highest = going[0] === undefined ? Number.NEGATIVE_INFINITY : priorityOf(going[0]);
  const starts = going.filter((each) => priorityOf(each) === highest).map(startedAt);
  const cost = [
    going.filter((each) => violating.includes(each)).length,
    highest,
    going.reduce((sum, each) => sum + priorityOf(each) + 2 ** 31, 0),
    going.length,
    // The later the longest-running of them started, the better.
    -Math.min(Number.POSITIVE_INFINITY, ...starts),
  ];
  return { victims: going.flatMap((each) => tenants.get(each) ?? []), cost };
}

function priorityOf({ spec }: Pod): number {
  return spec?.priority ?? 0;
}

function startedAt({ status }: Pod): number {
  const time = status?.startTime ?? "";
  return time === "" ? Number.POSITIVE_INFINITY : Date.parse(time);
}

function moreImportant(left: Pod, right: Pod): number {
  if (priorityOf(left) !== priorityOf(right)) return priorityOf(right) - priorityOf(left);
  if (startedAt(left) !== startedAt(right)) return startedAt(left) - startedAt(right);
  return (left.metadata?.uid ?? "") < (right.metadata?.uid ?? "") ? -1 : 1;
}
