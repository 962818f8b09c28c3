import type { LabelSelector } from "../../proto/gen/tallship/v1/meta.js";
import type { Node } from "../../proto/gen/tallship/v1/node.js";
import type { PodAffinityTerm, TopologySpreadConstraint } from "../../proto/gen/tallship/v1/placement.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { NAMESPACES } from "./schedule-clusters.js";

/** A node and the pods on it. */
export interface Spot {
  readonly node: Node;
  readonly pods: Pod[];
}

/** What pods demand of each other, by the definition: every term against every pod of every node. */
export function isPlaceAmongPods(pod: Pod, spot: Spot, spots: readonly Spot[]): boolean {
  const near = pod.spec?.affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
  const ideal = (other: Pod): boolean => near.every((term) => isMeant(term, pod, other));
  const isFirst = ideal(pod) && near.every(({ topologyKey }) => !reachable(topologyKey, spots).some(ideal));
  const finds = ({ topologyKey }: PodAffinityTerm): boolean =>
    labelOf(spot, topologyKey) !== undefined && (isFirst || podsNear(topologyKey, spot, spots).some(ideal));
  if (!near.every(finds)) return false;
  const shuns = (one: Pod, other: Pod, place: Spot, from: Spot): boolean =>
    (one.spec?.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []).some(
      (term) => isSame(term.topologyKey, place, from) && isMeant(term, one, other),
    );
  if (spots.some((each) => each.pods.some((other) => shuns(pod, other, spot, each) || shuns(other, pod, spot, each))))
    return false;
  const demands = constraints(pod, "DoNotSchedule");
  return demands.every((each) => {
    const excess = excessOf(each, demands, { pod, spot, spots });
    const own = isSelected(each.labelSelector, pod) ? 1 : 0;
    return excess !== undefined && excess + own <= each.maxSkew;
  });
}

/** What pods prefer of each other, with the weights of the policies. */
export function pointsAmongPods(pod: Pod, spot: Spot, spots: readonly Spot[]): number {
  const { podAffinity, podAntiAffinity } = pod.spec?.affinity ?? {};
  const liked = podAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  const disliked = podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  const most = [...liked, ...disliked].reduce((total, { weight }) => total + weight, 0);
  const sum = (terms: typeof liked): number =>
    terms.reduce((total, { weight, podAffinityTerm: term }) => {
      if (term === undefined) return total;
      const count = podsNear(term.topologyKey, spot, spots).filter((other) => isMeant(term, pod, other)).length;
      return total + Math.floor((weight * crowd(count)) / most);
    }, 0);
  const wishes = constraints(pod, "ScheduleAnyway");
  const lost = wishes.reduce((total, each) => {
    const excess = excessOf(each, wishes, { pod, spot, spots });
    const own = excess === undefined ? 1e6 : crowd(Math.floor(Math.max(0, excess) / each.maxSkew));
    return total + Math.floor(own / wishes.length);
  }, 0);
  return 3 * (sum(liked) - sum(disliked) - lost + drawn(pod, spot, spots));
}

/** What pods that run already would like: weights of the terms that mean the pod, by node label. */
function drawn(pod: Pod, spot: Spot, spots: readonly Spot[]): number {
  const nets = new Map<string, number>();
  const wishes = spots.flatMap((from) =>
    from.pods.flatMap((other) => wishesOf(other).map((wish) => ({ from, other, ...wish }))),
  );
  for (const { from, other, term, weight } of wishes)
    if (isSame(term.topologyKey, spot, from) && isMeant(term, other, pod))
      nets.set(term.topologyKey, (nets.get(term.topologyKey) ?? 0) + weight);
  return [...nets.values()].reduce((total, net) => total + Math.sign(net) * crowd(Math.abs(net) / 100), 0);
}

function wishesOf({ spec }: Pod): readonly { readonly term: PodAffinityTerm; readonly weight: number }[] {
  const { podAffinity, podAntiAffinity } = spec?.affinity ?? {};
  const read = (
    terms: NonNullable<typeof podAffinity>["preferredDuringSchedulingIgnoredDuringExecution"],
    sign: 1 | -1,
  ) =>
    terms.flatMap(({ podAffinityTerm, weight }) =>
      podAffinityTerm === undefined ? [] : [{ term: podAffinityTerm, weight: sign * weight }],
    );
  return [
    ...read(podAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [], 1),
    ...read(podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [], -1),
  ];
}

function constraints(pod: Pod, how: string): readonly TopologySpreadConstraint[] {
  return (pod.spec?.topologySpreadConstraints ?? []).filter(({ whenUnsatisfiable }) => whenUnsatisfiable === how);
}

interface Placing {
  readonly pod: Pod;
  readonly spot: Spot;
  readonly spots: readonly Spot[];
}

/** Pods in the domain of the node beyond those in the emptiest. The random clusters use node selectors and the policies' defaults. */
function excessOf(
  { topologyKey, labelSelector, minDomains, nodeAffinityPolicy }: TopologySpreadConstraint,
  all: readonly TopologySpreadConstraint[],
  { pod, spot, spots }: Placing,
): number | undefined {
  const own = labelOf(spot, topologyKey);
  if (own === undefined) return undefined;
  const wanted = Object.entries(pod.spec?.nodeSelector ?? {});
  const part = spots
    .filter((each) => all.every((constraint) => labelOf(each, constraint.topologyKey) !== undefined))
    .filter((each) => nodeAffinityPolicy === "Ignore" || wanted.every(([key, value]) => labelOf(each, key) === value));
  const countIn = (value: string | undefined): number =>
    part
      .filter((each) => labelOf(each, topologyKey) === value)
      .flatMap(({ pods }) => pods)
      .filter((other) => namespaceOf(other) === namespaceOf(pod) && isSelected(labelSelector, other)).length;
  const domains = [...new Set(part.map((each) => labelOf(each, topologyKey)))];
  const fewest = domains.length < (minDomains ?? 1) ? 0 : Math.min(...domains.map(countIn));
  return countIn(own) - fewest;
}

function crowd(count: number): number {
  return 1e6 - Math.floor(1e6 / (1 + count));
}

function labelOf({ node }: Spot, key: string): string | undefined {
  return node.metadata?.labels[key];
}

function isSame(topologyKey: string, left: Spot, right: Spot): boolean {
  return labelOf(left, topologyKey) !== undefined && labelOf(left, topologyKey) === labelOf(right, topologyKey);
}

function podsNear(topologyKey: string, spot: Spot, spots: readonly Spot[]): readonly Pod[] {
  return spots.filter((each) => isSame(topologyKey, spot, each)).flatMap(({ pods }) => pods);
}

function reachable(topologyKey: string, spots: readonly Spot[]): readonly Pod[] {
  return spots.filter((each) => labelOf(each, topologyKey) !== undefined).flatMap(({ pods }) => pods);
}

function namespaceOf(pod: Pod): string {
  return pod.metadata?.namespace ?? "";
}

function isMeant(
  { labelSelector, namespaces, namespaceSelector, matchLabelKeys }: PodAffinityTerm,
  pod: Pod,
  other: Pod,
) {
  const named = namespaces.length > 0 || namespaceSelector !== undefined ? namespaces : [namespaceOf(pod)];
  const labelsOf = NAMESPACES[namespaceOf(other)] ?? {};
  const wanted = namespaceSelector && Object.entries(namespaceSelector.matchLabels);
  const isChosen = wanted?.every(([key, value]) => labelsOf[key] === value) === true;
  if (!isChosen && !named.includes(namespaceOf(other))) return false;
  const labels = pod.metadata?.labels ?? {};
  if (matchLabelKeys.some((key) => labels[key] !== undefined && labels[key] !== other.metadata?.labels[key]))
    return false;
  return isSelected(labelSelector, other);
}

/** The random clusters select by equal labels alone. */
function isSelected(selector: LabelSelector | undefined, { metadata }: Pod): boolean {
  if (selector === undefined) return false;
  return Object.entries(selector.matchLabels).every(([key, value]) => metadata?.labels[key] === value);
}
