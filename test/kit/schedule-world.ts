import type { NodeDevice, Taint } from "../../proto/gen/tallship/v1/node.js";
import { Node } from "../../proto/gen/tallship/v1/node.js";
import type { Toleration } from "../../proto/gen/tallship/v1/placement.js";
import { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { Snapshot } from "../../scheduler/snapshot.js";

/** What a test says of a node; all else is ordinary. */
export interface NodeParts {
  readonly name?: string;
  readonly allocatable?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly taints?: readonly Partial<Taint>[];
  readonly unschedulable?: boolean;
  readonly ready?: string;
  /** Devices that it tells apart; how many there are of each resource is added to what is allocatable. */
  readonly devices?: readonly Partial<NodeDevice>[];
}

/** A node with these parts: Ready, 4 cores, 8 GiB. */
export function nodeOf(parts: NodeParts = {}): Node {
  return Node.fromPartial({
    metadata: { name: parts.name ?? "node-a", labels: parts.labels ?? {} },
    spec: { unschedulable: parts.unschedulable ?? false, taints: parts.taints ?? [] },
    status: {
      allocatable: {
        ...countsOf(parts.devices ?? []),
        ...(parts.allocatable ?? { cpu: "4", memory: "8Gi", pods: "110" }),
      },
      devices: parts.devices ?? [],
      conditions: [{ type: "Ready", status: parts.ready ?? "True" }],
    },
  });
}

function countsOf(devices: readonly Partial<NodeDevice>[]): Readonly<Record<string, string>> {
  const counts: Record<string, string> = {};
  for (const { name = "" } of devices) {
    const resource = name.slice(0, name.indexOf("="));
    counts[resource] = `${Number(counts[resource] ?? 0) + 1}`;
  }
  return counts;
}

/** What a test says of a pod. */
export interface PodParts {
  readonly uid?: string;
  readonly owner?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Required terms, by hostname, on the label app. */
  readonly near?: string;
  readonly apartFrom?: string;
  /** Demands at most this difference between nodes, among pods of the label app. */
  readonly evenly?: { readonly app: string; readonly maxSkew: number };
  readonly requests?: Readonly<Record<string, string>>;
  readonly priority?: number;
  readonly preemptionPolicy?: string;
  readonly nodeSelector?: Readonly<Record<string, string>>;
  readonly nodeName?: string;
  readonly tolerations?: readonly Partial<Toleration>[];
  readonly ports?: readonly { readonly hostPort?: number; readonly containerPort: number; readonly hostIP?: string }[];
  readonly hostNetwork?: boolean;
}

/** A pod of one container with these parts. */
export function podOf(parts: PodParts = {}): Pod {
  const owner = { kind: "ReplicaSet", name: "owner", uid: parts.owner ?? "", controller: true };
  return Pod.fromPartial({
    metadata: {
      uid: parts.uid ?? "pod-uid",
      labels: parts.labels ?? {},
      annotations: parts.annotations ?? {},
      ownerReferences: parts.owner === undefined ? [] : [owner],
    },
    spec: {
      nodeName: parts.nodeName ?? "",
      nodeSelector: parts.nodeSelector ?? {},
      priority: parts.priority,
      preemptionPolicy: parts.preemptionPolicy ?? "",
      tolerations: parts.tolerations ?? [],
      affinity: { podAffinity: byHost(parts.near), podAntiAffinity: byHost(parts.apartFrom) },
      topologySpreadConstraints: parts.evenly === undefined ? [] : [spreadByHost(parts.evenly)],
      hostNetwork: parts.hostNetwork ?? false,
      containers: [
        {
          name: "main",
          resources: { requests: parts.requests ?? {} },
          ports: (parts.ports ?? []).map((port) => ({ protocol: "TCP", ...port })),
        },
      ],
    },
  });
}

const hostname = "kubernetes.io/hostname";

function byHost(app: string | undefined) {
  if (app === undefined) return undefined;
  const term = { topologyKey: hostname, labelSelector: { matchLabels: { app } } };
  return { requiredDuringSchedulingIgnoredDuringExecution: [term] };
}

function spreadByHost({ app, maxSkew }: { readonly app: string; readonly maxSkew: number }) {
  const labelSelector = { matchLabels: { app } };
  return { maxSkew, topologyKey: hostname, whenUnsatisfiable: "DoNotSchedule", labelSelector };
}

/** A snapshot of these nodes and of what runs on them, laid out, that has seen the pods that ask. */
export function snapshotOf(
  nodes: readonly Node[],
  bound: Readonly<Record<string, readonly Pod[]>> = {},
  asking: readonly Pod[] = [],
): Snapshot {
  const snapshot = new Snapshot();
  // Learns first what pods ask about each other, so that all shapes tell apart what some term does.
  for (const pod of [...asking, ...Object.values(bound).flat()]) snapshot.shapeOf(pod);
  for (const node of nodes) snapshot.setNode(node);
  for (const [nodeName, pods] of Object.entries(bound))
    for (const [at, pod] of pods.entries()) snapshot.place(`${nodeName}-${at}`, snapshot.shapeOfBound(pod), nodeName);
  snapshot.layOut();
  return snapshot;
}
