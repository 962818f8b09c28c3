import { withDevices } from "./devices/assign.js";
import { firstRefusals } from "./refusals.js";
import type { Shape } from "./shape.js";
import type { Snapshot } from "./snapshot.js";
import { prepareSieves } from "./standing.js";
import type { Standings } from "./standings.js";
import { PLAIN_TENURE, type Tenant, type Tenure } from "./tenant.js";

/** A pod that waits for a node. */
export interface PendingPod {
  /** Names the pod in the snapshot; its uid. */
  readonly id: string;
  readonly shape: Shape;
  /** What it will be among the pods of its node; absent: one of priority 0. */
  readonly tenure?: Tenure;
  /** It may ask pods of lower priority for their room. */
  readonly preempts?: boolean;
}

/** A pod as it was on a node before something was tried. */
export interface Former {
  readonly tenant: Tenant;
  readonly nodeName: string;
}

const NOBODY: readonly never[] = [];

/** What an attempt to place a pod changed in the snapshot. */
export interface Attempt<P extends PendingPod = PendingPod> {
  readonly pod: P;
  /** The pod got the node; room is being made and kept for it there; or what was kept for it no longer helps it, and it has nothing. */
  readonly is: "bound" | "reserved" | "lapsed";
  /** Empty for what has lapsed. */
  readonly nodeName: string;
  /** Pods that were told to make room. */
  readonly victims: readonly Tenant[];
  /** Pods of lower priority that lost the room that was kept for them. */
  readonly released: readonly Tenant[];
  /** Everybody concerned, as they were. */
  readonly before: readonly Former[];
}

/**
 * Finds a node for a pod and counts it there; if no node takes it, makes room for it if it may, and keeps that. A pod whose room is kept
 * gets it once it is free, or any other; as long as somebody on its way out stands in the way, it asks nobody else. Undefined when nothing changed.
 */
export function attempt<P extends PendingPod>(
  snapshot: Snapshot,
  pod: P,
  standings: Standings,
): Attempt<P> | undefined {
  const kept = snapshot.reservedCount > 0 ? reservationOf(snapshot, pod.id) : undefined;
  const before = kept === undefined ? NOBODY : [kept];
  if (kept !== undefined) snapshot.remove(pod.id);
  const slot = slotFor(snapshot, pod.shape, standings, kept?.nodeName);
  const nodeName = snapshot.records[slot]?.name;
  if (nodeName !== undefined) {
    const { id, shape, tenure } = pod;
    if (shape.devices === undefined) snapshot.placeAt(id, shape, slot, tenure);
    else snapshot.placeAt(id, shape, slot, withDevices(snapshot, { shape, nodeName, tenure: tenure ?? PLAIN_TENURE }));
    return { pod, is: "bound", nodeName, victims: NOBODY, released: NOBODY, before };
  }
  if (kept !== undefined && isMakingRoom(snapshot, kept, standings)) {
    snapshot.place(pod.id, pod.shape, kept.nodeName, kept.tenant.tenure);
    return undefined;
  }
  const made = pod.preempts === true ? makeRoom(snapshot, pod, standings, before) : undefined;
  if (made !== undefined || kept === undefined) return made;
  return { pod, is: "lapsed", nodeName: "", victims: NOBODY, released: NOBODY, before };
}

/** Brings the snapshot back to what it was before the attempts. */
export function undo(snapshot: Snapshot, attempts: readonly Attempt[]): void {
  for (const { pod, victims, before } of [...attempts].reverse()) {
    snapshot.remove(pod.id);
    for (const { tenant, nodeName } of before) snapshot.place(tenant.id, tenant.shape, nodeName, tenant.tenure);
    for (const { tenure } of victims) snapshot.budgets.spend(tenure, -1);
  }
}

/** True when the node could run a pod of the shape, as things stand. */
export function isFitting(snapshot: Snapshot, shape: Shape, nodeName: string): boolean {
  return fittingSlot(snapshot, shape, nodeName) >= 0;
}

/** The slot of the node; −1 when it could not run a pod of the shape. */
function fittingSlot(snapshot: Snapshot, shape: Shape, nodeName: string): number {
  snapshot.layOut();
  const slot = snapshot.record(nodeName)?.slot ?? -1;
  return slot >= 0 && firstRefusals(prepareSieves(shape, snapshot), slot).length === 0 ? slot : -1;
}

/** Where room is kept for the pod; undefined when none is. */
export function reservationOf(snapshot: Snapshot, id: string): Former | undefined {
  const tenant = snapshot.tenant(id);
  const nodeName = snapshot.nodeOf(id);
  return tenant?.tenure.isReserved === true && nodeName !== undefined ? { tenant, nodeName } : undefined;
}

/** Looks at the snapshot as it is without the room that is kept for the pod. */
export function besideOwnRoom<T>(snapshot: Snapshot, id: string, look: () => T): T {
  const kept = reservationOf(snapshot, id);
  if (kept === undefined) return look();
  snapshot.remove(id);
  const seen = look();
  snapshot.place(id, kept.tenant.shape, kept.nodeName, kept.tenant.tenure);
  return seen;
}

/** A pod that can run on one node alone asks that node alone: a pod per node costs one look each, not a look at every node. −1: there is none. */
function slotFor(snapshot: Snapshot, shape: Shape, standings: Standings, first: string | undefined): number {
  const kept = first === undefined ? -1 : fittingSlot(snapshot, shape, first);
  if (kept >= 0) return kept;
  return shape.nodeName === "" ? standings.best(shape) : fittingSlot(snapshot, shape, shape.nodeName);
}

/** True while somebody on its way out is waited for, on a node that would still do. */
export function isMakingRoom(snapshot: Snapshot, { tenant, nodeName }: Former, standings: Standings): boolean {
  const { shape, tenure } = tenant;
  const record = snapshot.record(nodeName);
  if (record === undefined || standings.allowed(shape)[record.slot] !== 1) return false;
  for (const other of record.pods.values())
    if (other.tenure.isEnding && other.tenure.priority < tenure.priority) return true;
  return false;
}

/** Counts a pod on a node, with the devices that it will have there once pods of lower priority that are on their way out have gone. */
export function keepRoom(snapshot: Snapshot, { id, shape, tenure }: Tenant, nodeName: string): void {
  const isLeaving = (other: Tenant): boolean =>
    other.id === id || (other.tenure.isEnding && other.tenure.priority < tenure.priority);
  snapshot.place(id, shape, nodeName, withDevices(snapshot, { shape, nodeName, tenure }, isLeaving));
}

function makeRoom<P extends PendingPod>(
  snapshot: Snapshot,
  pod: P,
  { preemptions }: Standings,
  formers: readonly Former[],
): Attempt<P> | undefined {
  const { shape, tenure = PLAIN_TENURE } = pod;
  const sacrifice = preemptions.best(shape, tenure.priority);
  const nodeName = snapshot.records[sacrifice?.slot ?? -1]?.name;
  if (sacrifice === undefined || nodeName === undefined) return undefined;
  const { tenants } = sacrifice.victims;
  const released = tenants.filter((tenant) => tenant.tenure.isReserved);
  const victims = tenants.filter((tenant) => !tenant.tenure.isReserved);
  for (const { id } of released) snapshot.remove(id);
  for (const victim of victims) {
    snapshot.budgets.spend(victim.tenure);
    snapshot.place(victim.id, victim.shape, nodeName, { ...victim.tenure, isEnding: true });
  }
  // Where only kept room was in the way, nobody has to be waited for.
  const isFree = victims.length === 0 && isFitting(snapshot, shape, nodeName);
  keepRoom(snapshot, { id: pod.id, shape, tenure: { ...tenure, isReserved: !isFree } }, nodeName);
  const before = [...formers, ...tenants.map((tenant) => ({ tenant, nodeName }))];
  return { pod, is: isFree ? "bound" : "reserved", nodeName, victims, released, before };
}
