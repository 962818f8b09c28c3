import type { ObjectKey } from "../../kinds/object.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import type { Notice } from "../events/notice.js";

/** Tells of an owner's pods that were created or deleted; names the first three. Nothing when there are none. */
export function podNotice(about: ObjectKey, verb: "Created" | "Deleted", pods: readonly Pod[]): readonly Notice[] {
  if (pods.length === 0) return [];
  const names = pods.slice(0, 3).map((pod) => pod.metadata?.name);
  const more = pods.length > names.length ? ` and ${pods.length - names.length} more` : "";
  const what = pods.length === 1 ? "pod" : `${pods.length} pods`;
  const reason = verb === "Created" ? "SuccessfulCreate" : "SuccessfulDelete";
  return [{ about, type: "Normal", reason, message: `${verb} ${what}: ${names.join(", ")}${more}` }];
}
