import { isDeviceShare } from "../../kinds/gpu-share.js";
import type { Filter, Refusal } from "../filter.js";
import type { ColumnAmount } from "../shape.js";
import { COLUMN, type Snapshot } from "../snapshot.js";

/** Refuses nodes that have less of a resource left than the pod requests: cpu, memory, storage, pods, extended resources. */
export const resources: Filter = {
  name: "resources",
  prepare: (shape, snapshot) => {
    // Shares of devices are counted device by device, not by their sum.
    const requests = shape.requests.filter(({ column }) => !isDeviceShare(snapshot.resourceOf(column)));
    return {
      onlyTightens: true,
      lets: (slot) => {
        for (const { column, amount } of requests) if ((snapshot.free[column]?.[slot] ?? 0) < amount) return false;
        return true;
      },
      sift: (fits, from, to) => {
        for (const { column, amount } of requests) {
          const free = snapshot.free[column];
          if (free !== undefined) siftColumn(fits, free, amount, from, to);
        }
      },
      why: (slot) => requests.flatMap((request) => shortage(snapshot, request, slot)),
    };
  },
};

function siftColumn(fits: Uint8Array, free: Float64Array, amount: number, from: number, to: number): void {
  for (let slot = from; slot < to; slot += 1) if ((free[slot] ?? 0) < amount) fits[slot] = 0;
}

function shortage(snapshot: Snapshot, { column, amount }: ColumnAmount, slot: number): readonly Refusal[] {
  const missing = amount - (snapshot.free[column]?.[slot] ?? 0);
  if (missing <= 0) return [];
  if (column === COLUMN.pods) return [{ reason: "too many pods" }];
  const resource = snapshot.resourceOf(column);
  return [{ reason: `insufficient ${resource}`, shortBy: { amount: missing, unit: unitOf(resource) } }];
}

function unitOf(resource: string): "millicores" | "bytes" | "count" {
  if (resource === "cpu") return "millicores";
  const isBytes = resource === "memory" || resource === "ephemeral-storage" || resource.startsWith("hugepages-");
  return isBytes ? "bytes" : "count";
}
