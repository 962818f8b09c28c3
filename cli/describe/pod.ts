import { addressesThere } from "../../kinds/network.js";
import { conditionOf, isDeleting } from "../../kinds/pod-state.js";
import { podSummary } from "../../kinds/pod-summary.js";
import type { Toleration } from "../../proto/gen/tallship/v1/placement.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { containersPage, volumesPage } from "./container.js";
import { conditionsTable, entries, headOf, type Surroundings, timeText, withEvents } from "./facts.js";
import type { Page } from "./page.js";

/** A pod: where it is, what its containers do, and if it is pending, why. */
export function describePod(pod: Pod, around: Surroundings): Page {
  const { nowMs } = around;
  const { spec, status } = pod;
  const page = headOf(pod.metadata, nowMs);
  page.fact(
    "Node",
    spec?.nodeName === "" || spec === undefined ? "" : `${spec.nodeName}${status?.hostIP ? `/${status.hostIP}` : ""}`,
  );
  const { priority = 0, priorityClassName = "" } = spec ?? {};
  if (priority !== 0 || priorityClassName !== "")
    page.fact("Priority", `${priority}${priorityClassName === "" ? "" : ` (${priorityClassName})`}`);
  page.factIf("Started", timeText(status?.startTime ?? "", nowMs));
  page.fact("Status", isDeleting(pod) ? podSummary(pod).status : status?.phase || "Pending");
  page.factIf("Pending because", pendingReason(pod));
  page.factIf("Reason", status?.reason).factIf("Message", status?.message);
  page.fact("IP", status?.podIP ?? "");
  const second = (status?.podIPs ?? []).slice(1).map(({ ip }) => ip);
  if (second.length > 0) page.fact("IPs", [status?.podIP, ...second].join(", "));
  if ((status?.networks.length ?? 0) > 0)
    page.table(
      "Networks",
      ["Name", "Interface", "IP"],
      (status?.networks ?? []).map((place) => [place.name, place.interface, addressesThere(place).join(", ")]),
    );
  if ((spec?.initContainers.length ?? 0) > 0)
    page.section(
      "Init Containers",
      containersPage(spec?.initContainers ?? [], status?.initContainerStatuses ?? [], nowMs),
    );
  page.section("Containers", containersPage(spec?.containers ?? [], status?.containerStatuses ?? [], nowMs));
  conditionsTable(page, status?.conditions ?? [], nowMs);
  if ((spec?.volumes.length ?? 0) > 0) page.section("Volumes", volumesPage(spec?.volumes ?? []));
  page.factIf("QoS Class", status?.qosClass);
  page.fact("Node-Selectors", entries(spec?.nodeSelector ?? {}, "="));
  page.fact("Tolerations", (spec?.tolerations ?? []).map(tolerationText));
  return withEvents(page, around);
}

/** What the scheduler says of a pod that has no node: the reasons with the number of nodes of each. */
function pendingReason({ spec, status }: Pod): string | undefined {
  if ((spec?.nodeName ?? "") !== "") return undefined;
  const scheduled = conditionOf(status?.conditions, "PodScheduled");
  return scheduled?.status === "False"
    ? scheduled.message || scheduled.reason
    : "the scheduler has not looked at it yet";
}

function tolerationText({ key, operator, value, effect, tolerationSeconds }: Toleration): string {
  const what = `${key}${value === "" ? "" : `=${value}`}${effect === "" ? "" : `:${effect}`}`;
  const how = operator === "Exists" ? " op=Exists" : "";
  const until = tolerationSeconds === undefined ? "" : ` for ${tolerationSeconds}s`;
  return `${what}${how}${until}`.trim();
}
