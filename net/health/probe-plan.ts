/** What a node's round of probes follows from. */
export interface RoundGround {
  /** Names of all peers that answer probes, in order. */
  readonly peers: readonly string[];
  readonly self: string;
  /** Number of the round. */
  readonly turn: number;
  /** Peers of one round at most, and how many of them are in every round. */
  readonly most: number;
  readonly neighbours: number;
}

/**
 * Whom a node probes in a round: all peers when they are few. Of many those that follow it in the order of names, so that each node always has some that
 * look at it, and of the others the next in turn: every pair has its turn, and nothing is left to chance.
 */
export function peersOfRound({ peers, self, turn, most, neighbours }: RoundGround): readonly string[] {
  if (peers.length <= most) return peers;
  const first = Math.max(
    0,
    peers.findIndex((name) => name > self),
  );
  const ring = [...peers.slice(first), ...peers.slice(0, first)];
  const near = ring.slice(0, neighbours);
  const rest = ring.slice(neighbours);
  const begin = (turn * (most - neighbours)) % rest.length;
  const chosen = Array.from({ length: most - neighbours }, (_, at) => rest[(begin + at) % rest.length] ?? "");
  return [...new Set([...near, ...chosen])];
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
