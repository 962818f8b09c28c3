import { deepEqual } from "../lib/deep-equal.js";
import type { Container } from "../proto/gen/tallship/v1/container.js";
import type {
  Affinity,
  NodeAffinity,
  NodeSelectorRequirement,
  NodeSelectorTerm,
} from "../proto/gen/tallship/v1/placement.js";
import type { Pod } from "../proto/gen/tallship/v1/pod.js";
import { grantedRequests } from "./pod-requests.js";
import { annotationWords, groupOf, type Shape } from "./shape.js";

interface Example {
  readonly pod: Pod;
  readonly shape: Shape;
  /** What its annotations ask. */
  readonly words: string;
}

/** What pods are told apart by. */
interface Telling {
  /** They are bound: which node they name does not matter. */
  readonly isBound: boolean;
  /** Some term asks about labels, and namespaces. */
  readonly byLabels: boolean;
}

/**
 * Recognises pods that are scheduled like the last one of their owner, as nearly all are, without working out what they ask: to compare two
 * pods costs less than to describe one. Only memory: what is not recognised is worked out, to the same shape.
 */
export class Lookalikes {
  private readonly examples = new Map<string, Example>();
  private readonly most: number;

  constructor(most: number) {
    this.most = most;
  }

  /** The shape of a pod without claims, if it is like the last one of its owner. */
  find(pod: Pod, telling: Telling): Shape | undefined {
    const owner = groupOf(pod);
    const example = owner === "" ? undefined : this.examples.get(owner);
    return example !== undefined && isAlike(pod, example, telling) && grantedRequests(pod) === undefined
      ? example.shape
      : undefined;
  }

  /** Remembers the pod as the example of its owner's. */
  remember(pod: Pod, shape: Shape, isBound: boolean): void {
    const owner = groupOf(pod);
    // What its node has granted a pod that is resized is its own.
    if (owner === "" || grantedRequests(pod) !== undefined) return;
    if (this.examples.size >= this.most) this.examples.clear();
    this.examples.set(owner, { pod, shape, words: annotationWords(pod, isBound) });
  }

  /** Forgets all: pods are told apart by more than before. */
  clear(): void {
    this.examples.clear();
  }
}

/** True when nothing that decides where a pod may run differs. Whatever makes a shape's key stands here too. */
function isAlike(pod: Pod, { pod: known, words }: Example, { isBound, byLabels }: Telling): boolean {
  const [one, other] = [pod.spec, known.spec];
  if (one === undefined || other === undefined) return one === other;
  return (
    (isBound || one.nodeName === other.nodeName) &&
    one.hostNetwork === other.hostNetwork &&
    annotationWords(pod, isBound) === words &&
    (!byLabels ||
      (pod.metadata?.namespace === known.metadata?.namespace &&
        isSameMap(pod.metadata?.labels, known.metadata?.labels))) &&
    isSameMap(one.nodeSelector, other.nodeSelector) &&
    isSameMap(one.overhead, other.overhead) &&
    isSameBy(isAsking, one.containers, other.containers) &&
    isSameBy(isAsking, one.initContainers, other.initContainers) &&
    isSameList(one.tolerations, other.tolerations) &&
    isSameAffinity(one.affinity, other.affinity) &&
    isSameList(one.topologySpreadConstraints, other.topologySpreadConstraints)
  );
}

function isAsking(one: Container, other: Container): boolean {
  return (
    one.restartPolicy === other.restartPolicy &&
    one.image === other.image &&
    isSameMap(one.resources?.requests, other.resources?.requests) &&
    isSameMap(one.resources?.limits, other.resources?.limits) &&
    isSameList(one.ports, other.ports)
  );
}

function isSameList(left: readonly unknown[], right: readonly unknown[]): boolean {
  return left.length === right.length && (left.length === 0 || deepEqual(left, right));
}

/** As equal in depth; to walk what is known takes a fraction of the time. */
function isSameAffinity(left: Affinity | undefined, right: Affinity | undefined): boolean {
  if (left === undefined || right === undefined) return left === right;
  return (
    isSameNodeAffinity(left.nodeAffinity, right.nodeAffinity) &&
    deepEqual(left.podAffinity, right.podAffinity) &&
    deepEqual(left.podAntiAffinity, right.podAntiAffinity)
  );
}

function isSameNodeAffinity(left: NodeAffinity | undefined, right: NodeAffinity | undefined): boolean {
  if (left === undefined || right === undefined) return left === right;
  const [one, other] = [left, right].map((each) => each.requiredDuringSchedulingIgnoredDuringExecution);
  return (
    isSameBy(isSameTerm, one?.nodeSelectorTerms ?? [], other?.nodeSelectorTerms ?? []) &&
    (one === undefined) === (other === undefined) &&
    isSameList(
      left.preferredDuringSchedulingIgnoredDuringExecution,
      right.preferredDuringSchedulingIgnoredDuringExecution,
    )
  );
}

function isSameTerm(left: NodeSelectorTerm, right: NodeSelectorTerm): boolean {
  return (
    isSameBy(isSameRequirement, left.matchExpressions, right.matchExpressions) &&
    isSameBy(isSameRequirement, left.matchFields, right.matchFields)
  );
}

function isSameRequirement(left: NodeSelectorRequirement, right: NodeSelectorRequirement): boolean {
  return (
    left.key === right.key &&
    left.operator === right.operator &&
    isSameBy((one, other) => one === other, left.values, right.values)
  );
}

function isSameBy<T>(isSame: (one: T, other: T) => boolean, left: readonly T[], right: readonly T[]): boolean {
  if (left.length !== right.length) return false;
  for (let at = 0; at < left.length; at += 1) {
    const [one, other] = [left[at], right[at]];
    if (one === undefined || other === undefined || !isSame(one, other)) return false;
  }
  return true;
}

type Texts = Readonly<Record<string, string>>;

function isSameMap(left: Texts | undefined, right: Texts | undefined): boolean {
  let count = 0;
  for (const name in left) {
    if (left[name] !== right?.[name]) return false;
    count += 1;
  }
  for (const _ in right) count -= 1;
  return count === 0;
}
