import { expect, test } from "vitest";
import { MemoryEtcd } from "../../controlplane/store/memory-etcd.js";
import { encodeObject, storeKey, type Typed } from "../../kinds/object.js";
import { ConfigMap } from "../../proto/gen/tallship/v1/configmap.js";
import { Job } from "../../proto/gen/tallship/v1/job.js";
import { Node } from "../../proto/gen/tallship/v1/node.js";
import { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { type Acknowledged, Invariants, type LiveContainer } from "./invariants.js";
import { StoreTruth } from "./world.js";

/** A world in which anything may be written, right or wrong. */
class AnyWorld {
  readonly live: LiveContainer[] = [];
  readonly acknowledged: Acknowledged[] = [];
  private readonly etcd = new MemoryEtcd();
  private readonly invariants = new Invariants({
    truth: new StoreTruth(this.etcd),
    live: () => this.live,
    hostChanges: () => this.live.length,
    acknowledged: () => this.acknowledged,
  });

  write(typed: Typed): void {
    const { namespace = "", name = "" } = typed.object.metadata ?? {};
    const key = storeKey({ kind: typed.kind, namespace, name });
    this.etcd.transact({ checks: [], writes: [{ op: "put", key, value: encodeObject(typed) }] });
  }

  check(): void {
    this.invariants.check();
  }
}

const pod = (
  name: string,
  nodeName: string,
  rest: { phase?: string; restarts?: number; cpu?: string } = {},
): Typed => ({
  kind: "Pod",
  object: Pod.fromPartial({
    metadata: { name, namespace: "default", uid: `uid-${name}` },
    spec: { nodeName, containers: [{ name: "main", resources: { requests: { cpu: rest.cpu ?? "100m" } } }] },
    status: {
      phase: rest.phase ?? "Running",
      containerStatuses: [{ name: "main", restartCount: rest.restarts ?? 0 }],
    },
  }),
});

const runs = (podUid: string, podName: string, address: string): LiveContainer => ({
  host: "node0",
  podUid,
  podName,
  address,
});

/** A pod on node0 that a workload controls. */
const owned = (name: string, kind: string, uid: string): Typed => ({
  kind: "Pod",
  object: Pod.fromPartial({
    metadata: { name, namespace: "default", uid, ownerReferences: [{ kind, name: "w", uid: "w", controller: true }] },
    spec: { nodeName: "node0", containers: [{ name: "main" }] },
  }),
});

const job = (status: { succeeded: number; completedIndexes: string }): Typed => ({
  kind: "Job",
  object: Job.fromPartial({
    metadata: { name: "j", namespace: "default", uid: "j" },
    spec: { completions: 3, completionMode: "Indexed" },
    status,
  }),
});

const BREACHES: readonly (readonly [string, RegExp, (world: AnyWorld) => void, (world: AnyWorld) => void])[] = [
  [
    "a bound pod is bound elsewhere",
    /pod a moved from node node0 to "node1"/,
    (world) => world.write(pod("a", "node0")),
    (world) => world.write(pod("a", "node1")),
  ],
  [
    "two live pods have one address",
    /share the address 10\.128\.0\.2/,
    (world) => world.live.push(runs("1", "a", "10.128.0.2")),
    (world) => world.live.push(runs("2", "b", "10.128.0.2")),
  ],
  [
    "two live pods have one name",
    /share the name a/,
    (world) => world.live.push(runs("1", "a", "10.128.0.2")),
    (world) => world.live.push(runs("2", "a", "10.128.0.3")),
  ],
  [
    "a pod that ended runs again",
    /had Succeeded and is Running/,
    (world) => world.write(pod("a", "node0", { phase: "Succeeded" })),
    (world) => world.write(pod("a", "node0")),
  ],
  [
    "a restart count falls",
    /restart count of a fell from 2 to 1/,
    (world) => world.write(pod("a", "node0", { restarts: 2 })),
    (world) => world.write(pod("a", "node0", { restarts: 1 })),
  ],
  [
    "a node holds more than it has",
    /node node0 holds/,
    (world) => {
      const status = { allocatable: { cpu: "1", memory: "1Gi", pods: "10" } };
      world.write({ kind: "Node", object: Node.fromPartial({ metadata: { name: "node0" }, status }) });
      world.write(pod("a", "node0", { cpu: "600m" }));
    },
    (world) => world.write(pod("b", "node0", { cpu: "600m" })),
  ],
  [
    "a stateful set's pod runs beside one of its name whose object is gone",
    /share the name db-0/,
    (world) => {
      world.write(owned("db-0", "StatefulSet", "old"));
      world.live.push(runs("old", "db-0", "10.128.0.2"));
    },
    (world) => {
      world.write(owned("db-0", "StatefulSet", "new"));
      world.live.splice(0, 1, runs("old", "old", "10.128.0.2"), runs("new", "db-0", "10.128.0.3"));
    },
  ],
  [
    "a node has two daemon pods",
    /node node0 has daemon pods a and b/,
    (world) => world.write(owned("a", "DaemonSet", "1")),
    (world) => world.write(owned("b", "DaemonSet", "2")),
  ],
  [
    "a job forgets what it has counted",
    /job j counted .*1.* and counts .*0/,
    (world) => world.write(job({ succeeded: 1, completedIndexes: "0" })),
    (world) => world.write(job({ succeeded: 0, completedIndexes: "" })),
  ],
  [
    "a job counts more than it wants",
    /job j wants 3 completions and counts 4/,
    (world) => world.write(job({ succeeded: 3, completedIndexes: "0-2" })),
    (world) => world.write(job({ succeeded: 4, completedIndexes: "0-3" })),
  ],
  [
    "a job counts an index twice",
    /job j counts 3 and names indexes 0,2/,
    (world) => world.write(job({ succeeded: 2, completedIndexes: "0,2" })),
    (world) => world.write(job({ succeeded: 3, completedIndexes: "0,2" })),
  ],
  [
    "an acknowledged write is lost",
    /ConfigMap c was acknowledged with mark 2 and has 1/,
    (world) => {
      const metadata = { name: "c", namespace: "default", annotations: { "sim/mark": "1" } };
      world.write({ kind: "ConfigMap", object: ConfigMap.fromPartial({ metadata }) });
    },
    (world) => {
      world.acknowledged.push({ kind: "ConfigMap", name: "c", revision: 2, mark: "2" });
      world.write(pod("other", ""));
    },
  ],
];

test.each(BREACHES)("it is noticed when %s", (_what, message, before, breach) => {
  const world = new AnyWorld();
  before(world);
  world.check();
  breach(world);
  expect(() => world.check()).toThrow(message);
});
