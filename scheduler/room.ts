import type { Sieve } from "./filter.js";
import type { Shape } from "./shape.js";
import type { Snapshot } from "./snapshot.js";
import type { Tenant } from "./tenant.js";

/** Tries what a node would be without some of its pods. Whoever takes pods away puts all of them back. */
export interface Room {
  takeAway(tenant: Tenant): void;
  putBack(tenant: Tenant): void;
  /** True when the pod would fit as things stand in the trial. */
  isEnough(): boolean;
}

/** Room for a pod that asks for resources alone: sums on the side, the snapshot stays as it is. */
export function columnRoom(snapshot: Snapshot, shape: Shape): Room & { at(slot: number): void } {
  const { requests } = shape;
  const free = new Float64Array(requests.length);
  const add = (tenant: Tenant, sign: 1 | -1): void => {
    for (const [at, { column }] of requests.entries())
      for (const request of tenant.shape.requests)
        if (request.column === column) free[at] = (free[at] ?? 0) + sign * request.amount;
  };
  return {
    at: (slot) => {
      for (const [at, { column }] of requests.entries()) free[at] = snapshot.free[column]?.[slot] ?? 0;
    },
    takeAway: (tenant) => add(tenant, 1),
    putBack: (tenant) => add(tenant, -1),
    isEnough: () => requests.every(({ amount }, at) => (free[at] ?? 0) >= amount),
  };
}

/** Room for a pod that asks for ports or about other pods: the snapshot itself is changed, and the sieves asked whose answers depend on what runs there. */
export function trialRoom(snapshot: Snapshot, sieves: readonly Sieve[], slot: number): Room {
  const nodeName = snapshot.records[slot]?.name ?? "";
  return {
    takeAway: ({ id }) => void snapshot.remove(id),
    putBack: ({ id, shape, tenure }) => snapshot.place(id, shape, nodeName, tenure),
    isEnough: () => sieves.every((sieve) => sieve.lets(slot)),
  };
}
