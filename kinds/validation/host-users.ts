import { limit } from "../../lib/limits.js";
import type { PodSpec } from "../../proto/gen/tallship/v1/pod.js";
import { placedContainers } from "./container.js";
import type { Findings, Path } from "./findings.js";

/** Ids of a pod with a user namespace of its own: 0 to this. */
const LAST_ID = limit("podUserIds") - 1;

/** What does not go with `hostUsers: false`: the host's other namespaces, and ids that the pod does not have. */
export function checkHostUsers(spec: PodSpec, path: Path, findings: Findings): void {
  if (spec.hostUsers !== false) return;
  for (const field of ["hostNetwork", "hostPID", "hostIPC"] as const)
    if (spec[field]) findings.add("forbidden", [...path, field], "when `hostUsers` is false");
  const { runAsUser, runAsGroup, fsGroup, supplementalGroups = [] } = spec.securityContext ?? {};
  const here = [...path, "securityContext"];
  checkIds({ runAsUser, runAsGroup, fsGroup }, here, findings);
  for (const [index, group] of supplementalGroups.entries())
    checkId(group, [...here, "supplementalGroups", index], findings);
  for (const { container, path: at } of placedContainers(spec, path)) {
    const own = container.securityContext;
    checkIds({ runAsUser: own?.runAsUser, runAsGroup: own?.runAsGroup }, [...at, "securityContext"], findings);
  }
}

function checkIds(ids: Readonly<Record<string, number | undefined>>, path: Path, findings: Findings): void {
  for (const [field, id] of Object.entries(ids)) checkId(id, [...path, field], findings);
}

function checkId(id: number | undefined, path: Path, findings: Findings): void {
  if (id !== undefined && id > LAST_ID)
    findings.add("invalid", path, `want at most ${LAST_ID} when \`hostUsers\` is false, found ${id}`);
}
