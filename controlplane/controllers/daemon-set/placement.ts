import { matchesLabels } from "../../../kinds/label-selector.js";
import { matchesNodeSelector } from "../../../kinds/node-selector.js";
import { metaOf } from "../../../kinds/object.js";
import type { Node } from "../../../proto/gen/tallship/v1/node.js";
import type { PodSpec } from "../../../proto/gen/tallship/v1/pod.js";
import { findUntolerated } from "../../../scheduler/tolerations.js";
import { daemonTolerations } from "./daemon-pods.js";

/** What a daemon set wants of a node: a pod, no pod, or none but the one that may be there. */
export type Place = "wanted" | "kept" | "unwanted";

/** What the template asks of each node; by Kubernetes' rules. Room is not asked: a pod that finds none waits and says so. */
export function placesOf(spec: PodSpec | undefined): (node: Node) => Place {
  const tolerations = daemonTolerations(spec);
  return (node) => {
    if (spec === undefined || !fits(spec, node)) return "unwanted";
    const { taints = [] } = node.spec ?? {};
    if (findUntolerated(taints, tolerations, ["NoExecute"]) !== undefined) return "unwanted";
    return findUntolerated(taints, tolerations, ["NoSchedule"]) === undefined ? "wanted" : "kept";
  };
}

function fits(spec: PodSpec, node: Node): boolean {
  const { name, labels } = metaOf(node);
  if (spec.nodeName !== "" && spec.nodeName !== name) return false;
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return matchesLabels(spec.nodeSelector, labels) && (required === undefined || matchesNodeSelector(required, node));
}
