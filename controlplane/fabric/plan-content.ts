import { type Bitmap, hasBit } from "../../lib/bitmap.js";

/** A node that fetches some content. */
export interface Seeker {
  readonly name: string;
  /** Pieces that it has. */
  readonly pieces: Bitmap;
  /** Pieces that it is to fetch from the registry. */
  readonly granted: ReadonlySet<number>;
  /** How many it has ever been granted. */
  readonly grantedCount: number;
  readonly hasRegistry: boolean;
}

/** One content, as the leader sees it. */
export interface ContentState {
  readonly pieceCount: number;
  /** Nodes that hold all of it, by name. */
  readonly holders: readonly string[];
  /** In the order of their names. */
  readonly seekers: readonly Seeker[];
}

/** Bounds of a plan. */
export interface PlanLimits {
  readonly peers: number;
  readonly grants: number;
  readonly grantsAlone: number;
}

/** What one node is told. */
export interface SeekerPlan {
  readonly name: string;
  /** Nodes to fetch from; holders of all first. */
  readonly peers: readonly string[];
  readonly granted: readonly number[];
  /** Nobody has it, and nobody can ask a registry. */
  readonly isNowhere: boolean;
}

/**
 * Says for each node that fetches a content where it gets it. Each piece that no node has is granted to one node, which fetches it from the registry; the others get it from that one. Nodes begin at
 * different places, so that they soon have something to give each other. While one node is alone its turn grows, so that it reads the registry in long runs. What is granted stays granted.
 */
export function planContent(state: ContentState, limits: PlanLimits): readonly SeekerPlan[] {
  const { holders, seekers } = state;
  const able = seekers.filter(({ hasRegistry }) => hasRegistry);
  const grants = new Map(seekers.map(({ name, granted }) => [name, [...granted]]));
  if (holders.length === 0 && able.length > 0) grantPieces(state, able, { grants, limits });
  const isNowhere = holders.length === 0 && able.length === 0;
  return seekers.map((seeker, at) => ({
    name: seeker.name,
    peers: peersOf(state, at, limits.peers),
    granted: grants.get(seeker.name) ?? [],
    isNowhere: isNowhere && !isSomewhereWhole(state),
  }));
}

interface Granting {
  readonly grants: Map<string, number[]>;
  readonly limits: PlanLimits;
}

/** One piece to each node in turn, until each has its fill or nothing is left: everybody's share is even. */
function grantPieces(
  { pieceCount, seekers }: ContentState,
  able: readonly Seeker[],
  { grants, limits }: Granting,
): void {
  const taken = new Uint8Array(pieceCount);
  for (const { pieces, granted } of seekers) {
    for (let piece = 0; piece < pieceCount; piece += 1) if (hasBit(pieces, piece)) taken[piece] = 1;
    for (const piece of granted) taken[piece] = 1;
  }
  const cursors = able.map(({ granted }, at) =>
    Math.max(Math.floor((at * pieceCount) / able.length), ...[...granted].map((piece) => piece + 1)),
  );
  for (let isAnyServed = true; isAnyServed; ) {
    isAnyServed = false;
    for (const [at, seeker] of able.entries()) {
      const own = grants.get(seeker.name) ?? [];
      if (own.length >= fillOf(seeker, able.length, limits)) continue;
      const piece = nextFree(taken, cursors[at] ?? 0);
      if (piece === undefined) return;
      taken[piece] = 1;
      cursors[at] = piece + 1;
      own.push(piece);
      isAnyServed = true;
    }
  }
}

/** Pieces that a node may have granted at once. */
function fillOf({ grantedCount }: Seeker, ableCount: number, { grants, grantsAlone }: PlanLimits): number {
  return ableCount > 1 ? grants : Math.min(grantsAlone, Math.max(grants, grantedCount));
}

function nextFree(taken: Uint8Array, from: number): number | undefined {
  for (let step = 0; step < taken.length; step += 1) {
    const piece = (from + step) % taken.length;
    if (taken[piece] === 0) return piece;
  }
  return undefined;
}

/** Holders first, each node beginning at another of them; then the others that have something. */
function peersOf({ pieceCount, holders, seekers }: ContentState, at: number, most: number): readonly string[] {
  const others = seekers.filter((seeker, index) => index !== at && hasAny(seeker.pieces, pieceCount));
  const names = [
    ...rotated(holders, at),
    ...rotated(
      others.map(({ name }) => name),
      at,
    ),
  ];
  return [...new Set(names)].filter((name) => name !== seekers[at]?.name).slice(0, most);
}

function rotated(names: readonly string[], by: number): readonly string[] {
  const start = names.length === 0 ? 0 : by % names.length;
  return [...names.slice(start), ...names.slice(0, start)];
}

function hasAny(pieces: Bitmap, count: number): boolean {
  return count > 0 && pieces.some((byte) => byte !== 0);
}

/** True when the nodes that fetch it have every piece between them. */
function isSomewhereWhole({ pieceCount, seekers }: ContentState): boolean {
  for (let piece = 0; piece < pieceCount; piece += 1) {
    if (!seekers.some(({ pieces }) => hasBit(pieces, piece))) return false;
  }
  return pieceCount > 0;
}
