import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { tenureOf } from "../../controlplane/scheduling/pod-place.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import type { PendingPod } from "../../scheduler/attempt.js";
import { attemptGang } from "../../scheduler/gang.js";
import { assume } from "../../scheduler/schedule.js";
import { Snapshot } from "../../scheduler/snapshot.js";
import { Standings } from "../../scheduler/standings.js";
import { scheduleNaively } from "../../test/kit/schedule-oracle.js";
import { nodeAt, nodeName, type Workload } from "./workload.js";

/** Pods decided on in one call, as in the loop of the control plane. */
const SLICE = 32;

const SETTLE_MS = 100;

/** Enough for all that is done on large clusters. */
const WARM_NODES = 1_000;

/** A cluster on which a workload's running pods run. */
export interface Bed {
  readonly snapshot: Snapshot;
  readonly standings: Standings;
}

/** A cluster of that many nodes for the workload. */
export function bedFor(workload: Workload, nodes: number): Bed {
  const snapshot = new Snapshot();
  for (let at = 0; at < nodes; at += 1) {
    snapshot.setNode(nodeAt(at));
    for (const pod of workload.running?.(at) ?? [])
      snapshot.place(uidOf(pod), snapshot.shapeOfBound(pod), nodeName(at), tenureOf(pod));
  }
  snapshot.layOut();
  // What pods ask about each other is known before the first is placed, as it is once a workload has run for a moment.
  for (let at = 0; at < Math.min(20, workload.count(nodes)); at += 1) snapshot.shapeOf(workload.pod(at, nodes));
  return { snapshot, standings: new Standings(snapshot, "spread") };
}

/** All that is known of a pod that waits. */
export function pendingOf({ snapshot }: Bed, pod: Pod): PendingPod {
  return { id: uidOf(pod), shape: snapshot.shapeOf(pod), tenure: tenureOf(pod), preempts: true };
}

/**
 * A small cluster that the workload has filled. To be held as long as rates are measured: what the compiler knows of objects it forgets with the last of them, and a leader's cluster
 * does not go between two decisions.
 */
export function warmCluster(workload: Workload): Bed {
  const bed = bedFor(workload, WARM_NODES);
  placeAll(workload, bed, WARM_NODES);
  return bed;
}

/** Pods per second of processor time, from pod object to assumed decision. Throws when a pod finds neither node nor room. */
export function rateOf(workload: Workload, nodes: number): number {
  return placeAll(workload, bedFor(workload, nodes), nodes);
}

function placeAll(workload: Workload, bed: Bed, nodes: number): number {
  const pods = Array.from({ length: workload.count(nodes) }, (_, at) => workload.pod(at, nodes));
  let placed = 0;
  collectGarbage();
  const before = process.cpuUsage();
  const together = workload.gang?.(nodes);
  for (let from = 0; from < pods.length; from += together ?? SLICE) {
    const pending = pods.slice(from, from + (together ?? SLICE)).map((pod) => pendingOf(bed, pod));
    const gang = { pods: pending, least: pending.length, topologyKey: "", isBounded: true, home: undefined };
    if (together === undefined) placed += assume(bed.snapshot, pending, bed.standings).attempts.length;
    else placed += attemptGang(bed.snapshot, gang, bed.standings)?.length ?? 0;
  }
  const { user, system } = process.cpuUsage(before);
  if (placed !== pods.length) throw new Error(`${workload.name}: ${placed} of ${pods.length} pods got a place`);
  return (1e6 * pods.length) / (user + system);
}

/** Time of single decisions, milliseconds. */
export function latenciesOf(workload: Workload, nodes: number, count: number): readonly number[] {
  const bed = bedFor(workload, nodes);
  return Array.from({ length: count }, (_, at) => {
    const pod = workload.pod(at, nodes);
    const startedAt = performance.now();
    assume(bed.snapshot, [pendingOf(bed, pod)], bed.standings);
    return performance.now() - startedAt;
  });
}

/** Compares every decision on a small cluster with the naive definition; throws when one differs. */
export function compareWithOracle(workload: Workload, nodes: number, count: number): void {
  const bed = bedFor(workload, nodes);
  const objects = Array.from({ length: nodes }, (_, at) => nodeAt(at));
  const pods = Array.from({ length: count }, (_, at) => workload.pod(at, nodes));
  const pending = pods.map((pod) => pendingOf(bed, pod));
  const { attempts } = assume(bed.snapshot, pending, bed.standings);
  const got = new Map(attempts.map((each) => [each.pod.id, each.nodeName]));
  for (const { pod, node } of scheduleNaively({ nodes: objects, bound: [], images: new Map() }, pods, "spread"))
    if ((got.get(pod) ?? null) !== node)
      throw new Error(`${workload.name}: ${pod} is on ${got.get(pod)}, by the definition on ${node}`);
}

/** What was made to make ready is not to be paid for by what is measured: neither its garbage nor the giving back of the memory, which goes on aside. */
export function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, SETTLE_MS);
}

function uidOf({ metadata }: Pod): string {
  return metadata?.uid ?? "";
}
