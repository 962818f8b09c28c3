import type { KeyToPath, Volume } from "../../proto/gen/tallship/v1/volume.js";
import type { Findings, Path } from "./findings.js";

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
    checkItems(volume.configMap?.items ?? [], [...here, "configMap", "items"], findings);
    checkItems(volume.secret?.items ?? [], [...here, "secret", "items"], findings);
  }
}

function checkItems(items: readonly KeyToPath[], path: Path, findings: Findings): void {
  findings.unique(
    items.map((entry) => entry.path),
    (index) => [...path, index, "path"],
  );
}
