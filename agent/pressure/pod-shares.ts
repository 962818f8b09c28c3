import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import type { Runtime } from "../runtime/runtime.js";
import type { PodShare } from "./rank.js";
import { type MeasureStorage, totalOf } from "./storage.js";
import type { StarvedResource } from "./thresholds.js";

/** What pods have of a resource that runs out: measured then, and only then. */
export function podShares(
  stats: Runtime["stats"],
  measure: MeasureStorage,
): (pods: readonly Pod[], resource: StarvedResource) => Promise<readonly PodShare[]> {
  return async (pods, resource) => {
    switch (resource) {
      case "memory":
        return statShares(pods, stats, "memoryBytes");
      case "pids":
        return statShares(pods, stats, "pidCount");
      default:
        return diskShares(pods, await measure(pods, resource === "inodes" ? "inodes" : "bytes"));
    }
  };
}

async function statShares(
  pods: readonly Pod[],
  stats: Runtime["stats"],
  name: "memoryBytes" | "pidCount",
): Promise<readonly PodShare[]> {
  const shares: PodShare[] = [];
  for (const pod of pods) {
    const uid = pod.metadata?.uid ?? "";
    const runs = await stats(uid).catch(() => []); // It goes by itself just now.
    const byContainer = new Map(runs.map((run) => [run.container, run[name]]));
    shares.push({ uid, pod, byContainer, used: [...byContainer.values()].reduce((sum, one) => sum + one, 0) });
  }
  return shares;
}

function diskShares(pods: readonly Pod[], storage: Awaited<ReturnType<MeasureStorage>>): readonly PodShare[] {
  return pods.map((pod) => {
    const uid = pod.metadata?.uid ?? "";
    const kept = storage.get(uid) ?? { byContainer: new Map(), byVolume: new Map() };
    return { uid, pod, used: totalOf(kept), byContainer: kept.byContainer };
  });
}
