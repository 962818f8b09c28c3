import { ageText } from "../../kinds/age.js";
import { isPodFinished } from "../../kinds/pod-state.js";
import { podSummary } from "../../kinds/pod-summary.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import type { PodGroup } from "../../proto/gen/tallship/v1/podgroup.js";
import type { Queue } from "../../proto/gen/tallship/v1/queue.js";
import { headOf, type Surroundings, timeText, withEvents } from "./facts.js";
import type { Page } from "./page.js";

/** A queue: its quota, what is used of it and lent, and who waits in it and runs. */
export function describeQueue({ metadata, spec, status }: Queue, pods: readonly Pod[], around: Surroundings): Page {
  const page = headOf(metadata, around.nowMs);
  page.fact("Cohort", spec?.cohort ?? "").fact("Priority", String(spec?.priority ?? 0));
  page.fact("Reclaim Policy", spec?.reclaimPolicy || "Any");
  const resources = Object.entries(spec?.quota ?? {}).sort();
  page.table(
    "Quota",
    ["Resource", "Quota", "Used", "Borrowed", "Borrows at most", "Lends at most"],
    resources.map(([name, quota]) => [
      name,
      quota,
      status?.used[name] ?? "0",
      status?.borrowed[name] ?? "0",
      spec?.cohort ? (spec.borrowingLimit[name] ?? "-") : "0",
      spec?.cohort ? (spec.lendingLimit[name] ?? "-") : "0",
    ]),
  );
  page.fact("Pods Statuses", `${status?.running ?? 0} Running / ${status?.pending ?? 0} Pending`);
  page.table("Pods", HEADINGS, rowsOf(pods, around.nowMs));
  return withEvents(page, around);
}

/** A group of pods: how many are needed at once and where, how far it is, and its pods. */
export function describePodGroup(
  { metadata, spec, status }: PodGroup,
  pods: readonly Pod[],
  around: Surroundings,
): Page {
  const page = headOf(metadata, around.nowMs);
  page.fact("Min Member", String(spec?.minMember ?? 0));
  page.factIf("Topology", spec?.topologyKey && `${spec.topologyKey} (${spec.topologyPolicy || "Required"})`);
  if (spec?.scheduleTimeoutSeconds !== undefined) page.fact("Schedule Timeout", `${spec.scheduleTimeoutSeconds}s`);
  page.fact("Phase", status?.phase || "Pending");
  page.factIf("Waits Since", timeText(status?.scheduleStartTime ?? "", around.nowMs));
  const { pods: count = 0, scheduled = 0, running = 0, succeeded = 0, failed = 0 } = status ?? {};
  page.fact(
    "Pods Statuses",
    `${count} Pods / ${scheduled} Scheduled / ${running} Running / ${succeeded} Succeeded / ${failed} Failed`,
  );
  page.table("Pods", HEADINGS, rowsOf(pods, around.nowMs));
  return withEvents(page, around);
}

const HEADINGS = ["Namespace", "Name", "Priority", "Status", "Node", "Age"];

/** Those without a node first: they are what is asked about. */
function rowsOf(pods: readonly Pod[], nowMs: number): readonly (readonly string[])[] {
  const live = pods.filter((pod) => !isPodFinished(pod));
  const isWaiting = ({ spec }: Pod): boolean => (spec?.nodeName ?? "") === "";
  return [...live.filter(isWaiting), ...live.filter((pod) => !isWaiting(pod))].map((pod) => [
    pod.metadata?.namespace ?? "",
    pod.metadata?.name ?? "",
    String(pod.spec?.priority ?? 0),
    podSummary(pod).status,
    pod.spec?.nodeName || "<none>",
    ageText(pod.metadata?.creationTimestamp ?? "", nowMs),
  ]);
}
