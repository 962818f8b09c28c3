import type { Shape } from "./shape.js";
import type { Snapshot } from "./snapshot.js";
import type { Topology } from "./topology.js";

/** Why a node cannot run a pod. Nodes that refuse for the same reason are counted together. */
export interface Refusal {
  /** A few words for people, such as "insufficient memory". */
  readonly reason: string;
  /** How much is missing, where that is a number; the least over all nodes is shown. */
  readonly shortBy?: {
    readonly amount: number;
    readonly unit: "millicores" | "bytes" | "count";
    readonly where?: string;
  };
}

/**
 * Says which nodes could run a pod. Pure: no clock, no I/O and nothing kept between calls, so one pod and one snapshot always get one
 * answer.
 */
export interface Filter {
  readonly name: string;
  /** Its answers hang on node objects and on the shape's `place` alone, not on what runs there: shapes of one place share them until a node object changes. */
  readonly isStatic?: true;
  /** Does the work of a pod's shape once. Undefined when the pod asks nothing of this filter. */
  prepare(shape: Shape, snapshot: Snapshot): Sieve | undefined;
}

/** A filter made ready for one shape. */
export interface Sieve {
  /** True when the node could run the pod. The columns are laid out. */
  lets(slot: number): boolean;
  /** Clears `fits` at each slot in [from, to) that `lets` does not let; sets nothing. For many slots quicker than one by one. */
  sift(fits: Uint8Array, from: number, to: number): void;
  /** Why the node refuses; empty exactly when it does not. */
  why(slot: number): readonly Refusal[];
  /** A pod that comes to a node never makes it fit. Absent: it may. */
  readonly onlyTightens?: true;
  /** Grows when an answer may have changed at other slots than those that the snapshot names. Absent: it never does. */
  farChanges?(): number;
  /** All slots of a domain of it, and all slots in none, get the same answer. Absent: each slot has its own. */
  readonly region?: Topology | undefined;
  /** Sieves that together are this one, asked in its place where it matters which of them are regional. */
  readonly parts?: readonly Sieve[];
}

/** One sieve of several: a node must pass all, and the first that refuses says why. Undefined when there are none. */
export function allOf(parts: readonly Sieve[]): Sieve | undefined {
  if (parts.length === 0) return undefined;
  return {
    parts,
    lets: (slot) => parts.every((part) => part.lets(slot)),
    sift: (fits, from, to) => {
      for (const part of parts) part.sift(fits, from, to);
    },
    why: (slot) => parts.map((part) => part.why(slot)).find(({ length }) => length > 0) ?? [],
  };
}

/** Sifts slot by slot. */
export function siftBy(lets: (slot: number) => boolean): Sieve["sift"] {
  return (fits, from, to) => {
    for (let slot = from; slot < to; slot += 1) if (fits[slot] === 1 && !lets(slot)) fits[slot] = 0;
  };
}
