import { isForGpus } from "./devices/demand-mix.js";
import type { DeviceUse } from "./devices/device-use.js";
import type { Filter } from "./filter.js";
import { devices } from "./filters/devices.js";
import { hostPorts } from "./filters/host-ports.js";
import { nodeAffinity } from "./filters/node-affinity.js";
import { nodeSelector } from "./filters/node-selector.js";
import { podAffinity } from "./filters/pod-affinity.js";
import { podAntiAffinity } from "./filters/pod-anti-affinity.js";
import { readiness } from "./filters/readiness.js";
import { resources } from "./filters/resources.js";
import { taints } from "./filters/taints.js";
import { topologySpread } from "./filters/topology-spread.js";
import { volumeLocation } from "./filters/volume-location.js";
import type { Score } from "./score.js";
import { leastAllocated, mostAllocated } from "./scores/allocated.js";
import { balanced } from "./scores/balanced.js";
import { devicePacking } from "./scores/device-packing.js";
import { deviceSparing } from "./scores/device-sparing.js";
import { drawingPods } from "./scores/drawing-pods.js";
import { firstImageLocality, imageLocality } from "./scores/image-locality.js";
import { preferredNodes } from "./scores/preferred-nodes.js";
import { preferredPods } from "./scores/preferred-pods.js";
import { preferredSpread } from "./scores/preferred-spread.js";
import { softTaints } from "./scores/soft-taints.js";
import { spread } from "./scores/spread.js";
import { utilization } from "./scores/utilization.js";
import type { Shape } from "./shape.js";

/** Every filter, in the order in which they are asked: a node is counted under the first that refuses it. */
export const FILTERS: readonly Filter[] = [
  readiness,
  volumeLocation,
  nodeSelector,
  nodeAffinity,
  taints,
  podAffinity,
  podAntiAffinity,
  topologySpread,
  hostPorts,
  resources,
  devices,
];

/** A score and how much its points count. */
export interface WeightedScore {
  readonly score: Score;
  readonly weight: number;
}

/** What pods and nodes prefer by themselves: the same whatever the policy. */
const PREFERENCES = [
  { score: softTaints, weight: 3 },
  { score: preferredNodes, weight: 3 },
  { score: preferredPods, weight: 3 },
  { score: drawingPods, weight: 3 },
  { score: preferredSpread, weight: 3 },
] as const;

/** So much more counts what decides where GPUs are packed than what decides between nodes that are as good for that. */
const TIE = 3_000;

/** What is preferred among the nodes that could run a pod, by the name of the policy. */
export const POLICIES = {
  /** Replicas apart, load even. The default. */
  spread: [
    ...PREFERENCES,
    { score: deviceSparing, weight: 3 },
    { score: spread, weight: 2 },
    { score: leastAllocated, weight: 1 },
    { score: utilization, weight: 1 },
    { score: balanced, weight: 1 },
    { score: firstImageLocality, weight: 1 },
  ],
  /** Few nodes, full ones first. */
  pack: [
    ...PREFERENCES,
    { score: deviceSparing, weight: 3 },
    { score: mostAllocated, weight: 2 },
    { score: utilization, weight: 2 },
    { score: balanced, weight: 1 },
    { score: imageLocality, weight: 1 },
  ],
  /** As few GPUs as can be are broken into, or left without cpu and memory. For pods that ask for devices. */
  devices: [
    ...PREFERENCES.map(({ score, weight }) => ({ score, weight: TIE * weight })),
    { score: devicePacking, weight: 2 * TIE },
    { score: balanced, weight: 1 },
    { score: imageLocality, weight: 1 },
  ],
} as const satisfies Record<string, readonly WeightedScore[]>;

/** Name of a policy. */
export type PolicyName = keyof typeof POLICIES;

/** The policy for pods of the shape. Who asks for GPUs that nodes tell apart, and not to be spread, is packed so that GPUs stay of use. */
export function policyFor(
  { devices: demand, placement }: Shape,
  policy: PolicyName,
  { isTold }: DeviceUse,
): PolicyName {
  const isPacked = isTold && demand !== undefined && isForGpus(demand) && placement !== "spread";
  return isPacked ? "devices" : (placement ?? policy);
}
