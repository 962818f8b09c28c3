import { deepEqual } from "../../lib/deep-equal.js";
import type {
  DaemonSet,
  DaemonSetUpdateStrategy,
  RollingUpdateDaemonSet,
} from "../../proto/gen/tallship/v1/daemonset.js";
import { defaultTemplate } from "./workload.js";

/** A rolling update of one node at a time, and the defaults of its pods. */
export function defaultDaemonSet(set: DaemonSet): DaemonSet {
  const { spec } = set;
  if (spec === undefined) return set;
  return {
    ...set,
    spec: { ...spec, updateStrategy: defaultStrategy(spec.updateStrategy), template: defaultTemplate(spec.template) },
  };
}

function defaultStrategy(strategy: DaemonSetUpdateStrategy | undefined): DaemonSetUpdateStrategy {
  const { type = "", rollingUpdate } = strategy ?? {};
  // Bounds that were only filled in stay behind when the type changes; what a user wrote is for validation to refuse.
  if (type === "OnDelete" && deepEqual(rollingUpdate, bounds(undefined))) return { type, rollingUpdate: undefined };
  if (type !== "" && type !== "RollingUpdate") return { type, rollingUpdate };
  return { type: "RollingUpdate", rollingUpdate: bounds(rollingUpdate) };
}

function bounds(given: RollingUpdateDaemonSet | undefined): RollingUpdateDaemonSet {
  return {
    maxUnavailable: given?.maxUnavailable ?? { value: { $case: "intVal", value: 1 } },
    maxSurge: given?.maxSurge ?? { value: { $case: "intVal", value: 0 } },
  };
}
