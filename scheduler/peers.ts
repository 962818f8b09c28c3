import { isEmptySelector, type Labels, matchesSelector } from "../kinds/label-selector.js";
import type { LabelSelector } from "../proto/gen/tallship/v1/meta.js";
import type { PodAffinityTerm, TopologySpreadConstraint } from "../proto/gen/tallship/v1/placement.js";
import type { Pod } from "../proto/gen/tallship/v1/pod.js";

/** Pods by namespace and labels. */
export interface PodSet {
  /** Equal for sets of the same pods. */
  readonly key: string;
  /** Undefined: all. */
  readonly namespaces: readonly string[] | undefined;
  /** Pods of namespaces with such labels belong to the set as well. */
  readonly namespaceSelector: LabelSelector | undefined;
  readonly selector: LabelSelector | undefined;
}

/** Pods that are in all of the sets, and the node label whose equal values are near. */
export interface PeerTerm {
  /** Equal for terms that count the same. */
  readonly key: string;
  readonly sets: readonly PodSet[];
  readonly topologyKey: string;
}

/** A preference for being near pods, or away from them. */
export interface WeighedTerm {
  readonly term: PeerTerm;
  /** Negative: away. */
  readonly weight: number;
}

/** How evenly pods are to be spread over the domains of a node label. */
export interface SpreadTerm {
  readonly term: PeerTerm;
  readonly maxSkew: number;
  readonly minDomains: number;
  /** Nodes that the pod's node selector and affinity exclude are no part of any domain. */
  readonly honoursAffinity: boolean;
  /** Nodes with taints that the pod does not tolerate are no part of any domain. */
  readonly honoursTaints: boolean;
}

/** All that a pod asks about other pods. */
export interface Peers {
  /** Equal for pods that ask the same. */
  readonly key: string;
  /** A node must be near a pod that all of these select: each by its own label, as in Kubernetes. */
  readonly affinity: readonly PeerTerm[];
  readonly antiAffinity: readonly PeerTerm[];
  readonly preferred: readonly WeighedTerm[];
  readonly demandedSpread: readonly SpreadTerm[];
  readonly preferredSpread: readonly SpreadTerm[];
}

/** What decides whether a term selects a pod. */
export interface Peer {
  readonly namespace: string;
  readonly labels: Labels;
  /** Labels of the namespace. */
  readonly namespaceLabels: Labels;
}

/** What a pod asks about other pods; undefined when it asks nothing, which costs two looks at the spec. */
export function peersOf(pod: Pod): Peers | undefined {
  const { affinity, topologySpreadConstraints = [] } = pod.spec ?? {};
  const { podAffinity: near, podAntiAffinity: away } = affinity ?? {};
  if (near === undefined && away === undefined && topologySpreadConstraints.length === 0) return undefined;
  const peer: Peer = {
    namespace: pod.metadata?.namespace ?? "",
    labels: pod.metadata?.labels ?? {},
    namespaceLabels: {},
  };
  const weigh = (terms: typeof away, sign: 1 | -1): readonly WeighedTerm[] =>
    (terms?.preferredDuringSchedulingIgnoredDuringExecution ?? []).flatMap(({ weight, podAffinityTerm: each }) =>
      each === undefined ? [] : [{ term: termOf([setOf(each, peer)], each.topologyKey), weight: sign * weight }],
    );
  const demanded = near?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
  const sets = demanded.map((each) => setOf(each, peer));
  const spread = (demand: string): readonly SpreadTerm[] =>
    topologySpreadConstraints
      .filter(({ whenUnsatisfiable }) => whenUnsatisfiable === demand)
      .map((each) => spreadOf(each, peer));
  const asked = {
    affinity: demanded.map(({ topologyKey }) => termOf(sets, topologyKey)),
    antiAffinity: (away?.requiredDuringSchedulingIgnoredDuringExecution ?? []).map((each) =>
      termOf([setOf(each, peer)], each.topologyKey),
    ),
    preferred: [...weigh(near, 1), ...weigh(away, -1)],
    demandedSpread: spread("DoNotSchedule"),
    preferredSpread: spread("ScheduleAnyway"),
  };
  return Object.values(asked).every(({ length }) => length === 0)
    ? undefined
    : { key: JSON.stringify(asked), ...asked };
}

/** True when all sets of the term select the pod. */
export function selects({ sets }: PeerTerm, { namespace, labels, namespaceLabels }: Peer): boolean {
  return sets.every(
    ({ namespaces, namespaceSelector, selector }) =>
      (namespaces === undefined ||
        namespaces.includes(namespace) ||
        matchesSelector(namespaceSelector, namespaceLabels)) &&
      matchesSelector(selector, labels),
  );
}

/** The labels that decide what the terms select: of pods, and of their namespaces. */
export function countedLabels(peers: Peers): {
  readonly ofPods: readonly string[];
  readonly ofNamespaces: readonly string[];
} {
  const { affinity, antiAffinity, preferred, demandedSpread, preferredSpread } = peers;
  const owned = [...preferred, ...demandedSpread, ...preferredSpread].map(({ term }) => term);
  const sets = [...affinity, ...antiAffinity, ...owned].flatMap((term) => term.sets);
  return {
    ofPods: sets.flatMap(({ selector }) => askedLabels(selector)),
    ofNamespaces: sets.flatMap(({ namespaceSelector }) => askedLabels(namespaceSelector)),
  };
}

function askedLabels(selector: LabelSelector | undefined): readonly string[] {
  if (selector === undefined) return [];
  return [...Object.keys(selector.matchLabels), ...selector.matchExpressions.map(({ key }) => key)];
}

function termOf(sets: readonly PodSet[], topologyKey: string): PeerTerm {
  return { key: JSON.stringify([topologyKey, ...sets.map(({ key }) => key)]), sets, topologyKey };
}

function setOf(term: PodAffinityTerm, peer: Peer): PodSet {
  const { labelSelector, namespaces, namespaceSelector, matchLabelKeys, mismatchLabelKeys } = term;
  const isEverywhere = namespaceSelector !== undefined && isEmptySelector(namespaceSelector);
  // The pod's own namespace is meant when nothing is said.
  const isOwn = namespaces.length === 0 && namespaceSelector === undefined;
  const named = isOwn ? [peer.namespace] : [...namespaces].sort();
  const selector = narrowed(narrowed(labelSelector, "In", matchLabelKeys, peer), "NotIn", mismatchLabelKeys, peer);
  return podSet(isEverywhere ? undefined : named, selector, isEverywhere ? undefined : namespaceSelector);
}

function spreadOf(constraint: TopologySpreadConstraint, peer: Peer): SpreadTerm {
  const { labelSelector, matchLabelKeys, topologyKey, maxSkew, minDomains } = constraint;
  const set = podSet([peer.namespace], narrowed(labelSelector, "In", matchLabelKeys, peer));
  return {
    term: termOf([set], topologyKey),
    maxSkew,
    minDomains: minDomains ?? 1,
    honoursAffinity: constraint.nodeAffinityPolicy !== "Ignore",
    honoursTaints: constraint.nodeTaintsPolicy === "Honor",
  };
}

function podSet(
  namespaces: readonly string[] | undefined,
  selector: LabelSelector | undefined,
  namespaceSelector?: LabelSelector,
): PodSet {
  const key = JSON.stringify([namespaces ?? "all", selector ?? "none", namespaceSelector ?? "none"]);
  return { key, namespaces, selector, namespaceSelector };
}

/** The selector with a requirement for each of the labels that the pod has: to have its value, or another. */
function narrowed(
  selector: LabelSelector | undefined,
  operator: "In" | "NotIn",
  keys: readonly string[],
  { labels }: Peer,
): LabelSelector | undefined {
  if (selector === undefined || keys.length === 0) return selector;
  const own = keys.flatMap((key) => {
    const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
    return value === undefined ? [] : [{ key, operator, values: [value] }];
  });
  return { matchLabels: selector.matchLabels, matchExpressions: [...selector.matchExpressions, ...own] };
}
