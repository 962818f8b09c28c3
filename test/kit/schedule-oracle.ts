import { parseQuantity } from "../../lib/quantity.js";
import type { Node } from "../../proto/gen/tallship/v1/node.js";
import type { NodeSelectorTerm, Toleration } from "../../proto/gen/tallship/v1/placement.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { isPlaceAmongPods, pointsAmongPods, type Spot } from "./schedule-oracle-peers.js";

/** A pod and the node it runs on; null: no node takes it. */
export interface OracleBinding {
  readonly pod: string;
  readonly node: string | null;
}

/** An image that the cluster holds, by its whole name, and the nodes that hold it. */
export interface OracleImage {
  readonly sizeBytes: number;
  readonly holders: ReadonlySet<string>;
}

/** What is there when pods come. */
export interface OracleCluster {
  readonly nodes: readonly Node[];
  readonly bound: readonly { readonly pod: Pod; readonly nodeName: string }[];
  readonly images: ReadonlyMap<string, OracleImage>;
}

/**
 * The definition of scheduling, as naive as can be: every pod against every node object, everything computed anew, no index and no state.
 * What the fast library decides must equal this. Shares no code with it but the parser of quantities.
 */
export function scheduleNaively(
  { nodes, bound, images }: OracleCluster,
  pending: readonly Pod[],
  policy: "spread" | "pack",
): readonly OracleBinding[] {
  const spots: readonly Spot[] = [...nodes]
    .sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))
    .map((node) => ({ node, pods: bound.filter(({ nodeName }) => nodeName === nameOf(node)).map(({ pod }) => pod) }));
  return pending.map((pod) => {
    let best: { readonly spot: Spot; readonly points: number } | undefined;
    for (const spot of spots.filter((each) => isPlace(pod, each, spots))) {
      const asked = pod.metadata?.annotations["tallship.dev/placement"];
      const own = asked === "pack" || asked === "spread" ? asked : policy;
      const points =
        pointsOf(pod, spot, own) +
        pointsAmongPods(pod, spot, spots) +
        (own === "spread" && siblingsOn(spot, pod) > 0 ? 0 : pointsForImages(pod, spot, { nodes, images }));
      if (best === undefined || points > best.points) best = { spot, points };
    }
    best?.spot.pods.push(pod);
    return { pod: pod.metadata?.uid ?? "", node: best === undefined ? null : nameOf(best.spot.node) };
  });
}

/** True when the pod could run there, by the definition: among all pods of all nodes. */
export function isPlace(pod: Pod, spot: Spot, spots: readonly Spot[]): boolean {
  return fits(pod, spot) && isPlaceAmongPods(pod, spot, spots);
}

function nameOf(object: { readonly metadata?: { readonly name: string } | undefined }): string {
  return object.metadata?.name ?? "";
}

function fits(pod: Pod, { node, pods }: Spot): boolean {
  const tolerations = pod.spec?.tolerations ?? [];
  const standIns = [
    { holds: !isReady(node), key: "node.kubernetes.io/not-ready" },
    { holds: node.spec?.unschedulable === true, key: "node.kubernetes.io/unschedulable" },
  ].filter(({ holds }) => holds);
  const hard = [
    ...standIns.map(({ key }) => ({ key, value: "", effect: "NoSchedule" })),
    ...(node.spec?.taints ?? []).filter(({ effect }) => effect !== "PreferNoSchedule"),
  ];
  if (hard.some((taint) => !tolerations.some((toleration) => covers(toleration, taint)))) return false;
  if ((pod.spec?.nodeName ?? "") !== "" && pod.spec?.nodeName !== nameOf(node)) return false;
  const labels = node.metadata?.labels ?? {};
  const demanded = pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  if (demanded !== undefined && !demanded.nodeSelectorTerms.some((term) => agrees(term, node))) return false;
  if (Object.entries(pod.spec?.nodeSelector ?? {}).some(([key, value]) => labels[key] !== value)) return false;
  if (portsOf(pod).some((mine) => pods.flatMap(portsOf).some((theirs) => clash(mine, theirs)))) return false;
  const resources = ["cpu", "memory", "ephemeral-storage", "pods", "example.com/gpu"];
  return resources.every((resource) => {
    const wanted = requestOf(pod, resource);
    return wanted === 0 || usedOf(pods, resource) + wanted <= allocatableOf(node, resource);
  });
}

/** The operators that the random clusters use. */
function agrees({ matchExpressions, matchFields }: NodeSelectorTerm, node: Node): boolean {
  const all = [
    ...matchExpressions.map((each) => ({ ...each, value: node.metadata?.labels[each.key] })),
    ...matchFields.map((each) => ({ ...each, value: nameOf(node) })),
  ];
  return (
    all.length > 0 &&
    all.every(({ operator, values, value }) => {
      if (operator === "Exists") return value !== undefined;
      return (operator === "In") === (value !== undefined && values.includes(value));
    })
  );
}

function isReady(node: Node): boolean {
  return node.status?.conditions.some(({ type, status }) => type === "Ready" && status === "True") === true;
}

function covers(
  toleration: Toleration,
  taint: { readonly key: string; readonly value: string; readonly effect: string },
) {
  if (toleration.effect !== "" && toleration.effect !== taint.effect) return false;
  if (toleration.key === "") return toleration.operator === "Exists";
  return toleration.key === taint.key && (toleration.operator === "Exists" || toleration.value === taint.value);
}

interface Port {
  readonly protocol: string;
  readonly port: number;
  readonly ip: string;
}

function portsOf(pod: Pod): Port[] {
  const ports = (pod.spec?.containers ?? []).flatMap((container) => container.ports);
  return ports
    .map((port) => ({
      protocol: port.protocol || "TCP",
      port: port.hostPort > 0 ? port.hostPort : pod.spec?.hostNetwork === true ? port.containerPort : 0,
      ip: port.hostIP === "" ? "0.0.0.0" : port.hostIP,
    }))
    .filter(({ port }) => port > 0);
}

function clash(left: Port, right: Port): boolean {
  const meets = left.ip === right.ip || left.ip === "0.0.0.0" || right.ip === "0.0.0.0";
  return left.protocol === right.protocol && left.port === right.port && meets;
}

function whole(resource: string, quantity: string | undefined): number {
  const value = parseQuantity(quantity ?? "0") ?? 0;
  return Math.ceil(Number((resource === "cpu" ? value * 1000 : value).toPrecision(15)));
}

function requestOf(pod: Pod, resource: string): number {
  if (resource === "pods") return 1;
  const containers = pod.spec?.containers ?? [];
  return containers
    .map(({ resources }) => whole(resource, resources?.requests[resource] ?? resources?.limits[resource]))
    .reduce((total, amount) => total + amount, 0);
}

function usedOf(pods: readonly Pod[], resource: string): number {
  return pods.reduce((total, pod) => total + requestOf(pod, resource), 0);
}

function allocatableOf(node: Node, resource: string): number {
  const given = node.status?.allocatable[resource];
  return given === undefined && resource === "pods" ? 1_000 : whole(resource, given);
}

function pointsOf(pod: Pod, { node, pods }: Spot, policy: "spread" | "pack"): number {
  const all = [...pods, pod];
  const counted = (resource: string, least: number): number =>
    all.reduce((total, each) => total + (requestOf(each, resource) || least), 0);
  const cpu = { all: allocatableOf(node, "cpu"), used: counted("cpu", 100) };
  const memory = { all: allocatableOf(node, "memory"), used: counted("memory", 200 * 1024 * 1024) };
  const left = ({ all, used }: typeof cpu): number => (used >= all ? 0 : Math.floor((1e6 * (all - used)) / all));
  const full = ({ all, used }: typeof cpu): number => (used > all || all === 0 ? 0 : Math.floor((1e6 * used) / all));
  const share = ({ all, used }: typeof cpu): number => (used >= all ? 1 : used / all);
  const balance = Math.floor(1e6 * (1 - Math.abs(share(cpu) - share(memory))));
  const tolerations = pod.spec?.tolerations ?? [];
  const soft = (node.spec?.taints ?? [])
    .filter(({ effect }) => effect === "PreferNoSchedule")
    .filter((taint) => !tolerations.some((toleration) => covers(toleration, taint))).length;
  const softPenalty = 3 * (1e6 - Math.floor(1e6 / (1 + soft)));
  const preferred = pod.spec?.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  const weigh = (terms: typeof preferred): number => terms.reduce((total, { weight }) => total + weight, 0);
  const liked = preferred.filter(({ preference }) => preference !== undefined && agrees(preference, node));
  const liking = preferred.length === 0 ? 0 : 3 * Math.floor((1e6 * weigh(liked)) / weigh(preferred));
  const line = pod.metadata?.annotations["tallship.dev/utilization-shape"];
  const parts = ({ all, used }: typeof cpu): number => (used >= all ? 1e6 : Math.floor((1e6 * used) / all));
  const drawn = line === undefined ? 0 : Math.floor((heightOf(line, parts(cpu)) + heightOf(line, parts(memory))) / 2);
  const packed = line === undefined ? Math.floor((full(cpu) + full(memory)) / 2) : drawn;
  if (policy === "pack") return 2 * packed + balance + liking - softPenalty;
  const crowding = 2 * (1e6 - Math.floor(1e6 / (1 + siblingsOn({ pods }, pod))));
  const eased = line === undefined ? Math.floor((left(cpu) + left(memory)) / 2) : drawn;
  return eased + balance + liking - crowding - softPenalty;
}

/** Of a line such as `0=0,100=10` the height at so many millionths, a million for ten; level beyond its ends. */
function heightOf(line: string, parts: number): number {
  const corners = line.split(",").map((corner) => corner.split("=").map(Number));
  const at = corners.findIndex(([percent = 0]) => parts <= percent * 1e4);
  const [rightPercent = 0, rightScore = 0] = corners[at] ?? [];
  const [leftPercent = 0, leftScore = 0] = corners.at(at - 1) ?? [];
  if (at === 0) return rightScore * 1e5;
  if (at < 0) return (corners.at(-1)?.[1] ?? 0) * 1e5;
  const rise = (rightScore - leftScore) * 1e5 * (parts - leftPercent * 1e4);
  return leftScore * 1e5 + Math.floor(rise / ((rightPercent - leftPercent) * 1e4));
}

/** Kubernetes' ImageLocality: bytes that are there times the share of nodes that have them, between 23 MiB and 1000 MiB for each container. */
function pointsForImages(pod: Pod, { node }: Spot, { nodes, images }: Pick<OracleCluster, "nodes" | "images">): number {
  const containers = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])];
  let bytes = 0;
  for (const { image } of containers) {
    const found = images.get(`docker.io/library/${image.includes(":") ? image : `${image}:latest`}`);
    if (found?.holders.has(nameOf(node)) !== true) continue;
    const holders = nodes.filter((each) => found.holders.has(nameOf(each))).length;
    bytes += Math.floor((found.sizeBytes * holders) / nodes.length);
  }
  const [least, most] = [23 * 1024 * 1024, 1000 * 1024 * 1024 * containers.length];
  return Math.floor((1e6 * (Math.min(Math.max(bytes, least), most) - least)) / (most - least));
}

function siblingsOn({ pods }: Pick<Spot, "pods">, pod: Pod): number {
  const owner = ownerOf(pod);
  return owner === "" ? 0 : pods.filter((each) => ownerOf(each) === owner).length;
}

function ownerOf(pod: Pod): string {
  return pod.metadata?.ownerReferences.find(({ controller }) => controller === true)?.uid ?? "";
}
