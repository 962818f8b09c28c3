import type { NodeSelector } from "../proto/gen/tallship/v1/placement.js";

/** Where a claim's volume is, or may be made. */
export interface VolumePlace {
  /** Name of the claim. */
  readonly claim: string;
  /** A node must match one of these. */
  readonly anyOf: readonly NodeSelector[];
}

/** What a pod's claims ask of its node. Whoever feeds the scheduler works it out of claims, volumes and classes. */
export interface VolumeDemand {
  /** Equal for demands that every node answers alike. */
  readonly key: string;
  /** Why no node can run the pod as things stand; empty when some may. */
  readonly blocked: string;
  readonly places: readonly VolumePlace[];
}
