import { limit } from "../../lib/limits.js";
import type { PublishedKey } from "./tunnel-keys.js";

/** A key of this node as far as it matters when to change it. */
export interface OwnKey {
  readonly generation: number;
  readonly madeAtMs: number;
}

/** Another node's keys, and the generations in which it has answered lately. */
export interface TunnelPartner {
  readonly name: string;
  readonly keys: readonly PublishedKey[];
  readonly met: ReadonlySet<number>;
}

/** What to change of the node's keys. */
export interface KeyPlan {
  /** A generation to make a key for. */
  readonly make: number | undefined;
  /** Generations whose keys go. */
  readonly drop: readonly number[];
}

/**
 * When a node's keys change. The node whose newest key has come of age begins a generation; all others, seeing it, follow. For a while each node has both, with a device for each,
 * and takes packets by either: so nobody must change at the same moment as another. The old key goes when all who have a new one have answered by it; who answers
 * by none is away, and is not waited for: else one host that is gone would keep all others' keys for ever.
 * Pure.
 */
export function planKeys(own: readonly OwnKey[], partners: readonly TunnelPartner[], nowMs: number): KeyPlan {
  const newest = own.reduce((highest, key) => Math.max(highest, key.generation), 0);
  const others = partners.flatMap(({ keys }) => keys.map(({ generation }) => generation));
  const leading = Math.max(newest, 1, ...others);
  if (newest < leading) {
    // Of a generation two before, the device is the same one.
    const stale = own.filter(({ generation }) => generation % 2 === leading % 2 || generation < leading - 1);
    return { make: leading, drop: stale.map(({ generation }) => generation) };
  }
  const ageMs = nowMs - (own.find(({ generation }) => generation === newest)?.madeAtMs ?? nowMs);
  const older = own.filter(({ generation }) => generation < newest).map(({ generation }) => generation);
  if (older.length === 0) return { make: ageMs >= limit("tunnelKeyMs") ? newest + 1 : undefined, drop: [] };
  const isMetByAll = partners.every(
    ({ keys, met }) => !keys.some((key) => key.generation === newest) || met.has(newest) || met.size === 0,
  );
  const isOver = ageMs >= limit("tunnelOverlapMs") && isMetByAll;
  return { make: undefined, drop: isOver ? older : [] };
}

/** The generation to send to a node by: the newest in which it has answered, else the newest that both have; undefined when there is none. */
export function sendingGeneration(own: readonly OwnKey[], { keys, met }: TunnelPartner): number | undefined {
  const common = own
    .map(({ generation }) => generation)
    .filter((generation) => keys.some((key) => key.generation === generation))
    .sort((one, other) => other - one);
  return common.find((generation) => met.has(generation)) ?? common[0];
}
