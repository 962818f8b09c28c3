import { controllerOf } from "../../kinds/owners.js";
import type { Condition } from "../../proto/gen/tallship/v1/meta.js";
import type { Cluster } from "../cluster.js";
import { oneLine } from "../describe/facts.js";
import { getObject, keyIn, listObjects } from "../objects.js";
import type { PodTarget } from "../pods/resolve.js";

/** Why a workload has fewer pods than it wants: quotas and the like that refused them stand in its conditions, not in any pod. */
export async function ownerWaits(
  cluster: Cluster,
  { kind, name }: PodTarget,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { namespace } = cluster;
  switch (kind) {
    case "Deployment": {
      const { metadata, spec, status } = await getObject(cluster, keyIn(kind, namespace, name), signal);
      const { objects } = await listObjects(cluster, { kind: "ReplicaSet", namespace }, signal);
      const sets = objects.flatMap((typed) =>
        typed.kind === "ReplicaSet" && controllerOf(typed.object)?.uid === metadata?.uid ? [typed.object] : [],
      );
      const failures = sets.flatMap((set) => troubles(set.status?.conditions));
      const paused = spec?.paused === true ? ["it is paused: no roll-out goes on"] : [];
      return [...new Set([...paused, ...failures, ...troubles(status?.conditions)])];
    }
    case "ReplicaSet":
      return troubles((await getObject(cluster, keyIn(kind, namespace, name), signal)).status?.conditions);
    case "Job": {
      const { spec, status } = await getObject(cluster, keyIn(kind, namespace, name), signal);
      const held = spec?.suspend === true ? ["it is suspended: no pod is made"] : [];
      return [...held, ...troubles(status?.conditions)];
    }
    default:
      return [];
  }
}

/** Conditions of these types are there to say that something is wrong, or is not if they are False. */
const BAD: ReadonlySet<string> = new Set(["ReplicaFailure", "Failed", "FailureTarget"]);

function troubles(conditions: readonly Condition[] | undefined): readonly string[] {
  return (conditions ?? [])
    .filter(({ type, status }) => (BAD.has(type) ? status === "True" : type === "Progressing" && status === "False"))
    .map(({ reason, message }) => `${reason}: ${oneLine(message)}`);
}
