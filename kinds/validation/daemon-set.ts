import type { DaemonSet } from "../../proto/gen/tallship/v1/daemonset.js";
import type { Findings } from "./findings.js";
import { checkAtMostAll, checkSelected, isZero } from "./workload.js";

/** A selector that selects the template's pods, and a rolling update that can move. */
export function checkDaemonSet(set: DaemonSet, findings: Findings): void {
  const { spec } = set;
  if (spec === undefined) {
    findings.add("required", ["spec"], "this field is required");
    return;
  }
  checkSelected(spec.selector, spec.template, findings);
  const { type = "", rollingUpdate } = spec.updateStrategy ?? {};
  const path = ["spec", "updateStrategy", "rollingUpdate"];
  if (rollingUpdate === undefined) return;
  if (type === "OnDelete") {
    findings.add("forbidden", path, "only with type RollingUpdate");
    return;
  }
  const { maxUnavailable, maxSurge } = rollingUpdate;
  if (isZero(maxUnavailable) && isZero(maxSurge))
    findings.add("invalid", [...path, "maxUnavailable"], "maxUnavailable and maxSurge cannot both be 0");
  if (!isZero(maxUnavailable ?? ONE) && !isZero(maxSurge ?? ZERO))
    findings.add("invalid", [...path, "maxSurge"], "want 0 when maxUnavailable is not 0");
  checkAtMostAll(maxUnavailable, [...path, "maxUnavailable"], findings);
  checkAtMostAll(maxSurge, [...path, "maxSurge"], findings);
}

const ONE = { value: { $case: "intVal", value: 1 } } as const;
const ZERO = { value: { $case: "intVal", value: 0 } } as const;
