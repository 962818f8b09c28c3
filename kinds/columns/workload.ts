import type { Deployment } from "../../proto/gen/tallship/v1/deployment.js";
import type { LabelSelector } from "../../proto/gen/tallship/v1/meta.js";
import type { PodTemplateSpec } from "../../proto/gen/tallship/v1/pod.js";
import type { ReplicaSet } from "../../proto/gen/tallship/v1/replicaset.js";
import type { StatefulSet } from "../../proto/gen/tallship/v1/statefulset.js";
import { selectorText } from "../selector-text.js";
import { type Column, orNone } from "./column.js";

/** An object whose spec holds a template of pods. */
export interface WithTemplate {
  readonly spec?:
    | { readonly template?: PodTemplateSpec | undefined; readonly selector?: LabelSelector | undefined }
    | undefined;
}

/** What a template runs. */
export const templateColumns: readonly Column<WithTemplate>[] = [
  { name: "CONTAINERS", isWide: true, cell: (object) => ofContainers(object, "name") },
  { name: "IMAGES", isWide: true, cell: (object) => ofContainers(object, "image") },
];

/** Which pods are its own. */
export const selectorColumn: Column<WithTemplate> = {
  name: "SELECTOR",
  isWide: true,
  cell: ({ spec }) => selectorText(spec?.selector),
};

/** How many pods are ready, of the current template and available. */
export const deploymentColumns: readonly Column<Deployment>[] = [
  { name: "READY", cell: ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 0}` },
  { name: "UP-TO-DATE", cell: ({ status }) => String(status?.updatedReplicas ?? 0) },
  { name: "AVAILABLE", cell: ({ status }) => String(status?.availableReplicas ?? 0) },
  ...templateColumns,
  selectorColumn,
];

/** How many pods are wanted, exist and are ready. */
export const replicaSetColumns: readonly Column<ReplicaSet>[] = [
  { name: "DESIRED", cell: ({ spec }) => String(spec?.replicas ?? 0) },
  { name: "CURRENT", cell: ({ status }) => String(status?.replicas ?? 0) },
  { name: "READY", cell: ({ status }) => String(status?.readyReplicas ?? 0) },
  ...templateColumns,
  selectorColumn,
];

/** How many pods are ready. */
export const statefulSetColumns: readonly Column<StatefulSet>[] = [
  { name: "READY", cell: ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 0}` },
  ...templateColumns,
];

function ofContainers({ spec }: WithTemplate, part: "name" | "image"): string {
  return orNone(spec?.template?.spec?.containers.map((container) => container[part]).join(","));
}
