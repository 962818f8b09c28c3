import { selectorText } from "../../kinds/selector-text.js";
import type { PersistentVolumeClaim } from "../../proto/gen/tallship/v1/persistentvolumeclaim.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import type { StatefulSet } from "../../proto/gen/tallship/v1/statefulset.js";
import { conditionsTable, headOf, type Surroundings, withEvents } from "./facts.js";
import type { Page } from "./page.js";
import { podsTable, templatePage } from "./workload.js";

/** A stateful set: how its roll-out stands, its pods and the claims that each pod has. */
export function describeStatefulSet(set: StatefulSet, pods: readonly Pod[], around: Surroundings): Page {
  const { spec, status } = set;
  const page = headOf(set.metadata, around.nowMs);
  page.fact("Selector", selectorText(spec?.selector));
  page.fact("Service", spec?.serviceName ?? "");
  page.fact(
    "Replicas",
    `${spec?.replicas ?? 1} desired | ${status?.replicas ?? 0} total | ${status?.readyReplicas ?? 0} ready`,
  );
  page.fact("Update Strategy", strategyText(set));
  page.factIf("Pod Management", spec?.podManagementPolicy);
  page.factIf("Current Revision", status?.currentRevision);
  page.factIf("Update Revision", status?.updateRevision);
  page.section("Pod Template", templatePage(spec?.template, around.nowMs));
  const claims = spec?.volumeClaimTemplates ?? [];
  if (claims.length > 0) page.fact("Volume Claims", claims.map(claimText));
  if ((status?.conditions.length ?? 0) > 0) conditionsTable(page, status?.conditions ?? [], around.nowMs);
  podsTable(page, set, pods);
  return withEvents(page, around);
}

function strategyText({ spec }: StatefulSet): string {
  const { type = "RollingUpdate", rollingUpdate } = spec?.updateStrategy ?? {};
  const partition = rollingUpdate?.partition ?? 0;
  return partition === 0 ? type : `${type} (partition ${partition})`;
}

function claimText({ metadata, spec }: PersistentVolumeClaim): string {
  const size = spec?.resources?.requests["storage"] ?? "no size";
  const of = spec?.storageClassName === undefined ? "" : ` of class ${spec.storageClassName}`;
  return `${metadata?.name}: ${size}${of} (${spec?.accessModes.join(", ") ?? ""})`;
}
