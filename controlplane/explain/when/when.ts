import { metaOf } from "../../../kinds/object.js";
import { queueOf } from "../../../kinds/queue.js";
import { BinaryHeap } from "../../../lib/binary-heap.js";
import { rfc3339 } from "../../../lib/clock.js";
import { limit } from "../../../lib/limits.js";
import type { PodWhen, WhenResponse } from "../../../proto/gen/tallship/v1/explain.js";
import type { Pod } from "../../../proto/gen/tallship/v1/pod.js";
import type { View } from "../../cache/view.js";
import { isBefore, type WaitingPod } from "../../scheduling/backlog.js";
import { remnantsOf } from "../../scheduling/remnants.js";
import type { SchedulerState } from "../../scheduling/scheduler-state.js";
import type { Picture } from "../picture.js";
import { type Placement, placeWaiting } from "../plan/place-waiting.js";
import { PodEnds } from "./pod-ends.js";

/** A pod that leaves its node at some time. */
interface Release {
  readonly id: string;
  readonly nodeName: string;
  /** Whose quota it uses; empty: of none. */
  readonly queue: string;
  readonly atMs: number;
  readonly because: string;
}

/** When a pod got its node, in the simulated time. */
interface Start {
  readonly nodeName: string;
  readonly atMs: number;
}

/**
 * When pods that wait will get a node: lets pods end as far as it is known when they do, and the scheduler place those that wait in its own order
 * each time. What nobody says stays unknown. Works on the picture alone, which is used up by it.
 */
export async function whenOf(
  targets: ReadonlySet<string>,
  { state, view, pace }: Picture,
  nowMs: number,
): Promise<Omit<WhenResponse, "results">> {
  const waiting = state.backlog.all();
  const course = new Course(state, view, nowMs);
  const last = waiting.findLastIndex(({ id }) => targets.has(id));
  // Pods behind the last one that is asked about cannot delay it, but for those of other queues with more of their quota left.
  const first = new Set(waiting.slice(0, last + 1).map(({ id }) => id));
  let left: readonly WaitingPod[] = [];
  for (let steps = 0; steps < limit("whenSteps"); steps += 1) {
    left = await course.letIn(left, ({ id, queue }) => first.has(id) || queue !== "", pace);
    await pace();
    if (!course.isAnyMissing(targets) || !course.goOn()) break;
    left = course.place([...left].sort((one, other) => (isBefore(one, other) ? -1 : 1)));
  }
  // By queue; a pod's place in its line is how many there were with it.
  const lines = new Map<string, number>();
  const placed = waiting.map((pod, at) => {
    const place = pod.queue === "" ? 0 : (lines.get(pod.queue) ?? 0) + 1;
    lines.set(pod.queue, place);
    return { pod, position: at + 1, queuePosition: place };
  });
  const pods = placed.flatMap(({ pod, ...places }) =>
    targets.has(pod.id) ? [course.answer(pod, { ...places, queueWaiting: lines.get(pod.queue) ?? 0 })] : [],
  );
  return { pods, waitingCount: waiting.length, unknownEnds: course.endless, revision: view.revision };
}

/** The course of things as far as it is known. */
class Course {
  private readonly state: SchedulerState;
  private readonly ends: PodEnds;
  private readonly view: View;
  private readonly releases = new BinaryHeap<Release>((left, right) => isSooner(left, right));
  private readonly starts = new Map<string, Start>();
  /** Ends that came to pass, by node and by queues that lend each other: what a start there rests on. */
  private readonly passed = new Map<string, Set<string>>();
  private nowMs: number;
  private readonly beganMs: number;
  /** Pods that run and of which nobody says when they end. */
  endless = 0;

  constructor(state: SchedulerState, view: View, nowMs: number) {
    this.state = state;
    this.view = view;
    this.nowMs = nowMs;
    this.beganMs = nowMs;
    this.ends = new PodEnds(view, nowMs);
    for (const { object } of view.list("Pod")) this.takeRunning(object);
  }

  /** Places what finds a node now; returns the others. Of pods that are alike, one that finds none speaks for those behind it. */
  place(waiting: readonly WaitingPod[]): readonly WaitingPod[] {
    const stuck = new Set<string>();
    const kindOf = ({ shape, tenure, preempts, group }: WaitingPod): string =>
      `${shape.key} ${tenure.priority} ${preempts} ${group}`;
    return waiting.filter((pod) => {
      if (stuck.has(kindOf(pod))) return true;
      const placements = placeWaiting([pod], this.state, () => "");
      for (const placement of placements) this.carryOut(placement);
      const isBound = placements.some((placement) => placement.isBound);
      if (!isBound) stuck.add(kindOf(pod));
      // Who speaks for a group that cannot be tried is heard again when it can.
      if (placements.length === 0) this.state.backlog.withhold(pod.id);
      return !isBound && placements.length > 0;
    });
  }

  /** Places those that may be tried by now, as far as they count, and lets queues take back what they lent; returns those that find no node, with those that found none before. */
  async letIn(
    before: readonly WaitingPod[],
    counts: (pod: WaitingPod) => boolean,
    pace: Picture["pace"],
  ): Promise<readonly WaitingPod[]> {
    let left = before;
    for (;;) {
      while (this.state.admit()) await pace();
      const more = this.state.backlog.take(Number.POSITIVE_INFINITY);
      left = [...left, ...this.place(more.filter(counts))];
      if (more.length > 0) continue;
      if (!this.takeBack()) return left;
      left = left.filter((pod) => this.isStillLetIn(pod));
    }
  }

  /** True when somebody has to go so that a queue gets back what it lent, or waits for quota again. */
  private takeBack(): boolean {
    const debtors = this.state.reclaimed();
    for (const { id, queue, isUnplaced } of debtors) {
      // It may be on its way with another of its group.
      if (isUnplaced || this.state.snapshot.tenant(id)?.tenure.isEnding !== false) continue;
      for (const each of [id, ...remnantsOf(this.state, [id])]) {
        this.state.setEvicting(each);
        this.dismiss(each, `queue ${queue} takes back what it has lent`);
      }
    }
    return debtors.length > 0;
  }

  private isStillLetIn(pod: WaitingPod): boolean {
    if (pod.queue === "" || this.state.whyHeld(pod) === "") return true;
    this.state.backlog.withhold(pod.id);
    return false;
  }

  /** True while one of these has no node. */
  isAnyMissing(ids: ReadonlySet<string>): boolean {
    for (const id of ids) if (!this.starts.has(id) && this.state.backlog.get(id) !== undefined) return true;
    return false;
  }

  private carryOut({ pod, nodeName, isBound, victims }: Placement): void {
    for (const id of victims) this.dismiss(id, PREEMPTED);
    if (isBound) this.start(pod, nodeName);
  }

  /** The pod is told to go, and has its grace. */
  private dismiss(id: string, because: string): void {
    const nodeName = this.state.snapshot.nodeOf(id) ?? "";
    const namespace = this.state.snapshot.tenant(id)?.tenure.namespace ?? "";
    const pod = this.view.get("Pod", namespace, this.state.nameOf(id) ?? "");
    const graceMs = (pod?.spec?.terminationGracePeriodSeconds ?? 0) * 1_000;
    const queue = queueOf(pod?.metadata?.labels);
    this.releases.push({ id, nodeName, queue, atMs: this.nowMs + graceMs, because });
  }

  /** Goes on to the next time that pods end; false when nobody says when any does. */
  goOn(): boolean {
    let next = this.releases.pop();
    if (next === undefined) return false;
    this.nowMs = Math.max(this.nowMs, next.atMs);
    // What ends within the same second ends together.
    while (next !== undefined && next.atMs <= this.nowMs + TOGETHER_MS) {
      this.state.forget(next.id);
      for (const key of this.placesOf(next))
        this.passed.set(key, (this.passed.get(key) ?? new Set()).add(next.because));
      next = this.releases.pop();
    }
    if (next !== undefined) this.releases.push(next);
    return true;
  }

  answer(pod: WaitingPod, places: Pick<PodWhen, "position" | "queuePosition" | "queueWaiting">): PodWhen {
    const { namespace, name } = pod.key;
    const start = this.starts.get(pod.id);
    const isKnown = start !== undefined;
    return {
      namespace,
      name,
      ...places,
      queue: pod.queue,
      node: start?.nodeName ?? "",
      startsAt: isKnown ? rfc3339(start.atMs) : "",
      inSeconds: isKnown ? Math.ceil((start.atMs - this.beganMs) / 1_000) : undefined,
      heldBy: isKnown ? "" : this.state.whyHeld(pod) || this.state.groupNeed(pod),
      assumptions: isKnown && start.atMs > this.beganMs ? this.assumptionsOf(pod, start) : [],
    };
  }

  private assumptionsOf({ queue }: WaitingPod, { nodeName }: Start): string[] {
    const passed = this.placesOf({ nodeName, queue }).flatMap((key) => [...(this.passed.get(key) ?? [])]);
    return [...new Set(passed)].sort();
  }

  /** Where a pod leaves room for others: on its node, and in the quota of its queue and those that it lends to. */
  private placesOf({ nodeName, queue }: Pick<Release, "nodeName" | "queue">): readonly string[] {
    if (queue === "") return [`node/${nodeName}`];
    const cohort = this.view.get("Queue", "", queue)?.spec?.cohort ?? "";
    return [`node/${nodeName}`, cohort === "" ? `queue/${queue}` : `cohort/${cohort}`];
  }

  private takeRunning(pod: Pod): void {
    const { uid } = metaOf(pod);
    const nodeName = this.state.snapshot.nodeOf(uid);
    if (nodeName === undefined || (pod.spec?.nodeName ?? "") === "") return;
    const end = this.ends.of(pod);
    if (end === undefined) this.endless += 1;
    else this.releases.push({ id: uid, nodeName, queue: queueOf(pod.metadata?.labels), ...end });
  }

  private start({ id, key, queue }: WaitingPod, nodeName: string): void {
    this.starts.set(id, { nodeName, atMs: this.nowMs });
    const pod = this.view.get("Pod", key.namespace, key.name);
    const duration = pod && this.ends.durationOf(pod);
    if (duration !== undefined)
      this.releases.push({ id, nodeName, queue, atMs: this.nowMs + duration.ms, because: duration.because });
  }
}

const PREEMPTED = "pods of lower priority end within their grace";
const TOGETHER_MS = 1_000;

function isSooner(left: Release, right: Release): boolean {
  return left.atMs === right.atMs ? left.id < right.id : left.atMs < right.atMs;
}
