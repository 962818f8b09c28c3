import type { ObjectKey } from "../../kinds/object.js";
import { BinaryHeap } from "../../lib/binary-heap.js";
import type { Bulk } from "../../scheduler/bulk.js";
import type { Shape } from "../../scheduler/shape.js";
import type { Tenure } from "../../scheduler/tenant.js";

/** A pod that has no node yet. */
export interface WaitingPod {
  /** Its uid. */
  readonly id: string;
  readonly key: ObjectKey<"Pod">;
  readonly shape: Shape;
  /** What it will be among the pods of its node. Who has the higher priority goes first. */
  readonly tenure: Tenure;
  /** It may ask pods of lower priority for their room. */
  readonly preempts: boolean;
  /** The pod group that it belongs to, namespace/name; empty: none. */
  readonly group: string;
  /** The queue whose quota it uses; empty: none. */
  readonly queue: string;
  /** Of equal priority, the older goes first. RFC 3339. */
  readonly createdAt: string;
  /** Of equal age too, the bulkier goes first, so that small ones fill the gaps. None for pods of a queue, where nobody passes another. */
  readonly bulk: Bulk;
  /** When it was first seen waiting, by the monotonic clock. */
  readonly seenAtMs: number;
}

/** Pods of one shape that no node takes are tried so many at a time; when all found a place, the next. */
const probes = 32;

interface Group {
  readonly shape: Shape;
  readonly members: Set<Entry>;
  readonly refused: BinaryHeap<Entry>;
  refusedCount: number;
  /** Number of the attempt to place refused pods; the first pod that is refused again ends it. */
  attempt: number;
  /** Pods of the attempt that have not found their place yet. */
  probing: number;
}

interface Entry {
  readonly pod: WaitingPod;
  readonly group: Group;
  is: "queued" | "out" | "refused" | "held" | "gone";
  /** The attempt that it was tried again in; 0 for none. */
  attempt: number;
}

/**
 * Pods that wait for a node: those to be tried, in order of priority, age, bulk and name, and those that no node takes, by shape. A refused pod
 * costs nothing until there is hope for its shape.
 */
export class Backlog {
  private readonly entries = new Map<string, Entry>();
  private readonly groups = new Map<Shape, Group>();
  private readonly queue = new BinaryHeap<Entry>((left, right) => isBefore(left.pod, right.pod));
  private queuedCount = 0;
  private refusedCount = 0;

  /** Pods to be tried. */
  get queued(): number {
    return this.queuedCount;
  }

  /** Pods that no node took. */
  get refused(): number {
    return this.refusedCount;
  }

  /** The pod, if it is known. */
  get(id: string): WaitingPod | undefined {
    return this.entries.get(id)?.pod;
  }

  /** True while the pod waits for hope. */
  isRefused(id: string): boolean {
    return this.entries.get(id)?.is === "refused";
  }

  /** Adds a pod to be tried; a pod that is known with another shape is tried anew. */
  add(pod: WaitingPod): void {
    if (this.hold(pod)) this.offer(pod.id);
  }

  /** Adds a pod that is not to be tried before it is offered; false when it is known, with the same shape: then nothing changes. */
  hold(pod: WaitingPod): boolean {
    const known = this.entries.get(pod.id);
    if (known?.pod.shape === pod.shape && known.pod.tenure.priority === pod.tenure.priority) return false;
    if (known !== undefined) this.remove(pod.id);
    const group = this.groupOf(pod.shape);
    const entry: Entry = { pod, group, is: "held", attempt: 0 };
    this.entries.set(pod.id, entry);
    group.members.add(entry);
    return true;
  }

  /** A pod that was held may be tried. */
  offer(id: string): void {
    const entry = this.entries.get(id);
    if (entry?.is === "held") this.enqueue(entry);
  }

  /** A pod that was taken is held again. */
  withhold(id: string): void {
    const entry = this.entries.get(id);
    if (entry?.is === "out") entry.is = "held";
  }

  /** A pod that was to be tried, or that no node took, is held. */
  recall(id: string): void {
    const entry = this.entries.get(id);
    if (entry === undefined || (entry.is !== "queued" && entry.is !== "refused")) return;
    this.leave(entry);
    entry.is = "held";
  }

  /** True while the pod is known, and not to be tried. */
  isHeld(id: string): boolean {
    return this.entries.get(id)?.is === "held";
  }

  /** Forgets a pod: it has its node, or is no more. */
  remove(id: string): void {
    const entry = this.entries.get(id);
    if (entry === undefined) return;
    this.entries.delete(id);
    this.leave(entry);
    const { group } = entry;
    group.members.delete(entry);
    if (group.members.size === 0) this.groups.delete(group.shape);
    if (group.probing === 0 || entry.attempt !== group.attempt) return;
    group.probing -= 1;
    if (group.probing === 0) this.raiseHope(group.shape);
  }

  /** The next pods to try, which stay out until they are removed, refused or put back. */
  take(most: number): readonly WaitingPod[] {
    const taken: WaitingPod[] = [];
    while (taken.length < most) {
      const entry = this.queue.pop();
      if (entry === undefined) break;
      if (entry.is !== "queued") continue;
      this.queuedCount -= 1;
      entry.is = "out";
      taken.push(entry.pod);
    }
    return taken;
  }

  /** A pod that was taken is to be tried again. */
  putBack(id: string): void {
    const entry = this.entries.get(id);
    if (entry?.is === "out") this.enqueue(entry);
  }

  /** No node takes a pod that was taken; it waits for hope. */
  refuse(id: string): void {
    const entry = this.entries.get(id);
    if (entry?.is !== "out") return;
    const { group } = entry;
    group.probing = 0;
    entry.is = "refused";
    group.refused.push(entry);
    group.refusedCount += 1;
    this.refusedCount += 1;
  }

  /** A refused pod is to be tried again, whatever becomes of others of its shape. */
  retry(id: string): void {
    const entry = this.entries.get(id);
    if (entry?.is !== "refused") return;
    this.leave(entry);
    entry.attempt = 0;
    this.enqueue(entry);
  }

  /** The first of the shape's refused pods; undefined when there is none. */
  firstRefused(shape: Shape): WaitingPod | undefined {
    const refused = this.groups.get(shape)?.refused;
    while (refused?.peek()?.is !== "refused") if (refused?.pop() === undefined) return undefined;
    return refused.peek()?.pod;
  }

  /** A node might take a pod of the shape: the first of them are tried again, and more when those found a place. */
  raiseHope(shape: Shape): void {
    const group = this.groups.get(shape);
    if (group === undefined || group.probing > 0) return;
    group.attempt += 1;
    while (group.probing < probes) {
      const entry = group.refused.pop();
      if (entry === undefined) return;
      if (entry.is !== "refused") continue;
      this.leave(entry);
      entry.attempt = group.attempt;
      group.probing += 1;
      this.enqueue(entry);
    }
  }

  /** Puts the pods in order anew: they are not as bulky as before. */
  reorder(): void {
    this.queue.reorder();
    for (const { refused } of this.groups.values()) refused.reorder();
  }

  /** Shapes with refused pods, in the order in which they were first seen. */
  refusedShapes(): readonly Shape[] {
    return [...this.groups.values()].filter(({ refusedCount }) => refusedCount > 0).map(({ shape }) => shape);
  }

  /** All refused pods, in the order in which they came. */
  refusedPods(): readonly WaitingPod[] {
    const refused = [...this.entries.values()].filter(({ is }) => is === "refused");
    return refused.map(({ pod }) => pod);
  }

  /** All pods that wait, also those that are not to be tried now, in the order in which they are tried. */
  all(): readonly WaitingPod[] {
    return [...this.entries.values()].map(({ pod }) => pod).sort((left, right) => (isBefore(left, right) ? -1 : 1));
  }

  /** How many of the pods that are known go before this one. Costs a look at each. */
  aheadOf(pod: WaitingPod): number {
    let count = 0;
    for (const entry of this.entries.values()) if (isBefore(entry.pod, pod)) count += 1;
    return count;
  }

  private groupOf(shape: Shape): Group {
    const known = this.groups.get(shape);
    if (known !== undefined) return known;
    const refused = new BinaryHeap<Entry>((left, right) => isBefore(left.pod, right.pod));
    const group: Group = { shape, members: new Set(), refused, refusedCount: 0, attempt: 0, probing: 0 };
    this.groups.set(shape, group);
    return group;
  }

  private enqueue(entry: Entry): void {
    entry.is = "queued";
    this.queuedCount += 1;
    this.queue.push(entry);
  }

  /** Takes the entry out of whatever it is counted in; heaps drop it when they meet it. */
  private leave(entry: Entry): void {
    if (entry.is === "queued") this.queuedCount -= 1;
    if (entry.is === "refused") {
      this.refusedCount -= 1;
      entry.group.refusedCount -= 1;
    }
    entry.is = "gone";
  }
}

/** Who is tried first: by priority and age, which is told in seconds; of those of one second the bulkier, then by name. */
export function isBefore(left: WaitingPod, right: WaitingPod): boolean {
  const [mine, other] = [left.tenure.priority, right.tenure.priority];
  if (mine !== other) return mine > other;
  if (left.createdAt !== right.createdAt) return left.createdAt < right.createdAt;
  const [bulk, otherBulk] = [left.bulk.value, right.bulk.value];
  if (bulk !== otherBulk) return bulk > otherBulk;
  if (left.key.namespace !== right.key.namespace) return left.key.namespace < right.key.namespace;
  return left.key.name < right.key.name;
}
