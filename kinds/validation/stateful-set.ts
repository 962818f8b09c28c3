import { deepEqual } from "../../lib/deep-equal.js";
import type { PodTemplateSpec } from "../../proto/gen/tallship/v1/pod.js";
import type { StatefulSet, StatefulSetSpec } from "../../proto/gen/tallship/v1/statefulset.js";
import { Volume } from "../../proto/gen/tallship/v1/volume.js";
import type { Findings } from "./findings.js";
import { checkClaimSpec } from "./storage.js";
import { checkSelected, isZero } from "./workload.js";

/** Room for the hash that a revision's name adds: pods carry that name as a label. */
const maxNameLength = 52;

const onlySome =
  "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', " +
  "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";

/** A selector that selects the template's pods, claims with sizes, an update that can move; and after creation only Kubernetes' changes. */
export function checkStatefulSet(set: StatefulSet, findings: Findings, previous: StatefulSet | undefined): void {
  const { spec, metadata } = set;
  if ((metadata?.name.length ?? 0) > maxNameLength)
    findings.add(
      "invalid",
      ["metadata", "name"],
      `want at most ${maxNameLength} characters: the pods' labels add to it`,
    );
  if (spec === undefined) {
    findings.add("required", ["spec"], "this field is required");
    return;
  }
  checkSelected(spec.selector, withClaims(spec), findings);
  checkClaims(spec, findings);
  checkUpdate(spec, findings);
  if (previous?.spec !== undefined && !deepEqual(withoutChangeable(spec, previous.spec), previous.spec))
    findings.add("forbidden", ["spec"], onlySome);
}

/** The template as its pods see it: each claim is a volume of theirs, and takes the place of one of the same name. */
function withClaims({ template, volumeClaimTemplates }: StatefulSetSpec): PodTemplateSpec | undefined {
  if (template?.spec === undefined) return template;
  const own = volumeClaimTemplates.map(({ metadata }) => metadata?.name ?? "").filter((name) => name !== "");
  const volumes = own.map((name) =>
    Volume.fromPartial({ name, persistentVolumeClaim: { claimName: name, readOnly: false } }),
  );
  const others = template.spec.volumes.filter(({ name }) => !own.includes(name));
  return {
    ...template,
    spec: { ...template.spec, volumes: [...others, ...new Map(volumes.map((v) => [v.name, v])).values()] },
  };
}

function checkClaims({ volumeClaimTemplates }: StatefulSetSpec, findings: Findings): void {
  const at = (index: number) => ["spec", "volumeClaimTemplates", index];
  findings.unique(
    volumeClaimTemplates.map(({ metadata }) => metadata?.name ?? ""),
    (index) => [...at(index), "metadata", "name"],
  );
  for (const [index, { metadata, spec }] of volumeClaimTemplates.entries()) {
    if ((metadata?.name ?? "") === "")
      findings.add("required", [...at(index), "metadata", "name"], "this field is required");
    if (spec === undefined) findings.add("required", [...at(index), "spec"], "this field is required");
    else checkClaimSpec(spec, [...at(index), "spec"], findings);
  }
}

function checkUpdate({ updateStrategy }: StatefulSetSpec, findings: Findings): void {
  const { type, rollingUpdate } = updateStrategy ?? {};
  if (rollingUpdate === undefined) return;
  const path = ["spec", "updateStrategy", "rollingUpdate"];
  if (type === "OnDelete") {
    findings.add("forbidden", path, "only with type RollingUpdate");
    return;
  }
  const { maxUnavailable } = rollingUpdate;
  if (isZero(maxUnavailable)) findings.add("invalid", [...path, "maxUnavailable"], "cannot be 0");
  const share = maxUnavailable?.value;
  if (share?.$case === "strVal" && Number.parseInt(share.value, 10) > 100)
    findings.add("invalid", [...path, "maxUnavailable"], `want at most 100%, found ${share.value}`);
}

function withoutChangeable(spec: StatefulSetSpec, before: StatefulSetSpec): StatefulSetSpec {
  const { replicas, ordinals, template, updateStrategy, revisionHistoryLimit, minReadySeconds } = before;
  const { persistentVolumeClaimRetentionPolicy } = before;
  return {
    ...spec,
    replicas,
    ordinals,
    template,
    updateStrategy,
    revisionHistoryLimit,
    minReadySeconds,
    persistentVolumeClaimRetentionPolicy,
  };
}
