import { type Filter, type Refusal, siftBy } from "../filter.js";
import type { NodeRecord } from "../node-record.js";
import { findUntolerated } from "../tolerations.js";

// The taints that stand for these states in Kubernetes: who tolerates them (a daemon on every node) may run there all the same.
const cordoned = { key: "node.kubernetes.io/unschedulable", value: "", effect: "NoSchedule", timeAdded: "" };
const notReady = { key: "node.kubernetes.io/not-ready", value: "", effect: "NoSchedule", timeAdded: "" };

/** Refuses nodes that are not Ready or that were cordoned, unless the pod tolerates the taint that stands for it. */
export const readiness: Filter = {
  name: "readiness",
  isStatic: true,
  prepare: ({ tolerations }, snapshot) => {
    const refused = [cordoned, notReady].map(
      (taint) => findUntolerated([taint], tolerations, ["NoSchedule"]) !== undefined,
    );
    const [refusesCordoned = true, refusesNotReady = true] = refused;
    if (!refusesCordoned && !refusesNotReady) return undefined;
    const why = (slot: number): readonly Refusal[] => {
      const record = snapshot.records[slot];
      if (refusesNotReady && !isReady(record)) return [{ reason: "not ready" }];
      return refusesCordoned && record?.node?.spec?.unschedulable === true ? [{ reason: "cordoned" }] : [];
    };
    const lets = (slot: number): boolean => why(slot).length === 0;
    return {
      lets,
      sift: siftBy(lets),
      why,
    };
  },
};

function isReady(record: NodeRecord | undefined): boolean {
  return record?.node?.status?.conditions.find(({ type }) => type === "Ready")?.status === "True";
}
