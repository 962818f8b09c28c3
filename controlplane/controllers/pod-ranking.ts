import { conditionOf, isPodReady } from "../../kinds/pod-state.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import type { Cached } from "../cache/view.js";

const costAnnotation = "controller.kubernetes.io/pod-deletion-cost";
const phases = ["Pending", "Unknown", "Running"];

/** Negative: the first is the greater loss. */
type Compare = (left: Ranked, right: Ranked) => number;

interface Ranked {
  readonly cached: Cached<"Pod">;
  readonly pod: Pod;
  /** Pods of the owner on the same node that are worth more. */
  readonly neighbours: number;
}

/** Kubernetes' order, each asked only where those before it are equal: what does not serve goes first, then what is crowded, then what is young. */
const order: readonly Compare[] = [
  by(({ pod }) => Number((pod.spec?.nodeName ?? "") !== "")),
  by(({ pod }) => phases.indexOf(pod.status?.phase ?? "")),
  by(({ pod }) => Number(isPodReady(pod))),
  by(({ pod }) => deletionCost(pod)),
  by(({ neighbours }) => -neighbours),
  byText(({ pod }) => conditionOf(pod.status?.conditions, "Ready")?.lastTransitionTime ?? "", -1),
  by(({ pod }) => -restarts(pod)),
  byText(({ pod }) => pod.metadata?.creationTimestamp ?? "", -1),
  byText(({ pod }) => pod.metadata?.name ?? "", 1),
];

/**
 * The pods that are the least loss, in the order in which they should go: not bound, pending, not ready, of low deletion cost, on a node with
 * more of their kind, ready for a shorter time, restarted more often, younger; at last by name.
 */
export function leastLoss(pods: readonly Cached<"Pod">[], count: number): readonly Cached<"Pod">[] {
  if (count <= 0) return [];
  const alone = pods.map((cached) => ({ cached, pod: cached.object, neighbours: 0 })).sort(compare);
  // From the pod that is worth most: the first on a node has no neighbours, the next has one. Taking the most crowded keeps the rest spread.
  const onNode = new Map<string, number>();
  const ranked = alone.reverse().map((each) => {
    const neighbours = onNode.get(nodeOf(each.pod)) ?? 0;
    onNode.set(nodeOf(each.pod), neighbours + 1);
    return { ...each, neighbours };
  });
  return ranked
    .sort(compare)
    .slice(0, count)
    .map(({ cached }) => cached);
}

function compare(left: Ranked, right: Ranked): number {
  for (const each of order) {
    const difference = each(left, right);
    if (difference !== 0) return difference;
  }
  return 0;
}

function by(value: (ranked: Ranked) => number): Compare {
  return (left, right) => value(left) - value(right);
}

function byText(value: (ranked: Ranked) => string, direction: 1 | -1): Compare {
  return (left, right) => {
    const [before, after] = [value(left), value(right)];
    return before === after ? 0 : before < after ? -direction : direction;
  };
}

function nodeOf(pod: Pod): string {
  return pod.spec?.nodeName ?? "";
}

function deletionCost(pod: Pod): number {
  const cost = Number(pod.metadata?.annotations[costAnnotation] ?? 0);
  return Number.isFinite(cost) ? cost : 0;
}

function restarts(pod: Pod): number {
  return (pod.status?.containerStatuses ?? []).reduce((total, { restartCount }) => total + restartCount, 0);
}
