import { selectorText } from "../../kinds/selector-text.js";
import type { DaemonSet } from "../../proto/gen/tallship/v1/daemonset.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { entries, headOf, type Surroundings, withEvents } from "./facts.js";
import type { Page } from "./page.js";
import { podsTable, templatePage } from "./workload.js";

/** A daemon set: on how many nodes it is and should be, and its pods. */
export function describeDaemonSet(set: DaemonSet, pods: readonly Pod[], around: Surroundings): Page {
  const { spec, status } = set;
  const page = headOf(set.metadata, around.nowMs);
  page.fact("Selector", selectorText(spec?.selector));
  page.fact("Node-Selector", entries(spec?.template?.spec?.nodeSelector ?? {}, "="));
  page.fact("Desired Number of Nodes Scheduled", String(status?.desiredNumberScheduled ?? 0));
  page.fact("Current Number of Nodes Scheduled", String(status?.currentNumberScheduled ?? 0));
  page.fact("Number of Nodes Scheduled with Up-to-date Pods", String(status?.updatedNumberScheduled ?? 0));
  page.fact("Number of Nodes Scheduled with Available Pods", String(status?.numberAvailable ?? 0));
  page.fact("Number of Nodes Misscheduled", String(status?.numberMisscheduled ?? 0));
  page.fact("Update Strategy", strategyText(set));
  page.section("Pod Template", templatePage(spec?.template, around.nowMs));
  podsTable(page, set, pods);
  return withEvents(page, around);
}

function strategyText({ spec }: DaemonSet): string {
  const { type = "RollingUpdate", rollingUpdate } = spec?.updateStrategy ?? {};
  if (rollingUpdate === undefined) return type;
  const { maxUnavailable, maxSurge } = rollingUpdate;
  return `${type} (${maxUnavailable?.value?.value ?? 1} max unavailable, ${maxSurge?.value?.value ?? 0} max surge)`;
}
