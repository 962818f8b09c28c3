import type { KeyToPath, Volume, VolumeProjection } from "../../proto/gen/tallship/v1/volume.js";
import type { Findings, Path } from "./findings.js";
import { checkClaimSpec } from "./storage.js";

/** Volumes with names of their own and one source each. */
export function checkVolumes(volumes: readonly Volume[], path: Path, findings: Findings): void {
  findings.unique(
    volumes.map(({ name }) => name),
    (index) => [...path, index, "name"],
  );
  for (const [index, volume] of volumes.entries()) {
    const { name: _, ...sources } = volume;
    const here = [...path, index];
    findings.exactlyOne(sources, here);
    if (volume.configMap?.name === "")
      findings.add("required", [...here, "configMap", "name"], "this field is required");
    if (volume.secret?.secretName === "")
      findings.add("required", [...here, "secret", "secretName"], "this field is required");
    const claim = volume.ephemeral?.volumeClaimTemplate?.spec;
    if (claim !== undefined) checkClaimSpec(claim, [...here, "ephemeral", "volumeClaimTemplate", "spec"], findings);
    for (const [at, source] of (volume.projected?.sources ?? []).entries())
      checkProjection(source, [...here, "projected", "sources", at], findings);
    checkItems(volume.configMap?.items ?? [], [...here, "configMap", "items"], findings);
    checkItems(volume.secret?.items ?? [], [...here, "secret", "items"], findings);
  }
}

function checkProjection(source: VolumeProjection, path: Path, findings: Findings): void {
  const { configMap, secret, downwardAPI, serviceAccountToken } = source;
  findings.exactlyOne({ configMap, secret, downwardAPI, serviceAccountToken }, path);
  if (configMap?.name === "") findings.add("required", [...path, "configMap", "name"], "this field is required");
  if (secret?.name === "") findings.add("required", [...path, "secret", "name"], "this field is required");
  if (serviceAccountToken !== undefined)
    findings.add("forbidden", [...path, "serviceAccountToken"], "pods have no API identity yet, so there is no token");
}

function checkItems(items: readonly KeyToPath[], path: Path, findings: Findings): void {
  findings.unique(
    items.map((entry) => entry.path),
    (index) => [...path, index, "path"],
  );
}
