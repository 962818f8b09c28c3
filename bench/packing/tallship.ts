import { GPU_MILLI, GPU_MODEL, WHOLE_DEVICE } from "../../kinds/gpu-share.js";
import { Node } from "../../proto/gen/tallship/v1/node.js";
import { Pod } from "../../proto/gen/tallship/v1/pod.js";
import type { PolicyName } from "../../scheduler/plugins.js";
import { assume } from "../../scheduler/schedule.js";
import { Snapshot } from "../../scheduler/snapshot.js";
import { Standings } from "../../scheduler/standings.js";
import type { TraceNode, TracePod } from "./trace.js";

const GPU = "nvidia.com/gpu";

/** The product's own scheduler as the control plane runs it, on a trace's cluster. Returns what places one pod; false: no node takes it. */
export function tallship(nodes: readonly TraceNode[], policy: PolicyName = "spread"): (pod: TracePod) => boolean {
  const snapshot = new Snapshot();
  for (const node of nodes) snapshot.setNode(nodeOf(node));
  const standings = new Standings(snapshot, policy);
  const templates = new Map<TracePod, Pod>();
  let count = 0;
  return (pod) => {
    const template = templates.get(pod) ?? podOf(pod);
    templates.set(pod, template);
    count += 1;
    const pending = { id: `pod-${count}`, shape: snapshot.shapeOf(template) };
    return assume(snapshot, [pending], standings).refused.length === 0;
  };
}

/** A node as its agent would report it. */
function nodeOf({ name, cpuMillicores, memoryMib, gpuCount, model }: TraceNode): Node {
  return Node.fromPartial({
    metadata: { name, labels: { "kubernetes.io/hostname": name } },
    status: {
      allocatable: {
        cpu: `${cpuMillicores}m`,
        memory: `${memoryMib}Mi`,
        pods: "1000",
        ...(gpuCount > 0 && { [GPU]: `${gpuCount}` }),
      },
      devices: Array.from({ length: gpuCount }, (_, at) => ({ name: `${GPU}=${at}`, model })),
      conditions: [{ type: "Ready", status: "True" }],
    },
  });
}

/** A pod as a user would write it. */
function podOf({ cpuMillicores, memoryMib, gpuCount, gpuMilli, models }: TracePod): Pod {
  const gpus = gpuMilli === WHOLE_DEVICE ? { [GPU]: `${gpuCount}` } : { [GPU_MILLI]: `${gpuMilli}` };
  const requests = { cpu: `${cpuMillicores}m`, memory: `${memoryMib}Mi`, ...(gpuCount > 0 && gpus) };
  return Pod.fromPartial({
    metadata: { annotations: models.length === 0 ? {} : { [GPU_MODEL]: models.join("|") } },
    spec: { containers: [{ name: "main", resources: { requests } }] },
  });
}
