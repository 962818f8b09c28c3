import { metaOf } from "../../../kinds/object.js";
import { conditionOf, isDeleting, isPodFinished, untilAvailableMs } from "../../../kinds/pod-state.js";
import type { Pod } from "../../../proto/gen/tallship/v1/pod.js";
import type { StatefulSet, StatefulSetSpec } from "../../../proto/gen/tallship/v1/statefulset.js";
import type { Cached, View } from "../../cache/view.js";
import { steadySeconds } from "../steady.js";
import { REVISION_LABEL } from "../template-revisions.js";
import { ordinalOf, podName } from "./identity.js";
import type { Rules, Slot } from "./steps.js";

/** A number of the set with its pod. */
export interface Member extends Slot {
  /** The set's own pod under this number. */
  readonly cached: Cached<"Pod"> | undefined;
  /** Milliseconds until its pod is steady by time alone; infinity when that takes more. */
  readonly untilSteadyMs: number;
}

/** What is needed to read the members. */
export interface MembersInput {
  readonly set: StatefulSet;
  readonly owned: readonly Cached<"Pod">[];
  /** Name of the revision of the latest template. */
  readonly updateRevision: string;
  readonly nowMs: number;
}

/** Every number that is wanted or has a pod of the set, in order. */
export function membersOf({ set, owned, updateRevision, nowMs }: MembersInput, view: View): readonly Member[] {
  const byOrdinal = new Map<number, Cached<"Pod">>();
  for (const cached of owned) {
    const ordinal = ordinalOf(set, metaOf(cached.object).name);
    if (ordinal !== undefined) byOrdinal.set(ordinal, cached);
  }
  const { first, end } = rangeOf(set.spec);
  const numbers = new Set(byOrdinal.keys());
  for (let ordinal = first; ordinal < end; ordinal += 1) numbers.add(ordinal);
  const { namespace } = metaOf(set);
  return [...numbers]
    .sort((left, right) => left - right)
    .map((ordinal): Member => {
      const cached = byOrdinal.get(ordinal);
      const isForeign = cached === undefined && view.get("Pod", namespace, podName(set, ordinal)) !== undefined;
      const isUpdated = cached !== undefined && revisionOf(cached.object) === updateRevision;
      const minReadySeconds = set.spec?.minReadySeconds ?? 0;
      const seconds = isUpdated ? steadySeconds(cached.object.spec, minReadySeconds) : minReadySeconds;
      const untilSteadyMs = untilHealthyMs(cached?.object, seconds, nowMs);
      return {
        ordinal,
        isWanted: ordinal >= first && ordinal < end,
        cached,
        pod: cached === undefined ? (isForeign ? "foreign" : "absent") : stateOf(cached.object),
        isHealthy: untilHealthyMs(cached?.object, minReadySeconds, nowMs) === 0,
        isSteady: untilSteadyMs === 0,
        untilSteadyMs,
        isStuck: cached !== undefined && isStuck(cached.object),
        isUpdated,
      };
    });
}

/** The numbers that are wanted: from the first one up to, but not including, the end. */
export function rangeOf(spec: StatefulSetSpec | undefined): { readonly first: number; readonly end: number } {
  const first = spec?.ordinals?.start ?? 0;
  return { first, end: first + (spec?.replicas ?? 1) };
}

/** Name of the revision that a pod was made from. */
export function revisionOf({ metadata }: Pod): string {
  return metadata?.labels[REVISION_LABEL] ?? "";
}

/** How the set's spec says that it moves. */
export function rulesOf(spec: StatefulSetSpec | undefined): Rules {
  const { type = "RollingUpdate", rollingUpdate } = spec?.updateStrategy ?? {};
  const { first, end } = rangeOf(spec);
  const most = rollingUpdate?.maxUnavailable?.value;
  const share =
    most?.$case === "strVal" ? Math.ceil(((end - first) * Number.parseInt(most.value, 10)) / 100) : most?.value;
  return {
    isOrdered: spec?.podManagementPolicy !== "Parallel",
    updateFrom: type === "OnDelete" ? undefined : first + (rollingUpdate?.partition ?? 0),
    maxUnavailable: Math.max(1, share ?? 1),
  };
}

function stateOf(pod: Pod): Slot["pod"] {
  if (isDeleting(pod)) return "terminating";
  return isPodFinished(pod) ? "finished" : "live";
}

function untilHealthyMs(pod: Pod | undefined, readySeconds: number, nowMs: number): number {
  const isLive = pod !== undefined && stateOf(pod) === "live";
  return isLive ? untilAvailableMs(pod, readySeconds, nowMs) : Number.POSITIVE_INFINITY;
}

/** Reasons that a container waits for while all is well. */
const PATIENT = new Set(["", "ContainerCreating", "PodInitializing"]);

function isStuck({ status }: Pod): boolean {
  if (conditionOf(status?.conditions, "PodScheduled")?.status === "False") return true;
  const containers = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  return containers.some(({ state }) => !PATIENT.has(state?.waiting?.reason ?? ""));
}
