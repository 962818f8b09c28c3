import { expect, test } from "vitest";
import { MemoryEtcd } from "../../controlplane/store/memory-etcd.js";
import { encodeObject, storeKey, type Typed } from "../../kinds/object.js";
import { ConfigMap } from "../../proto/gen/tallship/v1/configmap.js";
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
