import type { NodeSelector } from "../proto/gen/tallship/v1/placement.js";

/** Nodes that can mount one volume. */
export interface VolumeChoice {
  /** What a node must match; undefined: any node. */
  readonly on: NodeSelector | undefined;
  /** The volume that the claim would take for itself alone; empty: none that another claim could want. */
  readonly volume: string;
}

/** Where a claim's volume is, or may be made. */
export interface VolumePlace {
  /** Name of the claim. */
  readonly claim: string;
  /** A node must have one of these, best first, whose volume no claim before it takes. */
  readonly anyOf: readonly VolumeChoice[];
}

/** What a pod's claims ask of its node. Whoever feeds the scheduler works it out of claims, volumes and classes. */
export interface VolumeDemand {
  /** Equal for demands that every node answers alike. */
  readonly key: string;
  /** Why no node can run the pod as things stand; empty when some may. */
  readonly blocked: string;
  readonly places: readonly VolumePlace[];
}
