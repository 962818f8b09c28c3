import { deepEqual } from "../lib/deep-equal.js";
import type { Pod, PodStatus } from "../proto/gen/tallship/v1/pod.js";
import type { PodTurn } from "./pod-turn.js";
import { podStatus, type StatusContext } from "./status.js";

/** Works out each pod's status after a turn and passes on what is new. */
export class PodStatuses {
  private readonly context: StatusContext;
  private readonly report: (pod: Pod, status: PodStatus) => void;
  private readonly reported = new Map<string, PodStatus>();

  constructor(context: StatusContext, report: (pod: Pod, status: PodStatus) => void) {
    this.context = context;
    this.report = report;
  }

  /**
   * Takes a turn. The status builds on what was reported last, since what the control plane shows may be older. A pod whose object shows
   * something else, as after a restore, is reported again, and so is one that the leader called Unknown while it could not hear this node.
   */
  take(turn: PodTurn): void {
    const pod = turn.desired;
    if (pod === undefined) return;
    const { uid } = turn.record;
    const last = this.reported.get(uid);
    const basis =
      last === undefined ? pod : { ...pod, status: { ...last, qosClass: pod.status?.qosClass ?? last.qosClass } };
    const status = podStatus(turn, basis, this.context);
    const isSaid = last !== undefined && deepEqual(last, status);
    if (isSaid && pod.status?.phase !== "Unknown") return;
    this.reported.set(uid, status);
    if (deepEqual(pod.status, status)) return;
    this.report(pod, status);
  }

  /** The pod is gone from the node. */
  forget(uid: string): void {
    this.reported.delete(uid);
  }
}
