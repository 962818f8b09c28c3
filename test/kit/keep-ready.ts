import { decodeObject, encodeObject, metaOf, type Typed } from "../../kinds/object.js";
import { WatchEvent_Type, WatchRequest } from "../../proto/gen/tallship/v1/api.js";
import { DaemonSetStatus } from "../../proto/gen/tallship/v1/daemonset.js";
import { DeploymentStatus } from "../../proto/gen/tallship/v1/deployment.js";
import { JobStatus } from "../../proto/gen/tallship/v1/job.js";
import { ADMIN } from "./api-bench.js";
import type { TsctlBench } from "./tsctl-bench.js";

const KINDS = ["Deployment", "DaemonSet", "Job"] as const;

/** Stands for a cluster that has room for everything and does it at once: each workload that is written says that it is as it was asked to be. There are no pods. Ends with the bench. */
export function keepReady({ api }: TsctlBench): void {
  const run = async (): Promise<void> => {
    const selections = KINDS.map((kind) => ({ kind }));
    for await (const { events } of api.api.watch(WatchRequest.fromPartial({ selections }), api.as(ADMIN)))
      for (const { type, item } of events) {
        const ready =
          type === WatchEvent_Type.PUT && item !== undefined ? readyOf(decodeObject(item.object)) : undefined;
        if (ready === undefined) continue;
        const objects = [Buffer.from(encodeObject(ready))];
        await api.api.updateStatus({ objects }, api.as({ role: "control-plane", name: "a" }));
      }
  };
  // The watch breaks off when the bench is closed.
  void run().catch(() => undefined);
}

/** The object once its controller is through with it; undefined when it is. */
function readyOf(typed: Typed): Typed | undefined {
  const { generation: observedGeneration } = metaOf(typed.object);
  switch (typed.kind) {
    case "Deployment": {
      if (typed.object.status?.observedGeneration === observedGeneration) return undefined;
      const replicas = typed.object.spec?.replicas ?? 1;
      const counts = { replicas, updatedReplicas: replicas, readyReplicas: replicas, availableReplicas: replicas };
      return {
        ...typed,
        object: { ...typed.object, status: DeploymentStatus.fromPartial({ observedGeneration, ...counts }) },
      };
    }
    case "DaemonSet": {
      if (typed.object.status?.observedGeneration === observedGeneration) return undefined;
      return { ...typed, object: { ...typed.object, status: DaemonSetStatus.fromPartial({ observedGeneration }) } };
    }
    case "Job": {
      if ((typed.object.status?.conditions.length ?? 0) > 0) return undefined;
      const conditions = [{ type: "Complete", status: "True" }];
      return { ...typed, object: { ...typed.object, status: JobStatus.fromPartial({ conditions }) } };
    }
    default:
      return undefined;
  }
}
