import { deepEqual } from "../lib/deep-equal.js";
import { limit } from "../lib/limits.js";
import type { Pod, PodStatus } from "../proto/gen/tallship/v1/pod.js";
import type { PodTurn } from "./pod-turn.js";
import { OWN_CONDITIONS, podStatus, type StatusContext } from "./status.js";

interface Reported {
  readonly status: PodStatus;
  readonly atMs: number;
  /** Times the same status was reported in vain. */
  readonly repeats: number;
}

/**
 * Works out each pod's status after a turn, and reports it while the pod's object shows something else: a report may be lost, overtaken by an
 * older one, or overruled by a node controller that took the node for dead.
 */
export class PodStatuses {
  private readonly context: StatusContext;
  private readonly report: (pod: Pod, status: PodStatus) => void;
  private readonly reported = new Map<string, Reported>();

  constructor(context: StatusContext, report: (pod: Pod, status: PodStatus) => void) {
    this.context = context;
    this.report = report;
  }

  /** Takes a turn; returns after how many milliseconds to look again whether the report has arrived. */
  take(turn: PodTurn): number | undefined {
    const pod = turn.desired;
    if (pod === undefined) return undefined;
    const { uid } = turn.record;
    const last = this.reported.get(uid);
    const status = podStatus(turn, basisOf(pod, last?.status), this.context);
    const isSame = last !== undefined && deepEqual(last.status, status);
    if (deepEqual(pod.status, status)) {
      this.reported.set(uid, { status, atMs: turn.nowMs, repeats: 0 });
      return undefined;
    }
    const dueMs = isSame ? last.atMs + repeatMs(last.repeats) - turn.nowMs : 0;
    if (dueMs > 0) return dueMs;
    const repeats = isSame ? last.repeats + 1 : 0;
    this.reported.set(uid, { status, atMs: turn.nowMs, repeats });
    this.report(pod, status);
    return repeatMs(repeats);
  }

  /** The pod is gone from the node. */
  forget(uid: string): void {
    this.reported.delete(uid);
  }
}

function repeatMs(repeats: number): number {
  return Math.min(limit("statusRepeatMaxMs"), limit("statusRepeatFirstMs") * 2 ** repeats);
}

/** What was reported last, since the object may show something older; but of what others write, what the object shows. */
function basisOf(pod: Pod, last: PodStatus | undefined): Pod {
  const shown = pod.status;
  if (last === undefined) return pod;
  if (shown === undefined) return { ...pod, status: last };
  const others = shown.conditions.filter(({ type }) => !OWN_CONDITIONS.has(type));
  const own = last.conditions.filter(({ type }) => OWN_CONDITIONS.has(type));
  const { qosClass, nominatedNodeName } = shown;
  return { ...pod, status: { ...last, conditions: [...others, ...own], qosClass, nominatedNodeName } };
}
