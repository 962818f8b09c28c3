import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import type { ConfigValues } from "../config-values.js";
import type { PodRecord } from "../pod-record.js";

/** What the node keeps of a pod over the agent's death and its own. */
export interface SavedPod {
  readonly record: PodRecord;
  /** As it was last wanted; undefined when nobody wants it any more. */
  readonly pod: Pod | undefined;
  /** What it read from ConfigMaps and Secrets; sealed on disk. */
  readonly configs: ConfigValues | undefined;
}

/** Edge: the node's memory on disk. A pod is saved as a whole or not at all. Failures: disk_failed. */
export interface Checkpoint {
  /** Every pod that can be read; what is damaged is left out and logged. */
  load(): Promise<readonly SavedPod[]>;
  /** Resolves when the pod's state would survive the agent's death; it survives a power cut a few seconds later. */
  save(saved: SavedPod): Promise<void>;
  remove(uid: string): Promise<void>;
}
