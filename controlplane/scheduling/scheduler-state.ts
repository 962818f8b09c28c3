import { metaOf } from "../../kinds/object.js";
import { queueOf } from "../../kinds/queue.js";
import { claimsOfPod } from "../../kinds/storage.js";
import type { Node } from "../../proto/gen/tallship/v1/node.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import type { PodDisruptionBudget } from "../../proto/gen/tallship/v1/poddisruptionbudget.js";
import { isFitting, keepRoom } from "../../scheduler/attempt.js";
import { Bulks, NO_BULK } from "../../scheduler/bulk.js";
import type { Gang } from "../../scheduler/gang.js";
import type { Shape } from "../../scheduler/shape.js";
import { Snapshot } from "../../scheduler/snapshot.js";
import { Standings } from "../../scheduler/standings.js";
import { ofKind } from "../cache/of-kind.js";
import type { CacheChange, View } from "../cache/view.js";
import { Backlog, type WaitingPod } from "./backlog.js";
import { Gangs } from "./gangs.js";
import { groupOf, placeOf, tenureOf } from "./pod-place.js";
import { type Debtor, Queues } from "./queues.js";
import { VolumeDemands } from "./volume-demands.js";

/** More nodes than this that changed at once are not asked one by one: every refused shape is tried again. */
const manyNodes = 16;

/**
 * The scheduler's picture of the cluster: a snapshot of nodes and pods, the pods that wait, and the binds that are assumed but not yet seen
 * in the cache. Fed with every change of nodes and pods, in order; holds what the cache holds plus the assumptions.
 */
export class SchedulerState {
  readonly snapshot = new Snapshot();
  readonly standings = new Standings(this.snapshot, "spread");
  readonly backlog = new Backlog();
  private readonly bulks = new Bulks(this.snapshot);
  /** Binds that were decided and are not yet in the cache, by pod. */
  private readonly assumed = new Map<string, string>();
  /** Nodes that may take more than they did when pods were last refused. */
  private readonly improved = new Set<string>();
  /** Pods that are being told to make room, whose deletion is not in the cache yet. */
  private readonly evicting = new Set<string>();
  /** Names of placed pods, by uid. */
  private readonly names = new Map<string, string>();
  /** Pods that wait and have claims: what those ask changes while they wait. */
  private readonly claiming = new Map<string, Pod>();
  private readonly volumes: VolumeDemands;
  /** Pods that are placed together, and why those of a group wait that cannot be tried. */
  readonly gangs: Gangs;
  private readonly whyGroup = new Map<string, string>();
  /** Pods that wait for quota. */
  private readonly queues: Queues;
  private news: string[] = [];
  private shapesVersion = 0;

  constructor(view: View) {
    this.volumes = new VolumeDemands(view);
    this.gangs = new Gangs(view);
    this.queues = new Queues({
      amountsOf: ({ shape }) => this.snapshot.amountsOf(shape),
      isTriable: ({ group }) => group === "" || this.gangs.review(group).is !== "none",
    });
  }

  /** Takes a change of the cache; other kinds than nodes, pods and those of storage do not matter. */
  take(change: CacheChange, nowMs: number): void {
    const { key, before, after } = change;
    switch (key.kind) {
      case "Node":
        this.takeNode(key.name, ofKind(after, "Node")?.object);
        return;
      case "Pod":
        this.volumes.take(change);
        this.takePod(ofKind(before, "Pod")?.object, ofKind(after, "Pod")?.object, nowMs);
        this.takeNeighbours(
          key.namespace,
          [before, after].map((each) => ofKind(each, "Pod")?.object),
          nowMs,
        );
        return;
      case "Queue":
        this.queues.set(key.name, ofKind(after, "Queue")?.object);
        return;
      case "PodGroup":
        this.takeGroup(`${key.namespace}/${key.name}`);
        return;
      case "Namespace":
        this.snapshot.setNamespace(key.name, ofKind(after, "Namespace")?.object.metadata?.labels);
        return;
      case "PodDisruptionBudget":
        this.takeBudget(key.namespace, key.name, ofKind(after, "PodDisruptionBudget")?.object);
        return;
      case "PersistentVolumeClaim":
        this.lookAgain(this.volumes.usersOf(key.namespace, key.name), nowMs);
        return;
      default:
        // A volume or a class: which claims it concerns is not worth an index, there are few pods that wait with claims.
        this.lookAgain([...this.claiming.values()], nowMs);
    }
  }

  /** Counts a bind that is about to be written. */
  assume({ id, group }: WaitingPod, nodeName: string): void {
    this.assumed.set(id, nodeName);
    this.gangs.place(id, group, nodeName);
  }

  /** How a pod that was taken is to be tried: by itself, with these others, or not now. */
  wayOf({ group }: WaitingPod): "apart" | "not now" | Gang<WaitingPod> {
    const { is } = group === "" ? { is: "apart" } : this.gangs.review(group);
    if (is === "apart") return "apart";
    const labelOf = (nodeName: string, key: string) => this.snapshot.record(nodeName)?.node?.metadata?.labels[key];
    const gang = is === "together" ? this.gangs.gang(group, labelOf) : undefined;
    return gang === undefined ? "not now" : { ...gang, pods: gang.pods.filter((pod) => !this.queues.isHolding(pod)) };
  }

  /** Lets the next pods in that wait for quota; false when there is no room for any. */
  admit(): boolean {
    const pods = this.queues.admit();
    for (const { id, group } of pods ?? []) if (group === "") this.backlog.offer(id);
    for (const group of new Set(pods?.map((pod) => pod.group))) this.review(group);
    return pods !== undefined;
  }

  /** Pods that have to go, so that queues get back what they lent, and the queue that wants it. Those without a node wait again from now on. */
  reclaimed(): readonly Debtor[] {
    const debtors = this.queues.debtors((id) => {
      const tenure = this.snapshot.tenant(id)?.tenure;
      if (tenure === undefined) return "unplaced";
      if (tenure.isReserved) return undefined;
      return tenure.isEnding ? "going" : [tenure.priority, tenure.startedAt || "~"];
    });
    for (const { id } of debtors.filter(({ isUnplaced }) => isUnplaced)) {
      const pod = this.queues.withdraw(id);
      if (pod === undefined) continue;
      this.backlog.recall(id);
      this.review(pod.group);
      this.news.push(id);
    }
    return debtors;
  }

  /** Tries what is left of a group after some of it was placed or could not be. */
  review(group: string): void {
    if (group === "") return;
    const trial = this.gangs.review(group);
    const why = trial.is === "none" ? trial.why : "";
    if (why !== (this.whyGroup.get(group) ?? "")) this.news.push(...this.gangs.waitingOf(group).map(({ id }) => id));
    if (why === "") this.whyGroup.delete(group);
    else this.whyGroup.set(group, why);
    if (trial.is !== "none") this.queues.setReady(group);
    const ids = trial.is === "together" ? [trial.speaker] : trial.is === "apart" ? trial.ids : [];
    for (const id of ids) if (!this.queues.isHolding({ id, group })) this.backlog.offer(id);
  }

  /** Why a pod that waits is not tried; empty when it is. */
  whyHeld(pod: WaitingPod): string {
    return this.whyGroup.get(pod.group) ?? (this.queues.isHolding(pod) ? this.queues.why(pod) : "");
  }

  /** What a pod that is placed together with others needs beside a node; empty when it is placed by itself. */
  groupNeed({ group }: WaitingPod): string {
    return group === "" ? "" : this.gangs.need(group);
  }

  /** Pods that were held back for another reason than before, since this was last asked. */
  takeNews(): readonly string[] {
    const { news } = this;
    this.news = [];
    return news;
  }

  /** Where room is being made, and kept, for a pod that waits. */
  reservedNode(id: string): string | undefined {
    return this.snapshot.tenant(id)?.tenure.isReserved === true ? this.snapshot.nodeOf(id) : undefined;
  }

  /** A pod lost the room that was kept for it: it looks for another. */
  release(id: string): void {
    this.backlog.retry(this.gangs.speakerOf(id));
  }

  /** Names of the devices that a placed pod has, or will have; undefined where it has none or nobody has written down which. */
  devicesOf(id: string): readonly string[] | undefined {
    return this.snapshot.tenant(id)?.tenure.devices;
  }

  /** Name of a placed pod. */
  nameOf(id: string): string | undefined {
    return this.names.get(id) ?? this.backlog.get(id)?.key.name;
  }

  /** Counts a placed pod as on its way out before the cache does. */
  setEvicting(id: string): void {
    this.evicting.add(id);
    const tenant = this.snapshot.tenant(id);
    const nodeName = this.snapshot.nodeOf(id);
    if (tenant !== undefined && nodeName !== undefined)
      this.snapshot.place(id, tenant.shape, nodeName, { ...tenant.tenure, isEnding: true });
    this.review(this.gangs.leave(id));
  }

  /** A pod need not go after all; `pod` is what the cache holds of its name. */
  spare(id: string, pod: Pod | undefined): void {
    this.evicting.delete(id);
    if (pod !== undefined && metaOf(pod).uid === id) this.takePod(undefined, pod, 0);
  }

  /** Takes a pod as the cache holds it now, after its bind was given up; `was` is what was decided on. */
  look(now: Pod | undefined, was: WaitingPod): void {
    if (this.assumed.delete(was.id)) this.free(was.id);
    if (now === undefined || metaOf(now).uid !== was.id) this.forget(was.id);
    else this.takePod(undefined, now, was.seenAtMs);
    this.backlog.putBack(was.id);
  }

  /** True when pods are told apart by more than when they were taken: take them anew before anything is decided. */
  get isOutdated(): boolean {
    return this.shapesVersion !== this.snapshot.shapesVersion;
  }

  /** Takes these pods, as the cache holds them, by what tells pods apart now; looks at one pod per step. A pod that a later change tells of is taken again then. */
  *retake(pods: readonly Pod[], nowMs: number): Generator<undefined, void> {
    this.shapesVersion = this.snapshot.shapesVersion;
    for (const pod of pods) {
      const { uid } = metaOf(pod);
      const nodeName = this.assumed.get(uid);
      if (nodeName !== undefined)
        this.snapshot.place(uid, this.snapshot.shapeOf(pod, this.volumes.of(pod)), nodeName, {
          ...tenureOf(pod),
          devices: this.devicesOf(uid),
        });
      else if (this.snapshot.nodeOf(uid) !== undefined || this.backlog.get(uid) !== undefined)
        this.takePod(undefined, pod, nowMs);
      yield undefined;
    }
  }

  /** Gives hope to refused shapes that a changed node could take; looks at one shape per step. */
  *reconsider(): Generator<undefined, void> {
    const nodes = [...this.improved];
    this.improved.clear();
    if (nodes.length === 0) return;
    for (const nodeName of nodes)
      for (const { id, tenure } of [...(this.snapshot.record(nodeName)?.pods.values() ?? [])])
        if (tenure.isReserved) this.release(id);
    for (const shape of this.backlog.refusedShapes()) {
      if (this.mayFit(shape, nodes)) this.backlog.raiseHope(shape);
      yield undefined;
    }
  }

  /** True when a node changed so that refused pods should be looked at again. */
  get hasImproved(): boolean {
    return this.improved.size > 0;
  }

  private mayFit(shape: Shape, nodes: readonly string[]): boolean {
    const { snapshot, standings } = this;
    const { preemptions } = standings;
    const first = this.backlog.firstRefused(shape);
    const priority = first?.preempts === true ? first.tenure.priority : Number.NEGATIVE_INFINITY;
    // Where pods with terms can run changes with what happens on other nodes too.
    if (snapshot.peers.isTied(shape) || nodes.length > manyNodes)
      return standings.best(shape) >= 0 || preemptions.best(shape, priority) !== undefined;
    return nodes.some(
      (name) => isFitting(snapshot, shape, name) || preemptions.on(shape, priority, name) !== undefined,
    );
  }

  private takeBudget(namespace: string, name: string, budget: PodDisruptionBudget | undefined): void {
    const allowed = budget?.status?.disruptionsAllowed ?? 0;
    const selector = budget?.spec?.selector;
    this.snapshot.budgets.set(namespace, name, budget && { namespace, selector, allowed });
  }

  /** Pods that share a claim wait for the first of them to have a node. */
  private takeNeighbours(namespace: string, [was, is]: readonly (Pod | undefined)[], nowMs: number): void {
    if (this.claiming.size === 0 || (was !== undefined && is !== undefined && placeOf(was).is === placeOf(is).is))
      return;
    const names = new Set([was, is].flatMap((pod) => (pod === undefined ? [] : claimsOfPod(pod))));
    for (const name of names) this.lookAgain(this.volumes.usersOf(namespace, name), nowMs);
  }

  /** Finds anew what waiting pods ask. */
  private lookAgain(pods: readonly Pod[], nowMs: number): void {
    for (const pod of pods) {
      const id = metaOf(pod).uid;
      if (this.claiming.has(id) && !this.assumed.has(id)) this.wait(this.waiting(id, pod, nowMs), pod);
    }
  }

  private takeNode(name: string, node: Node | undefined): void {
    if (node === undefined) {
      this.snapshot.removeNode(name);
      for (const { id, tenure } of [...(this.snapshot.record(name)?.pods.values() ?? [])])
        if (tenure.isReserved) {
          this.snapshot.remove(id);
          this.release(id);
        }
    } else if (this.snapshot.setNode(node)) {
      if (this.bulks.takeNode(node)) this.backlog.reorder();
      this.improved.add(name);
    }
  }

  private takePod(before: Pod | undefined, after: Pod | undefined, nowMs: number): void {
    const id = after && metaOf(after).uid;
    const idBefore = before && metaOf(before).uid;
    // The name may be that of another pod by now.
    if (idBefore !== undefined && idBefore !== id) this.forget(idBefore);
    if (after === undefined || id === undefined) return;
    const place = placeOf(after);
    if (place.is === "bound") this.settle(id, after, place.nodeName);
    else if (place.is === "none") this.forget(id);
    else if (!this.assumed.has(id)) {
      if (claimsOfPod(after).length > 0) this.claiming.set(id, after);
      this.wait(this.waiting(id, after, nowMs), after);
    }
  }

  /** Room that is kept for the pod stays kept, as it did before another replica led. */
  private wait(pod: WaitingPod, { status }: Pod): void {
    const isNew = this.backlog.get(pod.id) === undefined;
    const nodeName = this.reservedNode(pod.id) ?? (isNew ? status?.nominatedNodeName : "") ?? "";
    if (nodeName !== "" && this.snapshot.record(nodeName)?.node !== undefined)
      keepRoom(this.snapshot, { ...pod, tenure: { ...pod.tenure, isReserved: true } }, nodeName);
    const isLetIn = this.queues.wait(pod);
    if (pod.group === "" && isLetIn) {
      this.backlog.add(pod);
      return;
    }
    this.backlog.hold(pod);
    if (pod.group !== "") this.gangs.wait(pod);
    this.review(pod.group);
    if (isNew && (!isLetIn || this.whyGroup.has(pod.group))) this.news.push(pod.id);
  }

  /** A group came, changed or went: what waits for it may be tried, or no longer. */
  private takeGroup(group: string): void {
    this.review(group);
    const [first] = this.gangs.waitingOf(group);
    if (first !== undefined) this.release(first.id);
  }

  /** The pod is bound, wherever it was assumed to be. */
  private settle(id: string, pod: Pod, nodeName: string): void {
    const was = this.snapshot.nodeOf(id);
    this.assumed.delete(id);
    this.claiming.delete(id);
    this.backlog.remove(id);
    this.names.set(id, metaOf(pod).name);
    this.gangs.place(id, groupOf(pod), nodeName);
    const shape = this.snapshot.shapeOfBound(pod);
    const tenure = tenureOf(pod, this.evicting.has(id));
    this.snapshot.place(id, shape, nodeName, tenure);
    if (tenure.isEnding) this.review(this.gangs.leave(id));
    const queue = queueOf(pod.metadata?.labels);
    if (queue !== "") this.queues.place(id, queue, this.snapshot.amountsOf(shape));
    if (was !== undefined && was !== nodeName) this.improved.add(was);
    // Near it, others may be welcome; and where a constraint held pods back, the domains may be even now.
    if (this.backlog.refused > 0 && this.snapshot.peers.isCounted(shape)) this.improved.add(nodeName);
  }

  /** The pod is no more: its room, quota and place in its group are free. */
  forget(id: string): void {
    this.assumed.delete(id);
    this.names.delete(id);
    this.evicting.delete(id);
    this.claiming.delete(id);
    this.backlog.remove(id);
    this.free(id);
    const group = this.gangs.forget(id);
    this.queues.forget({ id, group });
    this.review(group);
  }

  private free(id: string): void {
    const nodeName = this.snapshot.remove(id);
    if (nodeName !== undefined) this.improved.add(nodeName);
  }

  private waiting(id: string, pod: Pod, nowMs: number): WaitingPod {
    const { namespace, name, creationTimestamp } = metaOf(pod);
    const shape = this.snapshot.shapeOf(pod, this.volumes.of(pod));
    const queue = queueOf(pod.metadata?.labels);
    return {
      id,
      key: { kind: "Pod", namespace, name },
      shape,
      tenure: tenureOf(pod),
      preempts: pod.spec?.preemptionPolicy !== "Never",
      group: groupOf(pod),
      queue,
      createdAt: creationTimestamp,
      bulk: queue === "" ? this.bulks.of(shape) : NO_BULK,
      seenAtMs: this.backlog.get(id)?.seenAtMs ?? nowMs,
    };
  }
}
