import { expect, test } from "vitest";
import { type NodeParts, nodeOf, type PodParts, podOf, snapshotOf } from "../../test/kit/schedule-world.js";
import type { Filter } from "../filter.js";
import { hostPorts } from "./host-ports.js";
import { nodeSelector } from "./node-selector.js";
import { podAffinity } from "./pod-affinity.js";
import { podAntiAffinity } from "./pod-anti-affinity.js";
import { readiness } from "./readiness.js";
import { resources } from "./resources.js";
import { taints } from "./taints.js";
import { topologySpread } from "./topology-spread.js";

interface Row {
  readonly name: string;
  readonly filter: Filter;
  readonly pod: PodParts;
  readonly node?: NodeParts;
  /** Pods that run on the node already. */
  readonly running?: readonly PodParts[];
  readonly want: readonly string[];
}

const small: NodeParts = { allocatable: { cpu: "500m", memory: "64Mi", pods: "2", "example.com/gpu": "1" } };
const gpu: NodeParts = { taints: [{ key: "gpu", value: "only", effect: "NoSchedule" }] };
const pressed: NodeParts = { taints: [{ key: "node.kubernetes.io/memory-pressure", effect: "NoSchedule" }] };
const web = { ports: [{ containerPort: 8080, hostPort: 80 }] };
const webOn = (hostIP: string): PodParts => ({ ports: [{ containerPort: 8080, hostPort: 80, hostIP }] });

const onHost: NodeParts = { labels: { "kubernetes.io/hostname": "node-a" } };
const db: PodParts = { labels: { app: "db" } };

// Each row probes one side of one boundary; the exact fit and the wildcard address are the cases most often got wrong.
const rows: readonly Row[] = [
  { name: "exact fit", filter: resources, pod: { requests: { cpu: "500m", memory: "64Mi" } }, node: small, want: [] },
  {
    name: "one millicore short",
    filter: resources,
    pod: { requests: { cpu: "501m" } },
    node: small,
    want: ["insufficient cpu 1"],
  },
  {
    name: "both short",
    filter: resources,
    pod: { requests: { cpu: "1", memory: "65Mi" } },
    node: small,
    want: ["insufficient cpu 500", "insufficient memory 1048576"],
  },
  {
    name: "taken by another pod",
    filter: resources,
    pod: { requests: { cpu: "300m" } },
    running: [{ requests: { cpu: "300m" } }],
    node: small,
    want: ["insufficient cpu 100"],
  },
  {
    name: "nothing asked of a full resource",
    filter: resources,
    pod: { requests: { memory: "1Mi" } },
    running: [{ requests: { cpu: "500m" } }],
    node: small,
    want: [],
  },
  { name: "pods are counted", filter: resources, pod: {}, running: [{}, {}], node: small, want: ["too many pods"] },
  {
    name: "an extended resource that fits",
    filter: resources,
    pod: { requests: { "example.com/gpu": "1" } },
    node: small,
    want: [],
  },
  {
    name: "an extended resource that no node has",
    filter: resources,
    pod: { requests: { "example.com/fpga": "2" } },
    node: small,
    want: ["insufficient example.com/fpga 2"],
  },
  {
    name: "label there",
    filter: nodeSelector,
    pod: { nodeSelector: { disk: "ssd" } },
    node: { labels: { disk: "ssd" } },
    want: [],
  },
  {
    name: "label with another value",
    filter: nodeSelector,
    pod: { nodeSelector: { disk: "ssd" } },
    node: { labels: { disk: "hdd" } },
    want: ["without label disk=ssd"],
  },
  {
    name: "label that objects inherit",
    filter: nodeSelector,
    pod: { nodeSelector: { constructor: "" } },
    want: ["without label constructor="],
  },
  { name: "another node is named", filter: nodeSelector, pod: { nodeName: "node-b" }, want: ["not node node-b"] },
  { name: "this node is named", filter: nodeSelector, pod: { nodeName: "node-a" }, want: [] },
  { name: "not tolerated", filter: taints, pod: {}, node: gpu, want: ["tainted gpu=only"] },
  {
    name: "tolerated by value",
    filter: taints,
    pod: { tolerations: [{ key: "gpu", operator: "Equal", value: "only" }] },
    node: gpu,
    want: [],
  },
  {
    name: "tolerated with another value",
    filter: taints,
    pod: { tolerations: [{ key: "gpu", operator: "Equal", value: "none" }] },
    node: gpu,
    want: ["tainted gpu=only"],
  },
  {
    name: "operator absent means Equal",
    filter: taints,
    pod: { tolerations: [{ key: "gpu", value: "only" }] },
    node: gpu,
    want: [],
  },
  {
    name: "tolerated whatever the key",
    filter: taints,
    pod: { tolerations: [{ operator: "Exists" }] },
    node: gpu,
    want: [],
  },
  {
    name: "tolerated for another effect",
    filter: taints,
    pod: { tolerations: [{ key: "gpu", operator: "Exists", effect: "NoExecute" }] },
    node: gpu,
    want: ["tainted gpu=only"],
  },
  {
    name: "NoExecute repels too",
    filter: taints,
    pod: {},
    node: { taints: [{ key: "bad", effect: "NoExecute" }] },
    want: ["tainted bad"],
  },
  {
    name: "who asks for nothing keeps away from a node that lacks memory",
    filter: taints,
    pod: {},
    node: pressed,
    want: ["tainted node.kubernetes.io/memory-pressure"],
  },
  {
    name: "who asks for its share does not",
    filter: taints,
    pod: { requests: { memory: "1Mi" } },
    node: pressed,
    want: [],
  },
  {
    name: "PreferNoSchedule does not",
    filter: taints,
    pod: {},
    node: { taints: [{ key: "bad", effect: "PreferNoSchedule" }] },
    want: [],
  },
  { name: "ready", filter: readiness, pod: {}, want: [] },
  { name: "unknown is not ready", filter: readiness, pod: {}, node: { ready: "Unknown" }, want: ["not ready"] },
  { name: "cordoned", filter: readiness, pod: {}, node: { unschedulable: true }, want: ["cordoned"] },
  {
    name: "cordoned and tolerated",
    filter: readiness,
    pod: { tolerations: [{ key: "node.kubernetes.io/unschedulable", operator: "Exists" }] },
    node: { unschedulable: true },
    want: [],
  },
  {
    name: "not ready and tolerated",
    filter: readiness,
    pod: { tolerations: [{ key: "node.kubernetes.io/not-ready", operator: "Exists" }] },
    node: { ready: "False" },
    want: [],
  },
  { name: "port free", filter: hostPorts, pod: web, running: [{ ports: [{ containerPort: 80 }] }], want: [] },
  {
    name: "port held on every address",
    filter: hostPorts,
    pod: webOn("10.0.0.1"),
    running: [web],
    want: ["host port TCP/80 in use"],
  },
  {
    name: "port wanted on every address",
    filter: hostPorts,
    pod: web,
    running: [webOn("10.0.0.1")],
    want: ["host port TCP/80 in use"],
  },
  {
    name: "same port, other address",
    filter: hostPorts,
    pod: webOn("10.0.0.2"),
    running: [webOn("10.0.0.1")],
    want: [],
  },
  {
    name: "host network takes the container's port",
    filter: hostPorts,
    pod: web,
    running: [{ hostNetwork: true, ports: [{ containerPort: 80 }] }],
    want: ["host port TCP/80 in use"],
  },
  {
    name: "kept away from",
    filter: podAntiAffinity,
    pod: { apartFrom: "db" },
    node: onHost,
    running: [db],
    want: ["too close to pods it keeps away from"],
  },
  {
    name: "kept away by one that runs",
    filter: podAntiAffinity,
    pod: db,
    node: onHost,
    running: [{ apartFrom: "db" }],
    want: ["too close to pods that keep away from it"],
  },
  {
    name: "a node without the label is near nothing",
    filter: podAntiAffinity,
    pod: { apartFrom: "db" },
    running: [db],
    want: [],
  },
  { name: "near", filter: podAffinity, pod: { near: "db" }, node: onHost, running: [db], want: [] },
  {
    name: "near nothing",
    filter: podAffinity,
    pod: { near: "db" },
    node: onHost,
    running: [{}],
    want: ["no pod it wants to be near"],
  },
  { name: "first of its group", filter: podAffinity, pod: { ...db, near: "db" }, node: onHost, want: [] },
  {
    name: "first of its group, without the label",
    filter: podAffinity,
    pod: { ...db, near: "db" },
    want: ["no pod it wants to be near"],
  },
  {
    name: "the only domain is as even as can be",
    filter: topologySpread,
    pod: { ...db, evenly: { app: "db", maxSkew: 1 } },
    node: onHost,
    running: [db, db],
    want: [],
  },
  {
    name: "no domain to spread over",
    filter: topologySpread,
    pod: { ...db, evenly: { app: "db", maxSkew: 1 } },
    want: ["without label kubernetes.io/hostname"],
  },
];

test("resources: huge pages are missed by bytes, other resources that nodes may have by number", () => {
  const pod = podOf({ requests: { "hugepages-2Mi": "4Mi", "example.com/fpga": "2" } });
  const snapshot = snapshotOf([nodeOf({})], {}, [pod]);
  const refusals = resources.prepare(snapshot.shapeOf(pod), snapshot)?.why(0) ?? [];
  const units = Object.fromEntries(refusals.map(({ reason, shortBy }) => [reason, shortBy?.unit]));
  expect(units).toEqual({ "insufficient hugepages-2Mi": "bytes", "insufficient example.com/fpga": "count" });
});

for (const { name, filter, pod, node = {}, running = [], want } of rows) {
  test(`${filter.name}: ${name}`, () => {
    const snapshot = snapshotOf([nodeOf(node)], { "node-a": running.map(podOf) }, [podOf(pod)]);
    const sieve = filter.prepare(snapshot.shapeOf(podOf(pod)), snapshot);
    const refusals = sieve?.why(0) ?? [];
    expect(refusals.map(({ reason, shortBy }) => (shortBy ? `${reason} ${shortBy.amount}` : reason))).toEqual(want);
    const fits = new Uint8Array([1]);
    sieve?.sift(fits, 0, 1);
    expect(fits[0]).toBe(want.length === 0 ? 1 : 0);
    expect(sieve?.lets(0) ?? true).toBe(want.length === 0);
  });
}

test("topology-spread: one more than the emptiest node has is refused beyond maxSkew", () => {
  const nodes = ["node-a", "node-b"].map((name) => nodeOf({ name, labels: { "kubernetes.io/hostname": name } }));
  const reasons = [1, 2].map((maxSkew) => {
    const pod = podOf({ ...db, evenly: { app: "db", maxSkew } });
    const snapshot = snapshotOf(nodes, { "node-a": [podOf(db)] }, [pod]);
    const sieve = topologySpread.prepare(snapshot.shapeOf(pod), snapshot);
    return [0, 1].map((slot) => sieve?.why(slot).map(({ reason }) => reason));
  });
  expect(reasons).toEqual([
    [["would unbalance hostname by more than 1"], []],
    [[], []],
  ]);
});

test("topology-spread: a node whose taints a pod does not bear counts as a place for it, unless the constraint honours taints", () => {
  const labels = (name: string) => ({ "kubernetes.io/hostname": name });
  const nodes = [
    nodeOf({ name: "node-a", labels: labels("node-a") }),
    nodeOf({ ...gpu, name: "node-b", labels: labels("node-b") }),
  ];
  const reasons = ["Ignore", "Honor"].map((nodeTaintsPolicy) => {
    const pod = podOf({ ...db, evenly: { app: "db", maxSkew: 1 } });
    const constraints = pod.spec?.topologySpreadConstraints.map((each) => ({ ...each, nodeTaintsPolicy })) ?? [];
    const spread = { ...pod, spec: pod.spec && { ...pod.spec, topologySpreadConstraints: constraints } };
    const snapshot = snapshotOf(nodes, { "node-a": [podOf(db)] }, [spread]);
    return topologySpread
      .prepare(snapshot.shapeOf(spread), snapshot)
      ?.why(0)
      .map(({ reason }) => reason);
  });
  expect(reasons).toEqual([["would unbalance hostname by more than 1"], []]);
});
