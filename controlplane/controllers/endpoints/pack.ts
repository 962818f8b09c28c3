import { deepEqual } from "../../../lib/deep-equal.js";
import type { Endpoint } from "../../../proto/gen/tallship/v1/endpointslice.js";

/** What becomes of the slices of one group. */
export interface Packing<S> {
  /** Slices that stand, with what they should hold; `isChanged` when that is something else than they do. */
  readonly kept: readonly { readonly slice: S; readonly endpoints: readonly Endpoint[]; readonly isChanged: boolean }[];
  /** Contents of slices to create. */
  readonly added: readonly (readonly Endpoint[])[];
  readonly removed: readonly S[];
}

/** A slice that stands, and what it holds. */
export interface Held<S> {
  readonly slice: S;
  readonly endpoints: readonly Endpoint[];
}

/**
 * Spreads endpoints over slices of at most `most` so that few slices change: an endpoint stays where it is, a new one goes where something
 * changes anyway, then where there is room. Slices that have become much too many are drawn together. The last slice is emptied, not removed.
 */
export function pack<S>(held: readonly Held<S>[], wanted: readonly Endpoint[], most: number): Packing<S> {
  const left = new Map(wanted.map((endpoint) => [identity(endpoint), endpoint]));
  const needed = Math.max(1, Math.ceil(wanted.length / most));
  const isScattered = held.length > 2 * needed;
  const standing = isScattered ? [...held].sort(byFill).slice(0, needed) : held;
  const slices = standing.map(({ slice, endpoints }) => {
    const stays = endpoints.slice(0, most).flatMap((endpoint) => take(left, identity(endpoint)));
    return { slice, before: endpoints, endpoints: stays };
  });
  const isTouched = (each: (typeof slices)[number]): boolean => !deepEqual(each.endpoints, each.before);
  const roomy = [...slices.filter(isTouched), ...slices.filter((each) => !isTouched(each))];
  for (const each of roomy) each.endpoints.push(...takeFirst(left, most - each.endpoints.length));
  const added: (readonly Endpoint[])[] = [];
  while (left.size > 0) added.push(takeFirst(left, most));
  const empty = slices.filter(({ endpoints }) => endpoints.length === 0);
  const dropped = new Set(empty.length === slices.length ? empty.slice(1) : empty);
  const kept = slices.filter((each) => !dropped.has(each));
  const isKept = new Set(kept.map(({ slice }) => slice));
  return {
    kept: kept.map((each) => ({ slice: each.slice, endpoints: each.endpoints, isChanged: isTouched(each) })),
    added,
    removed: held.filter(({ slice }) => !isKept.has(slice)).map(({ slice }) => slice),
  };
}

/** An endpoint is the same one while its pod and address are. */
function identity({ addresses, targetRef }: Endpoint): string {
  return `${targetRef?.uid} ${addresses[0]}`;
}

function byFill<S>(left: Held<S>, right: Held<S>): number {
  return right.endpoints.length - left.endpoints.length;
}

function take(left: Map<string, Endpoint>, key: string): Endpoint[] {
  const endpoint = left.get(key);
  left.delete(key);
  return endpoint === undefined ? [] : [endpoint];
}

function takeFirst(left: Map<string, Endpoint>, count: number): readonly Endpoint[] {
  const taken = [...left].slice(0, Math.max(0, count));
  for (const [key] of taken) left.delete(key);
  return taken.map(([, endpoint]) => endpoint);
}
