import { metaOf, type ObjectKey } from "../../kinds/object.js";
import { GANG_TOPOLOGY, gangSize, podGroupOf } from "../../kinds/pod-group.js";
import { isPodActive } from "../../kinds/pod-state.js";
import { parseTime, rfc3339 } from "../../lib/clock.js";
import { deepEqual } from "../../lib/deep-equal.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { PodGroup, PodGroupStatus } from "../../proto/gen/tallship/v1/podgroup.js";
import type { CacheChange, Cached, View } from "../cache/view.js";
import type { Notice } from "../events/notice.js";
import { type Controller, NOTHING, type Outcome, type ReconcileContext } from "./controller.js";
import { childMeta, create, replace } from "./writes.js";

/** Keeps the status of pod groups, and makes the group of a job that asks for a gang. Whether a group may still be tried is its phase. */
export const podGroup: Controller = { name: "pod-group", keysFor, reconcile };

function keysFor({ key, before, after }: CacheChange): readonly ObjectKey[] {
  const { namespace } = key;
  if (key.kind === "PodGroup" || key.kind === "Job") return [{ kind: "PodGroup", namespace, name: key.name }];
  if (key.kind !== "Pod") return [];
  const names = new Set([before, after].map((each) => podGroupOf(each?.object.metadata?.labels)));
  return [...names].filter((name) => name !== "").map((name) => ({ kind: "PodGroup", namespace, name }));
}

function reconcile({ namespace, name }: ObjectKey, view: View, context: ReconcileContext): Outcome {
  const cached = view.cached("PodGroup", namespace, name);
  const job = view.cached("Job", namespace, name);
  if (cached === undefined) return job === undefined ? NOTHING : ofJob(job, context);
  const members = view.list("Pod", namespace).filter(({ object }) => podGroupOf(metaOf(object).labels) === name);
  const { status, untilFailedMs } = statusOf(
    cached.object,
    members.map(({ object }) => object),
    context.nowMs,
  );
  const againMs = untilFailedMs === undefined ? {} : { againMs: untilFailedMs };
  if (deepEqual(status, cached.object.status)) return { writes: [], ...againMs };
  const failed =
    status.phase === "Failed" && cached.object.status?.phase !== "Failed" ? [timeout(namespace, name)] : [];
  return { writes: [replace(cached, { ...cached.object, status })], notices: failed, ...againMs };
}

function ofJob(job: Cached<"Job">, context: ReconcileContext): Outcome {
  const minMember = gangSize(job.object);
  if (minMember === undefined) return NOTHING;
  const { name, annotations } = metaOf(job.object);
  const topologyKey = annotations[GANG_TOPOLOGY] ?? "";
  const group = PodGroup.fromPartial({
    metadata: childMeta(job, name, {}, context),
    spec: { minMember, topologyKey, topologyPolicy: "Required" },
  });
  return { writes: [create("PodGroup", group)] };
}

function statusOf(
  { spec, status }: PodGroup,
  members: readonly Pod[],
  nowMs: number,
): { readonly status: PodGroupStatus; readonly untilFailedMs: number | undefined } {
  const before = status ?? PodGroupStatus.fromPartial({});
  const { minMember = 1, scheduleTimeoutSeconds } = spec ?? {};
  const active = members.filter(isPodActive);
  const inPhase = (phase: string): number => members.filter((pod) => pod.status?.phase === phase).length;
  const counts = {
    pods: active.length,
    scheduled: active.filter((pod) => (pod.spec?.nodeName ?? "") !== "").length,
    running: active.filter((pod) => pod.status?.phase === "Running").length,
    succeeded: inPhase("Succeeded"),
    failed: inPhase("Failed"),
  };
  const phase = phaseOf(counts, minMember);
  if (phase !== "Scheduling") return { status: { ...counts, phase, scheduleStartTime: "" }, untilFailedMs: undefined };
  const scheduleStartTime = before.scheduleStartTime || rfc3339(nowMs);
  const endMs = parseTime(scheduleStartTime) + 1_000 * (scheduleTimeoutSeconds ?? Number.POSITIVE_INFINITY);
  if (nowMs >= endMs) return { status: { ...counts, phase: "Failed", scheduleStartTime }, untilFailedMs: undefined };
  const untilFailedMs = Number.isFinite(endMs) ? endMs - nowMs : undefined;
  return { status: { ...counts, phase, scheduleStartTime }, untilFailedMs };
}

function phaseOf(
  counts: Pick<PodGroupStatus, "pods" | "scheduled" | "running" | "succeeded">,
  minMember: number,
): string {
  const { pods, scheduled, running, succeeded } = counts;
  if (succeeded >= minMember) return "Finished";
  if (running + succeeded >= minMember) return "Running";
  if (scheduled + succeeded >= minMember) return "Scheduled";
  return pods + succeeded >= minMember ? "Scheduling" : "Pending";
}

function timeout(namespace: string, name: string): Notice {
  const message = "The pods found no nodes together in time: they are not tried again";
  return { about: { kind: "PodGroup", namespace, name }, type: "Warning", reason: "ScheduleTimeout", message };
}
