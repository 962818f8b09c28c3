import type { Pod } from "../proto/gen/tallship/v1/pod.js";

/** Something to tell the user about a pod. */
export interface PodNotice {
  readonly pod: Pod;
  /** Container that it concerns; empty for the pod as a whole. */
  readonly container: string;
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
}

/** What the sync loop tells the control plane beside statuses. */
export interface ControlPlane {
  /** Says that a pod that is being deleted is gone from this node: its object goes. Nothing when it is another pod by now. Throws unavailable while no control plane can be reached. */
  releasePod(pod: Pod): Promise<void>;
  /** Tells the user; never waits, and is dropped under load. */
  notify(notice: PodNotice): void;
}
