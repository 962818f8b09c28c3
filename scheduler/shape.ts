import { type Placement, placementOf } from "../kinds/placement-policy.js";
import { isInfeasible } from "../kinds/resize.js";
import { UTILIZATION_SHAPE, type UtilizationPoint, utilizationShapeOf } from "../kinds/utilization-shape.js";
import type { Container } from "../proto/gen/tallship/v1/container.js";
import type { NodeAffinity, Toleration } from "../proto/gen/tallship/v1/placement.js";
import type { Pod } from "../proto/gen/tallship/v1/pod.js";
import { type DeviceDemand, demandOf, deviceWords } from "./devices/demand.js";
import type { Peer, Peers } from "./peers.js";
import { grantedRequests, podRequests } from "./pod-requests.js";
import { tolerationsKey } from "./tolerations.js";
import type { VolumeDemand } from "./volume-demand.js";

/** A port of the node that a pod needs for itself. */
export interface WantedPort {
  /** Protocol and port, such as TCP/80. */
  readonly port: string;
  /** Address it listens on; 0.0.0.0 is every one. */
  readonly hostIP: string;
}

/** An amount of the resource that stands in a column of the snapshot. */
export interface ColumnAmount {
  readonly column: number;
  readonly amount: number;
}

/** Everything about a pod that decides where it may run, and nothing else: pods of one shape share all per-pod work. */
export interface Shape extends Peer {
  /** Equal for pods of equal shape. */
  readonly key: string;
  /** Equal for shapes that ask the same of node objects: which node, labels, taints, volumes. */
  readonly place: string;
  /** What it reserves, without zeros; one pod is among it. */
  readonly requests: readonly ColumnAmount[];
  /** What scores count as used by it: requests, or a small amount where it asks for nothing. */
  readonly scored: { readonly cpuMillicores: number; readonly memoryBytes: number };
  /** Pods of one group are spread over nodes: the uid of the controller that owns them; empty without one. */
  readonly group: string;
  readonly nodeName: string;
  readonly nodeSelector: Readonly<Record<string, string>>;
  readonly nodeAffinity: NodeAffinity | undefined;
  readonly tolerations: readonly Toleration[];
  readonly ports: readonly WantedPort[];
  /** What it asks about other pods. */
  readonly peers: Peers | undefined;
  /** How it is placed among the nodes that could run it, where it says so. */
  readonly placement: Placement | undefined;
  /** How good a node is by how full it would be with the pod, where it says so. */
  readonly utilization: readonly UtilizationPoint[] | undefined;
  /** What its claims ask; undefined without claims, and once it is bound. */
  readonly volumes: VolumeDemand | undefined;
  /** The images of its containers, as it names them, a space between them. */
  readonly images: string;
  /** What it asks of devices. */
  readonly devices: DeviceDemand | undefined;
}

/** What decides where a pod may run and does not stand in the pod itself. */
export interface ShapeContext {
  /** The node that the pod must run on; empty: any. */
  readonly nodeName: string;
  readonly volumes: VolumeDemand | undefined;
  readonly peers: Peers | undefined;
  /** The pod's namespace and labels, as far as some term asks for them: pods that no term can tell apart share a shape. */
  readonly counted: Peer;
  /** It has a node, and whatever devices it has there. */
  readonly isBound: boolean;
}

// A pod that asks for nothing still uses something; the amounts are those that Kubernetes assumes.
const assumedCpuMillicores = 100;
const assumedMemoryBytes = 200 * 2 ** 20;

/** The shape of a pod. `columnOf` gives a resource its column in the snapshot. */
export function makeShape(
  key: string,
  pod: Pod,
  { nodeName, volumes, peers, counted, isBound }: ShapeContext,
  columnOf: (resource: string) => number,
): Shape {
  const amounts = podRequests(pod);
  const requests: ColumnAmount[] = [];
  for (const [resource, amount] of amounts) if (amount > 0) requests.push({ column: columnOf(resource), amount });
  requests.push({ column: columnOf("pods"), amount: 1 });
  const tolerations = withOwnTolerations(pod.spec?.tolerations ?? [], amounts);
  return {
    key,
    place: placeKey(pod, { nodeName, volumes }, tolerations),
    requests,
    scored: {
      cpuMillicores: amounts.get("cpu") || assumedCpuMillicores,
      memoryBytes: amounts.get("memory") || assumedMemoryBytes,
    },
    group: groupOf(pod),
    nodeName,
    nodeSelector: pod.spec?.nodeSelector ?? {},
    nodeAffinity: pod.spec?.affinity?.nodeAffinity,
    tolerations,
    ports: wantedPorts(pod),
    volumes,
    peers,
    placement: placementOf(pod.metadata?.annotations),
    utilization: utilizationShapeOf(pod.metadata?.annotations),
    images: imagesOf(pod),
    devices: demandOf(pod, amounts, isBound),
    ...counted,
  };
}

/** One text instead of a list: one is made for every pod that is like no other. */
function imagesOf({ spec }: Pod): string {
  let images = "";
  for (const { image } of spec?.initContainers ?? []) images = images === "" ? image : `${images} ${image}`;
  for (const { image } of spec?.containers ?? []) images = images === "" ? image : `${images} ${image}`;
  return images;
}

/** A text of all that static filters read. */
function placeKey(
  { spec }: Pod,
  { nodeName, volumes }: Pick<ShapeContext, "nodeName" | "volumes">,
  tolerations: readonly Toleration[],
): string {
  let key = `${nodeName}|${volumes?.key ?? ""}|${tolerationsKey(tolerations)}`;
  for (const name in spec?.nodeSelector) key += `|${name}=${spec?.nodeSelector[name]}`;
  const demanded = spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return demanded === undefined ? key : `${key}|${JSON.stringify(demanded)}`;
}

/**
 * A pod that asks for CPU or memory is taken for one that gets along with a node that lacks memory: it has its share, and those that asked for
 * nothing go first. As in Kubernetes.
 */
function withOwnTolerations(
  tolerations: readonly Toleration[],
  amounts: ReadonlyMap<string, number>,
): readonly Toleration[] {
  const asks = (amounts.get("cpu") ?? 0) + (amounts.get("memory") ?? 0) > 0;
  return asks ? [...tolerations, BEARS_MEMORY_PRESSURE] : tolerations;
}

const BEARS_MEMORY_PRESSURE: Toleration = {
  ...{ key: "node.kubernetes.io/memory-pressure", operator: "Exists", value: "", effect: "NoSchedule" },
  tolerationSeconds: undefined,
};

/** A text that is equal for pods that are scheduled alike. Cheap: it is made for every pod that comes. */
export function shapeKey(pod: Pod, { nodeName, volumes, peers, counted, isBound }: ShapeContext): string {
  const { spec } = pod;
  if (spec === undefined) return "";
  let key = `${groupOf(pod)}|${nodeName}|${volumes?.key ?? ""}|${peers?.key ?? ""}|${counted.namespace}|`;
  for (const name in counted.labels) key += `${name}=${counted.labels[name]},`;
  key += "|";
  for (const name in counted.namespaceLabels) key += `${name}=${counted.namespaceLabels[name]},`;
  key += `|${annotationWords(pod, isBound)}`;
  key += "|";
  for (const name in spec.nodeSelector) key += `${name}=${spec.nodeSelector[name]},`;
  if (spec.affinity?.nodeAffinity !== undefined) key += JSON.stringify(spec.affinity.nodeAffinity);
  key += "|";
  for (const { key: name, operator, value, effect, tolerationSeconds } of spec.tolerations)
    key += `${name} ${operator} ${value} ${effect} ${tolerationSeconds},`;
  for (const name in spec.overhead) key += `|${name}=${spec.overhead[name]}`;
  for (const container of spec.initContainers)
    key += `|init ${container.image} ${container.restartPolicy}${resourceKey(container)}`;
  for (const container of spec.containers)
    key += `|${container.image} ${resourceKey(container)}${portKey(container, spec.hostNetwork)}`;
  return key + grantedKey(pod);
}

/** What the annotations of a pod say of where it may run. */
export function annotationWords(pod: Pod, isBound: boolean): string {
  const annotations = pod.metadata?.annotations;
  for (const _ in annotations) {
    const line = annotations?.[UTILIZATION_SHAPE] ?? "";
    return `${placementOf(annotations) ?? ""}|${line}|${deviceWords(pod, isBound)}`;
  }
  return "||";
}

/** Of a pod that is resized, what it has beside what it asks for. */
function grantedKey(pod: Pod): string {
  const granted = grantedRequests(pod);
  if (granted === undefined) return "";
  return `|granted ${isInfeasible(pod)} ${JSON.stringify([...granted].map(([name, amounts]) => [name, [...amounts]]))}`;
}

/** The uid of the controller that owns the pod; empty without one. */
export function groupOf(pod: Pod): string {
  for (const owner of pod.metadata?.ownerReferences ?? []) if (owner.controller === true) return owner.uid;
  return "";
}

function resourceKey({ resources }: Container): string {
  if (resources === undefined) return "";
  let key = "";
  for (const name in resources.requests) key += `${name}=${resources.requests[name]},`;
  for (const name in resources.limits) key += `${name}<${resources.limits[name]},`;
  return key;
}

function portKey({ ports }: Container, isHostNetwork: boolean): string {
  let key = "";
  for (const { hostPort, containerPort, protocol, hostIP } of ports)
    if (hostPort > 0 || isHostNetwork) key += ` ${protocol}/${hostPort || containerPort}@${hostIP}`;
  return key;
}

function wantedPorts({ spec }: Pod): readonly WantedPort[] {
  if (spec === undefined) return [];
  return spec.containers
    .flatMap(({ ports }) => ports)
    .map(({ hostPort, containerPort, protocol, hostIP }) => ({
      number: hostPort || (spec.hostNetwork ? containerPort : 0),
      protocol: protocol || "TCP",
      hostIP: hostIP || "0.0.0.0",
    }))
    .filter(({ number }) => number > 0)
    .map(({ number, protocol, hostIP }) => ({ port: `${protocol}/${number}`, hostIP }));
}
