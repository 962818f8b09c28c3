import { metaOf } from "../../../kinds/object.js";
import { BinaryHeap } from "../../../lib/binary-heap.js";
import { rfc3339 } from "../../../lib/clock.js";
import { limit } from "../../../lib/limits.js";
import type { PodWhen, WhenResponse } from "../../../proto/gen/tallship/v1/explain.js";
import type { Pod } from "../../../proto/gen/tallship/v1/pod.js";
import { assume } from "../../../scheduler/schedule.js";
import type { View } from "../../cache/view.js";
import type { WaitingPod } from "../../scheduling/backlog.js";
import type { SchedulerState } from "../../scheduling/scheduler-state.js";
import type { Picture } from "../picture.js";
import { PodEnds } from "./pod-ends.js";

/** A pod that leaves its node at some time. */
interface Release {
  readonly id: string;
  readonly nodeName: string;
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
  const waiting = state.backlog.take(Number.POSITIVE_INFINITY);
  const course = new Course(state, view, nowMs);
  let left = waiting;
  const last = waiting.findLastIndex(({ id }) => targets.has(id));
  // Pods behind the last one that is asked about cannot delay it: the others go first.
  left = waiting.slice(0, last + 1);
  for (let steps = 0; left.length > 0 && steps < limit("whenSteps"); steps += 1) {
    left = course.place(left);
    await pace();
    if (!left.some(({ id }) => targets.has(id)) || !course.goOn()) break;
  }
  const pods = waiting.flatMap((pod, at) => (targets.has(pod.id) ? [course.answer(pod, at + 1)] : []));
  return { pods, waitingCount: waiting.length, unknownEnds: course.endless, revision: view.revision };
}

/** The course of things as far as it is known. */
class Course {
  private readonly state: SchedulerState;
  private readonly ends: PodEnds;
  private readonly view: View;
  private readonly releases = new BinaryHeap<Release>((left, right) => isBefore(left, right));
  private readonly starts = new Map<string, Start>();
  /** Ends that came to pass, by node: what a start there rests on. */
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
    const kindOf = ({ shape, tenure, preempts }: WaitingPod): string => `${shape.key} ${tenure.priority} ${preempts}`;
    return waiting.filter((pod) => {
      if (stuck.has(kindOf(pod))) return true;
      const { attempts } = assume(this.state.snapshot, [pod], this.state.standings);
      for (const { victims, nodeName } of attempts)
        for (const { id, tenure } of victims)
          this.releases.push({
            id,
            nodeName,
            atMs: this.nowMs + this.graceMs(id, tenure.namespace),
            because: PREEMPTED,
          });
      const bound = attempts.find(({ is }) => is === "bound");
      if (bound === undefined) stuck.add(kindOf(pod));
      else this.start(pod, bound.nodeName);
      return bound === undefined;
    });
  }

  /** Goes on to the next time that pods end; false when nobody says when any does. */
  goOn(): boolean {
    let next = this.releases.pop();
    if (next === undefined) return false;
    this.nowMs = Math.max(this.nowMs, next.atMs);
    // What ends within the same second ends together.
    while (next !== undefined && next.atMs <= this.nowMs + TOGETHER_MS) {
      this.state.snapshot.remove(next.id);
      this.passed.set(next.nodeName, (this.passed.get(next.nodeName) ?? new Set()).add(next.because));
      next = this.releases.pop();
    }
    if (next !== undefined) this.releases.push(next);
    return true;
  }

  answer(pod: WaitingPod, position: number): PodWhen {
    const { namespace, name } = pod.key;
    const start = this.starts.get(pod.id);
    const isKnown = start !== undefined;
    return {
      namespace,
      name,
      position,
      node: start?.nodeName ?? "",
      startsAt: isKnown ? rfc3339(start.atMs) : "",
      inSeconds: isKnown ? Math.ceil((start.atMs - this.beganMs) / 1_000) : undefined,
      assumptions: isKnown && start.atMs > this.beganMs ? [...(this.passed.get(start.nodeName) ?? [])].sort() : [],
    };
  }

  private takeRunning(pod: Pod): void {
    const { uid } = metaOf(pod);
    const nodeName = this.state.snapshot.nodeOf(uid);
    if (nodeName === undefined || (pod.spec?.nodeName ?? "") === "") return;
    const end = this.ends.of(pod);
    if (end === undefined) this.endless += 1;
    else this.releases.push({ id: uid, nodeName, ...end });
  }

  private start({ id, key }: WaitingPod, nodeName: string): void {
    this.starts.set(id, { nodeName, atMs: this.nowMs });
    const pod = this.view.get("Pod", key.namespace, key.name);
    const duration = pod && this.ends.durationOf(pod);
    if (duration !== undefined)
      this.releases.push({ id, nodeName, atMs: this.nowMs + duration.ms, because: duration.because });
  }

  private graceMs(id: string, namespace: string): number {
    const name = this.state.nameOf(id) ?? "";
    return (this.view.get("Pod", namespace, name)?.spec?.terminationGracePeriodSeconds ?? 0) * 1_000;
  }
}

const PREEMPTED = "pods of lower priority end within their grace";
const TOGETHER_MS = 1_000;

function isBefore(left: Release, right: Release): boolean {
  return left.atMs === right.atMs ? left.id < right.id : left.atMs < right.atMs;
}
