import { metaOf } from "../../kinds/object.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import type { View } from "../cache/view.js";
import { admitOutcome } from "./admit-outcome.js";
import { create } from "./writes.js";

/** How many of new pods, the first ones, priorities, ranges and quotas let through. */
export function letThroughCount(pods: readonly Pod[], view: View): number {
  const { writes } = admitOutcome({ writes: pods.map((pod) => create("Pod", pod)) }, view);
  const names = new Set(
    writes.flatMap((write) =>
      write.op === "put" && write.typed.kind === "Pod" ? [metaOf(write.typed.object).name] : [],
    ),
  );
  const refusedAt = pods.findIndex((pod) => !names.has(metaOf(pod).name));
  return refusedAt === -1 ? pods.length : refusedAt;
}
