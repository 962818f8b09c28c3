import type { PodWay } from "./peer-view.js";
import type { Lane, Path } from "./probe-packet.js";

/** Packets of a round to one peer, by lane and way; that of IPv6 where the cluster speaks it. */
export type ProbeRound = readonly (readonly [Lane, Path] | readonly ["ipv6", "ipv6"])[];

/** All that is asked of a peer: once in limits.probeEveryMs, or each second when it is looked at closely. */
export const WHOLE_ROUND: ProbeRound = [
  ["underlay-small", "underlay"],
  ["underlay-small", "underlay"],
  ["underlay-full", "underlay"],
  ["overlay-small", "overlay"],
  ["overlay-small", "overlay"],
  ["overlay-full", "overlay"],
  ["ipv6", "ipv6"],
];

const PASSING: ProbeRound = [
  ["underlay-small", "underlay"],
  ["overlay-small", "overlay"],
  ["ipv6", "ipv6"],
];

/**
 * Of a peer that is one of very many, by what pods' packets go to it by: whether packets pass at all, and those that are as large on the link as they can be. Through overlay and
 * tunnel pods' full ones are, over the link itself only the hosts' own.
 */
export const BRIEF_ROUNDS: Readonly<Record<PodWay, ProbeRound>> = {
  overlay: [...PASSING, ["overlay-full", "overlay"]],
  tunnel: [...PASSING, ["overlay-full", "overlay"]],
  link: [...PASSING, ["underlay-full", "underlay"]],
};

/** What a node's round of probes follows from. */
export interface RoundGround {
  /** Names of all peers that answer probes, in order. */
  readonly peers: readonly string[];
  readonly self: string;
  /** Number of the round. */
  readonly turn: number;
  /** Peers of one round at most that are asked everything, and how many of them are in every round. */
  readonly most: number;
  readonly neighbours: number;
  /** Rounds within which every peer is asked something, as long as that is no more than so many in one. */
  readonly sweepRounds: number;
  readonly mostBrief: number;
}

/** A round of probes. */
export interface Round {
  /** Who is asked everything. */
  readonly whole: readonly string[];
  /** Who is asked whether packets pass at all, and full ones through the overlay: what is amiss there is looked at closely. */
  readonly brief: readonly string[];
}

/**
 * Whom a node probes in a round: all peers when they are few. Of many those that follow it in the order of names, so that each node always has some that
 * look at it, and of the others the next in turn; all the rest are asked briefly, a part in each round, so that of up to a thousand no fault of a way waits for longer than
 * a sweep; of more, sweeps take longer, and a node's own work does not. Nothing is left to chance.
 */
export function peersOfRound({ peers, self, turn, most, neighbours, sweepRounds, mostBrief }: RoundGround): Round {
  if (peers.length <= most) return { whole: peers, brief: [] };
  const first = Math.max(
    0,
    peers.findIndex((name) => name > self),
  );
  const ring = [...peers.slice(first), ...peers.slice(0, first)];
  const near = ring.slice(0, neighbours);
  const rest = ring.slice(neighbours);
  const begin = (turn * (most - neighbours)) % rest.length;
  const chosen = Array.from({ length: most - neighbours }, (_, at) => rest[(begin + at) % rest.length] ?? "");
  const whole = new Set([...near, ...chosen]);
  const brief = partOfRound(rest, turn, { all: 0, most: mostBrief, sweepRounds });
  return { whole: [...whole], brief: brief.filter((name) => !whole.has(name)) };
}

/** Of a list the part that is asked in a round: all of it while that is no more than `all`, else a part for each round of a sweep, or `most` where that would be more. */
export function partOfRound<T>(
  list: readonly T[],
  turn: number,
  { all, most, sweepRounds }: { readonly all: number; readonly most: number; readonly sweepRounds: number },
): readonly T[] {
  if (list.length <= all) return list;
  const share = Math.min(most, Math.ceil(list.length / sweepRounds));
  const parts = Math.ceil(list.length / share);
  const from = (turn % parts) * share;
  return list.slice(from, from + share);
}

/** Sizes of IP packets to try when full ones do not pass, largest first: MTUs that links and tunnels have. */
const SIZES = [
  8_950, 8_000, 6_000, 4_000, 2_000, 1_500, 1_492, 1_480, 1_476, 1_468, 1_460, 1_450, 1_442, 1_430, 1_420, 1_410, 1_400,
  1_390, 1_380, 1_370, 1_350, 1_330, 1_300, 1_280, 1_250, 1_200, 1_150, 1_100, 1_000, 900, 800, 700, 600, 576,
] as const;

/** The sizes below that of a full packet. */
export function sizesBelow(fullBytes: number): readonly number[] {
  return SIZES.filter((size) => size < fullBytes);
}
