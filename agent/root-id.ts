import { keepsFiles } from "../kinds/power.js";
import type { Pod } from "../proto/gen/tallship/v1/pod.js";
import { type ContainerKey, containerId } from "./runtime/runtime.js";

/** The name of a run's root file system: one for all runs when what they write is to last. */
export function rootIdOf(key: ContainerKey, pod: Pod): string {
  return containerId(keepsFiles(pod) ? { ...key, attempt: 0 } : key);
}
