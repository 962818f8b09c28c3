import { Node } from "../../proto/gen/tallship/v1/node.js";
import type { NodeAffinity, PodAffinity } from "../../proto/gen/tallship/v1/placement.js";
import { Pod } from "../../proto/gen/tallship/v1/pod.js";

/** Pods to be placed on a cluster, like those of Kubernetes' scheduler_perf. */
export interface Workload {
  readonly name: string;
  /** How many pods come for that many nodes. */
  readonly count: (nodes: number) => number;
  readonly pod: (at: number, nodes: number) => Pod;
  /** How many pods are placed together; absent: each by itself. */
  readonly gang?: (nodes: number) => number;
  /** Pods that run already, on each node. */
  readonly running?: (node: number) => readonly Pod[];
}

const ZONE = "topology.kubernetes.io/zone";
const HOST = "kubernetes.io/hostname";
const SHAPES = 10;
/** More than there are standings. */
const MANY_SHAPES = 500;

/** A node of 4 cores and 32 GiB in one of three zones. */
export function nodeAt(at: number): Node {
  const name = nodeName(at);
  return Node.fromPartial({
    metadata: { name, labels: { [ZONE]: `zone-${at % 3}`, [HOST]: name } },
    status: {
      allocatable: { cpu: "4", memory: "32Gi", pods: "110" },
      conditions: [{ type: "Ready", status: "True" }],
    },
  });
}

/** Name of the node at a place in the order of names. */
export function nodeName(at: number): string {
  return `node-${String(at).padStart(5, "0")}`;
}

interface Parts {
  readonly app: string;
  readonly cpu: string;
  readonly memory: string;
  readonly priority?: number;
  readonly spec?: Parameters<typeof Pod.fromPartial>[0]["spec"];
}

function podOf(at: number, { app, cpu, memory, priority = 0, spec }: Parts): Pod {
  return Pod.fromPartial({
    metadata: {
      name: `pod-${at}`,
      namespace: "default",
      uid: `uid-${at}`,
      labels: { app },
      ownerReferences: [{ kind: "ReplicaSet", name: app, uid: app, controller: true }],
    },
    spec: { priority, containers: [{ name: "main", resources: { requests: { cpu, memory } } }], ...spec },
  });
}

/** One of ten kinds of pods that are alike but for what they request. */
function shaped(at: number, spec?: Parts["spec"]): Pod {
  const kind = at % SHAPES;
  return podOf(at, { app: `app-${kind}`, cpu: `${50 + 10 * kind}m`, memory: `${200 + 40 * kind}Mi`, spec });
}

const own = (at: number) => ({ matchLabels: { app: `app-${at % SHAPES}` }, matchExpressions: [] });
const tenfold = (nodes: number): number => Math.min(10 * nodes, 100_000);

const inZones: NodeAffinity = {
  requiredDuringSchedulingIgnoredDuringExecution: {
    nodeSelectorTerms: [
      { matchFields: [], matchExpressions: [{ key: ZONE, operator: "In", values: ["zone-0", "zone-1"] }] },
    ],
  },
  preferredDuringSchedulingIgnoredDuringExecution: [],
};

function near(at: number, topologyKey: string): PodAffinity {
  const term = { topologyKey, labelSelector: own(at), namespaces: [], matchLabelKeys: [], mismatchLabelKeys: [] };
  return {
    requiredDuringSchedulingIgnoredDuringExecution: [term],
    preferredDuringSchedulingIgnoredDuringExecution: [],
  };
}

/** Every workload, each at any number of nodes. */
export const WORKLOADS: readonly Workload[] = [
  { name: "basicshapes", count: tenfold, pod: (at) => shaped(at) },
  {
    name: "basicdistinct",
    count: (nodes) => Math.min(2 * nodes, 10_000),
    pod: (at) => podOf(at, { app: `app-${at}`, cpu: `${50 + (at % 97)}m`, memory: `${200_000 + at}Ki` }),
  },
  {
    name: "manyshapes",
    count: (nodes) => Math.min(2 * nodes, 10_000),
    pod: (at) => {
      const kind = at % MANY_SHAPES;
      return podOf(at, { app: `app-${kind}`, cpu: `${50 + (kind % 97)}m`, memory: `${200 + kind}Mi` });
    },
  },
  { name: "nodeaffinity", count: tenfold, pod: (at) => shaped(at, { affinity: { nodeAffinity: inZones } }) },
  {
    name: "spread",
    count: tenfold,
    pod: (at) =>
      shaped(at, {
        topologySpreadConstraints: [
          { topologyKey: ZONE, maxSkew: 5, whenUnsatisfiable: "DoNotSchedule", labelSelector: own(at) },
        ],
      }),
  },
  { name: "affinity", count: tenfold, pod: (at) => shaped(at, { affinity: { podAffinity: near(at, ZONE) } }) },
  {
    name: "antiaffinity",
    count: (nodes) => 8 * nodes,
    pod: (at) => shaped(at, { affinity: { podAntiAffinity: near(at, HOST) } }),
  },
  {
    name: "preemption",
    count: (nodes) => nodes,
    running: (node) => [0, 1, 2, 3].map((each) => podOf(4 * node + each, { app: "low", cpu: "900m", memory: "500Mi" })),
    pod: (at) => podOf(1_000_000 + at, { app: "high", cpu: "3", memory: "500Mi", priority: 10 }),
  },
  { name: "gang64", count: (nodes) => 64 * Math.floor(nodes / 10), gang: () => 64, pod: (at) => shaped(at) },
  {
    name: "gang9000",
    count: () => 9_000,
    gang: () => 9_000,
    pod: (at) => podOf(at, { app: "g", cpu: "1", memory: "1Gi" }),
  },
  {
    name: "unschedulable",
    count: () => 10_000,
    pod: (at) => shaped(at, { nodeSelector: { disk: "nowhere" } }),
  },
  {
    name: "daemonset",
    count: (nodes) => nodes,
    pod: (at) => {
      const field = { key: "metadata.name", operator: "In", values: [nodeName(at)] };
      const terms = { nodeSelectorTerms: [{ matchExpressions: [], matchFields: [field] }] };
      return podOf(at, {
        app: "daemon",
        cpu: "50m",
        memory: "100Mi",
        spec: { affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } } },
      });
    },
  },
];
