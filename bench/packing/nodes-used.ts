import { Backlog } from "../../controlplane/scheduling/backlog.js";
import { rfc3339 } from "../../lib/clock.js";
import { seededRng } from "../../lib/rng.js";
import { Node } from "../../proto/gen/tallship/v1/node.js";
import { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { Bulks } from "../../scheduler/bulk.js";
import { assume } from "../../scheduler/schedule.js";
import { Snapshot } from "../../scheduler/snapshot.js";
import { Standings } from "../../scheduler/standings.js";
import { PLAIN_TENURE } from "../../scheduler/tenant.js";

/** What a pod asks for, as parts of a thousand of a node. */
export interface Load {
  readonly cpu: number;
  readonly memory: number;
}

/** Pods of a kind of workload, from a seed. */
export const LOADS: readonly { readonly name: string; make(count: number, seed: number): readonly Load[] }[] = [
  {
    name: "uniform",
    make: (count, seed) => loads(count, seed, (float) => ({ cpu: 20 + 380 * float(), memory: 20 + 380 * float() })),
  },
  { name: "services", make: (count, seed) => loads(count, seed, servicePod) },
  {
    name: "large",
    make: (count, seed) => loads(count, seed, (float) => ({ cpu: 200 + 500 * float(), memory: 200 + 500 * float() })),
  },
];

function loads(count: number, seed: number, make: (float: () => number) => Load): readonly Load[] {
  const rng = seededRng(seed);
  return Array.from({ length: count }, () => {
    const { cpu, memory } = make(() => rng.float());
    return { cpu: Math.round(cpu), memory: Math.round(memory) };
  });
}

/** As services ask: few sizes, many small ones, cores and memory in step. */
function servicePod(float: () => number): Load {
  const cpu = [15, 31, 62, 125, 250][Math.floor(5 * float() ** 1.5)] ?? 15;
  return { cpu, memory: cpu * (0.5 + float()) };
}

/** How pods come: all within one second, as when a file is applied, or each in a second of its own. */
export type Arrival = "together" | "apart";

/** How many nodes Tallship uses when told to pack: what it asks of the pods that wait, and where it puts each. */
export function nodesByTallship(pods: readonly Load[], arrival: Arrival): number {
  const snapshot = new Snapshot();
  const bulks = new Bulks(snapshot);
  for (const node of pods.map((_, at) => nodeAt(at))) {
    snapshot.setNode(node);
    bulks.takeNode(node);
  }
  const backlog = new Backlog();
  for (const [at, { cpu, memory }] of pods.entries()) {
    const requests = { cpu: `${cpu}m`, memory: `${memory}Mi` };
    const pod = Pod.fromPartial({ spec: { containers: [{ name: "main", resources: { requests } }] } });
    const shape = snapshot.shapeOf(pod);
    const name = nameAt("pod", at);
    backlog.add({
      ...{ id: name, key: { kind: "Pod", namespace: "default", name }, shape, tenure: PLAIN_TENURE },
      ...{ preempts: false, group: "", queue: "", bulk: bulks.of(shape), seenAtMs: 0 },
      createdAt: rfc3339(arrival === "apart" ? 1_000 * at : 0),
    });
  }
  assume(snapshot, backlog.take(pods.length), new Standings(snapshot, "pack"));
  return snapshot.records.filter((record) => record.pods.size > 0).length;
}

function nodeAt(at: number): Node {
  return Node.fromPartial({
    metadata: { name: nameAt("node", at) },
    status: {
      allocatable: { cpu: "1000m", memory: "1000Mi", pods: "1000" },
      conditions: [{ type: "Ready", status: "True" }],
    },
  });
}

function nameAt(kind: string, at: number): string {
  return `${kind}-${String(at).padStart(5, "0")}`;
}

/** How many nodes best-fit-decreasing uses, which knows all pods beforehand. */
export function nodesByBestFitDecreasing(pods: readonly Load[]): number {
  const nodes: { cpu: number; memory: number }[] = [];
  const size = ({ cpu, memory }: Load): number => cpu + memory;
  for (const pod of [...pods].sort((left, right) => size(right) - size(left))) {
    const fitting = nodes.filter(({ cpu, memory }) => cpu >= pod.cpu && memory >= pod.memory);
    const best = fitting.reduce<(typeof nodes)[number] | undefined>(
      (least, node) => (least === undefined || size(node) < size(least) ? node : least),
      undefined,
    );
    const node = best ?? { cpu: 1_000, memory: 1_000 };
    if (best === undefined) nodes.push(node);
    node.cpu -= pod.cpu;
    node.memory -= pod.memory;
  }
  return nodes.length;
}

/** Fewer nodes are not enough for so much, however it is packed. */
export function nodesAtLeast(pods: readonly Load[]): number {
  const sum = (of: (pod: Load) => number): number => pods.reduce((total, pod) => total + of(pod), 0);
  return Math.ceil(
    Math.max(
      sum(({ cpu }) => cpu),
      sum(({ memory }) => memory),
    ) / 1_000,
  );
}

/** The fewest nodes that are enough, found by trying: for a dozen pods or so. */
export function nodesAtBest(pods: readonly Load[]): number {
  const sorted = [...pods].sort((left, right) => right.cpu + right.memory - left.cpu - left.memory);
  const least = nodesAtLeast(pods);
  let best = nodesByBestFitDecreasing(pods);
  const used: { cpu: number; memory: number }[] = [];
  const tryFrom = (at: number): void => {
    const pod = sorted[at];
    if (best === least || used.length >= best) return;
    if (pod === undefined) {
      best = used.length;
      return;
    }
    for (const node of used) {
      if (node.cpu < pod.cpu || node.memory < pod.memory) continue;
      node.cpu -= pod.cpu;
      node.memory -= pod.memory;
      tryFrom(at + 1);
      node.cpu += pod.cpu;
      node.memory += pod.memory;
    }
    if (used.length + 1 >= best) return;
    used.push({ cpu: 1_000 - pod.cpu, memory: 1_000 - pod.memory });
    tryFrom(at + 1);
    used.pop();
  };
  tryFrom(0);
  return best;
}
