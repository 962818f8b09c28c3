import { messageToJson } from "../../kinds/encode.js";
import { isPodFinished } from "../../kinds/pod-state.js";
import { accessModesText, claimsOfPod, classOfClaim, isDefaultClass, sourcesOf } from "../../kinds/storage.js";
import type { PersistentVolume } from "../../proto/gen/tallship/v1/persistentvolume.js";
import type { PersistentVolumeClaim } from "../../proto/gen/tallship/v1/persistentvolumeclaim.js";
import type { NodeSelectorTerm } from "../../proto/gen/tallship/v1/placement.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import type { StorageClass } from "../../proto/gen/tallship/v1/storageclass.js";
import { conditionsTable, headOf, type Surroundings, withEvents } from "./facts.js";
import { Page } from "./page.js";

/** A claim: what it is bound to, and which pods use it. */
export function describeClaim(claim: PersistentVolumeClaim, pods: readonly Pod[], around: Surroundings): Page {
  const { metadata, spec, status } = claim;
  const page = headOf(metadata, around.nowMs);
  page.fact("StorageClass", classOfClaim(claim) ?? "");
  page.fact("Status", phaseText(claim, status?.phase));
  page.fact("Volume", spec?.volumeName ?? "");
  page.fact("Capacity", status?.capacity["storage"] ?? "");
  page.fact("Access Modes", accessModesText(status?.accessModes ?? []));
  page.fact("VolumeMode", spec?.volumeMode ?? "");
  const users = pods.filter((pod) => !isPodFinished(pod) && claimsOfPod(pod).includes(metadata?.name ?? ""));
  const names = users.map((pod) => pod.metadata?.name ?? "");
  page.fact("Used By", names.length === 0 ? "<none>" : names);
  conditionsTable(page, status?.conditions ?? [], around.nowMs);
  return withEvents(page, around);
}

/** A volume: whose it is, where it is, and what becomes of it. */
export function describeVolume(volume: PersistentVolume, around: Surroundings): Page {
  const { metadata, spec, status } = volume;
  const page = headOf(metadata, around.nowMs);
  page.fact("StorageClass", spec?.storageClassName ?? "");
  page.fact("Status", phaseText(volume, status?.phase));
  page.fact("Claim", spec?.claimRef === undefined ? "" : `${spec.claimRef.namespace}/${spec.claimRef.name}`);
  page.fact("Reclaim Policy", spec?.persistentVolumeReclaimPolicy ?? "");
  page.fact("Access Modes", accessModesText(spec?.accessModes ?? []));
  page.fact("VolumeMode", spec?.volumeMode ?? "");
  page.fact("Capacity", spec?.capacity["storage"] ?? "");
  const terms = (spec?.nodeAffinity?.required?.nodeSelectorTerms ?? []).map(termText);
  page.fact("Node Affinity", terms.length === 0 ? "<none>" : terms);
  page.fact("Message", [status?.reason, status?.message].filter((text) => (text ?? "") !== "").join(": "));
  if (spec !== undefined) page.section("Source", sourcePage(volume));
  return withEvents(page, around);
}

/** A class: who makes its volumes, when, and what becomes of them. */
export function describeStorageClass(storageClass: StorageClass, around: Surroundings): Page {
  const page = headOf(storageClass.metadata, around.nowMs);
  page.fact("IsDefaultClass", isDefaultClass(storageClass) ? "Yes" : "No");
  page.fact("Provisioner", storageClass.provisioner);
  const parameters = Object.entries(storageClass.parameters).map(([name, value]) => `${name}=${value}`);
  page.fact("Parameters", parameters.length === 0 ? "<none>" : parameters.sort().join(","));
  page.fact("AllowVolumeExpansion", String(storageClass.allowVolumeExpansion === true));
  page.fact("MountOptions", storageClass.mountOptions.length === 0 ? "<none>" : storageClass.mountOptions);
  page.fact("ReclaimPolicy", storageClass.reclaimPolicy);
  page.fact("VolumeBindingMode", storageClass.volumeBindingMode);
  return withEvents(page, around);
}

function phaseText(
  { metadata }: { readonly metadata?: { readonly deletionTimestamp: string } | undefined },
  phase = "Pending",
): string {
  return (metadata?.deletionTimestamp ?? "") === "" ? phase : `Terminating (since ${metadata?.deletionTimestamp})`;
}

function termText({ matchExpressions, matchFields }: NodeSelectorTerm): string {
  return [...matchExpressions, ...matchFields]
    .map(({ key, operator, values }) => `${key} ${operator.toLowerCase()} [${values.join(", ")}]`)
    .join(" and ");
}

/** The fields of the source that is there. */
function sourcePage({ spec }: PersistentVolume): Page {
  const page = new Page();
  const fields = spec === undefined ? {} : messageToJson("PersistentVolumeSpec", spec);
  const present =
    spec === undefined ? undefined : Object.entries(sourcesOf(spec)).find(([, source]) => source !== undefined);
  if (present === undefined) return page;
  const [name] = present;
  page.fact("Type", name);
  for (const [field, value] of Object.entries(Object(fields[name]))) page.fact(field, String(value));
  return page;
}
