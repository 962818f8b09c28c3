import { deepEqual } from "../../lib/deep-equal.js";
import { parseQuantity } from "../../lib/quantity.js";
import type { PersistentVolume } from "../../proto/gen/tallship/v1/persistentvolume.js";
import type {
  PersistentVolumeClaim,
  PersistentVolumeClaimSpec,
} from "../../proto/gen/tallship/v1/persistentvolumeclaim.js";
import type { StorageClass } from "../../proto/gen/tallship/v1/storageclass.js";
import { sourcesOf } from "../storage.js";
import type { Findings, Path } from "./findings.js";

/** A size, and after creation no change but a larger one, which no volume here can follow. */
export function checkClaim(
  claim: PersistentVolumeClaim,
  findings: Findings,
  previous: PersistentVolumeClaim | undefined,
): void {
  const { spec } = claim;
  if (spec === undefined) {
    findings.add("required", ["spec"], "this field is required");
    return;
  }
  checkClaimSpec(spec, ["spec"], findings);
  if (previous?.spec === undefined) return;
  if (!deepEqual(settled(spec, previous.spec), previous.spec)) {
    const only =
      "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";
    findings.add("forbidden", ["spec"], only);
    return;
  }
  checkResize(previous, spec, findings);
}

/** The spec with everything put back that may change: what was open may be decided, and a bound claim may ask for another size. */
function settled(spec: PersistentVolumeClaimSpec, before: PersistentVolumeClaimSpec): PersistentVolumeClaimSpec {
  return {
    ...spec,
    volumeName: before.volumeName === "" ? "" : spec.volumeName,
    storageClassName: before.storageClassName === undefined ? undefined : spec.storageClassName,
    ...(before.volumeName !== "" && {
      resources: before.resources,
      volumeAttributesClassName: before.volumeAttributesClassName,
    }),
  };
}

function checkResize(previous: PersistentVolumeClaim, spec: PersistentVolumeClaimSpec, findings: Findings): void {
  const path = ["spec", "resources", "requests", "storage"];
  const [before, after] = [previous.spec, spec].map((each) =>
    parseQuantity(each?.resources?.requests["storage"] ?? ""),
  );
  if (before === undefined || after === undefined || before === after) return;
  if (after < before) findings.add("forbidden", path, "field can not be less than previous value");
  else
    findings.add(
      "forbidden",
      path,
      "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize",
    );
}

/** Modes that go together, and a size. */
export function checkClaimSpec(spec: PersistentVolumeClaimSpec, path: Path, findings: Findings): void {
  checkModes(spec.accessModes, [...path, "accessModes"], findings);
  checkSize(spec.resources?.requests ?? {}, [...path, "resources", "requests"], findings);
}

function checkModes(modes: readonly string[], path: Path, findings: Findings): void {
  if (modes.includes("ReadWriteOncePod") && modes.length > 1)
    findings.add("forbidden", path, "may not use ReadWriteOncePod with other access modes");
}

function checkSize(sizes: Readonly<Record<string, string>>, path: Path, findings: Findings): void {
  const text = sizes["storage"];
  if (text === undefined) {
    findings.add("required", [...path, "storage"], "this field is required");
    return;
  }
  const bytes = parseQuantity(text);
  if (bytes !== undefined && bytes <= 0)
    findings.add("invalid", [...path, "storage"], `want more than 0, found ${text}`);
}

/** A size, one source that may not change, and for a folder of a node the node. */
export function checkVolume(
  volume: PersistentVolume,
  findings: Findings,
  previous: PersistentVolume | undefined,
): void {
  const { spec } = volume;
  if (spec === undefined) {
    findings.add("required", ["spec"], "this field is required");
    return;
  }
  checkSize(spec.capacity, ["spec", "capacity"], findings);
  checkModes(spec.accessModes, ["spec", "accessModes"], findings);
  findings.exactlyOne(sourcesOf(spec), ["spec"]);
  if (spec.local !== undefined && spec.nodeAffinity?.required === undefined)
    findings.add("required", ["spec", "nodeAffinity"], "Local volume requires node affinity");
  const before = previous?.spec;
  if (before === undefined) return;
  if (!deepEqual(sourcesOf(spec), sourcesOf(before)))
    findings.add("forbidden", ["spec"], "spec.persistentvolumesource is immutable after creation");
  if (before.nodeAffinity !== undefined && !deepEqual(spec.nodeAffinity, before.nodeAffinity))
    findings.add("immutable", ["spec", "nodeAffinity"], "field is immutable");
  if (spec.volumeMode !== before.volumeMode) findings.add("immutable", ["spec", "volumeMode"], "field is immutable");
}

/** Only labels, annotations and what is allowed of its volumes may change. */
export function checkStorageClass(after: StorageClass, findings: Findings, before: StorageClass | undefined): void {
  if (before === undefined) return;
  if (!deepEqual(after.parameters, before.parameters))
    findings.add("forbidden", ["parameters"], "updates to parameters are forbidden.");
  if (after.provisioner !== before.provisioner)
    findings.add("forbidden", ["provisioner"], "updates to provisioner are forbidden.");
  if (after.reclaimPolicy !== before.reclaimPolicy)
    findings.add("forbidden", ["reclaimPolicy"], "updates to reclaimPolicy are forbidden.");
  if (after.volumeBindingMode !== before.volumeBindingMode)
    findings.add("immutable", ["volumeBindingMode"], "field is immutable");
}
