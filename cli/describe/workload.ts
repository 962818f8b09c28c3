import { ageText } from "../../kinds/age.js";
import { isControlledBy } from "../../kinds/owners.js";
import { podSummary } from "../../kinds/pod-summary.js";
import { podTrouble } from "../../kinds/pod-trouble.js";
import { selectorText } from "../../kinds/selector-text.js";
import type { Deployment } from "../../proto/gen/tallship/v1/deployment.js";
import type { IntOrString, ObjectMeta } from "../../proto/gen/tallship/v1/meta.js";
import type { Pod, PodTemplateSpec } from "../../proto/gen/tallship/v1/pod.js";
import type { ReplicaSet } from "../../proto/gen/tallship/v1/replicaset.js";
import { containersPage, volumesPage } from "./container.js";
import { conditionsTable, entries, headOf, type Surroundings, withEvents } from "./facts.js";
import { Page } from "./page.js";

/** A deployment: how its roll-out stands and with which replica sets. */
export function describeDeployment(deployment: Deployment, sets: readonly ReplicaSet[], around: Surroundings): Page {
  const { spec, status } = deployment;
  const page = headOf(deployment.metadata, around.nowMs);
  page.fact("Selector", selectorText(spec?.selector));
  page.fact(
    "Replicas",
    `${spec?.replicas ?? 1} desired | ${status?.updatedReplicas ?? 0} updated | ${status?.replicas ?? 0} total | ${status?.availableReplicas ?? 0} available | ${status?.unavailableReplicas ?? 0} unavailable`,
  );
  page.fact("Strategy", strategyText(deployment));
  page.fact("Min Ready Seconds", String(spec?.minReadySeconds ?? 0));
  if (spec?.paused === true) page.fact("Paused", "True");
  page.section("Pod Template", templatePage(spec?.template, around.nowMs));
  conditionsTable(page, status?.conditions ?? [], around.nowMs);
  const own = sets
    .filter((set) => isControlledBy(set, deployment))
    .map((set) => [
      set.metadata?.name ?? "",
      set.metadata?.annotations["deployment.kubernetes.io/revision"] ?? "-",
      `${set.status?.replicas ?? 0}/${set.spec?.replicas ?? 0}`,
      ageText(set.metadata?.creationTimestamp ?? "", around.nowMs),
    ]);
  page.table("Replica Sets", ["Name", "Revision", "Pods", "Age"], own);
  return withEvents(page, around);
}

/** A replica set and its pods. */
export function describeReplicaSet(set: ReplicaSet, pods: readonly Pod[], around: Surroundings): Page {
  const { spec, status } = set;
  const page = headOf(set.metadata, around.nowMs);
  page.fact("Selector", selectorText(spec?.selector));
  page.fact("Replicas", `${status?.replicas ?? 0} current / ${spec?.replicas ?? 1} desired`);
  page.section("Pod Template", templatePage(spec?.template, around.nowMs));
  conditionsTable(page, status?.conditions ?? [], around.nowMs);
  podsTable(page, set, pods);
  return withEvents(page, around);
}

/** The pods that an owner controls, and what keeps each from running. */
export function podsTable(
  page: Page,
  owner: { readonly metadata?: ObjectMeta | undefined },
  pods: readonly Pod[],
): void {
  const own = pods
    .filter((pod) => isControlledBy(pod, owner))
    .map((pod) => [
      pod.metadata?.name ?? "",
      podSummary(pod).status,
      pod.spec?.nodeName || "<none>",
      podTrouble(pod) ?? "",
    ]);
  page.table("Pods", ["Name", "Status", "Node", "Trouble"], own);
}

function strategyText({ spec }: Deployment): string {
  const { type = "RollingUpdate", rollingUpdate } = spec?.strategy ?? {};
  if (rollingUpdate === undefined) return type;
  return `${type} (${amountText(rollingUpdate.maxUnavailable)} max unavailable, ${amountText(rollingUpdate.maxSurge)} max surge)`;
}

function amountText(amount: IntOrString | undefined): string {
  return String(amount?.value?.value ?? "25%");
}

/** The template of pods, as describe shows it. */
export function templatePage(template: PodTemplateSpec | undefined, nowMs: number): Page {
  const page = new Page().fact("Labels", entries(template?.metadata?.labels ?? {}, "="));
  const annotations = entries(template?.metadata?.annotations ?? {}, ": ");
  if (annotations.length > 0) page.fact("Annotations", annotations);
  const { initContainers = [], containers = [], volumes = [] } = template?.spec ?? {};
  if (initContainers.length > 0) page.section("Init Containers", containersPage(initContainers, undefined, nowMs));
  page.section("Containers", containersPage(containers, undefined, nowMs));
  if (volumes.length > 0) page.section("Volumes", volumesPage(volumes));
  return page;
}
