import { TallshipError } from "../../lib/errors.js";
import { seededRng } from "../../lib/rng.js";
import type { Placer } from "./arena.js";
import { capacityOf, milliOf, type Trace } from "./trace.js";

/** Shares of all GPUs that were given out. */
export interface Allocated {
  /** When as much had been asked for as there is. */
  readonly atCapacity: number;
  /** At the end. */
  readonly atEnd: number;
}

/** Draws pods from the trace, none of which ever leaves, until so many times what there is of GPUs has been asked for. */
export function allocated(
  { nodes, pods }: Trace,
  { placer, seed, arrivals }: { readonly placer: Placer; readonly seed: number; readonly arrivals: number },
): Allocated {
  const capacity = capacityOf(nodes);
  if (capacity === 0 || !pods.some((pod) => milliOf(pod) > 0))
    throw new TallshipError("invalid_argument", "bench packing: want nodes with GPUs, and pods that ask for them");
  const rng = seededRng(seed);
  let asked = 0;
  let given = 0;
  let atCapacity: number | undefined;
  while (asked < arrivals * capacity) {
    const pod = pods[rng.below(pods.length)];
    if (pod === undefined) break;
    asked += milliOf(pod);
    if (placer(pod)) given += milliOf(pod);
    if (asked >= capacity) atCapacity ??= given / capacity;
  }
  return { atCapacity: atCapacity ?? given / capacity, atEnd: given / capacity };
}
