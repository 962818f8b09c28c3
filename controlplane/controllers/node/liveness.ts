import { limit } from "../../../lib/limits.js";

/**
 * What is known of a node's life.
 * heard: it speaks. awaited: this leader has not heard it yet and may not judge. silent: it missed two heartbeats. lost: silent for
 * limits.nodeNotReadyMs. gone: silent for limits.nodeReplaceMs.
 */
export type Life = "heard" | "awaited" | "silent" | "lost" | "gone";

/** A node, and when it was last heard. */
export interface Heard {
  readonly name: string;
  /** By the monotonic clock; undefined: not by this leader. */
  readonly heardAtMs: number | undefined;
  /** Its pods were evicted when it was lost: it is no longer part of the question whether too many are lost at once. */
  readonly isEvicted: boolean;
}

/** What may be done now about nodes that do not speak. */
export interface Judgement {
  readonly lives: ReadonlyMap<string, Life>;
  /**
   * More than half of the nodes vanished at once: the fault is more likely here, or in the network between, than in all of them. Nothing is
   * done to them or their pods until most have come back or were deleted.
   */
  readonly isMassLoss: boolean;
  /** Milliseconds until a node's life may change without any event; undefined when none can. */
  readonly againMs: number | undefined;
}

/** Judges all nodes together. A leader gives every node a full period from when it began to lead. Pure. */
export function judge(nodes: readonly Heard[], leadingSinceMs: number, nowMs: number): Judgement {
  const lives = new Map<string, Life>();
  let spoke = 0;
  let missing = 0;
  let againMs = Number.POSITIVE_INFINITY;
  for (const node of nodes) {
    const silenceMs = nowMs - Math.max(node.heardAtMs ?? leadingSinceMs, leadingSinceMs);
    const life = lifeOf(silenceMs, node.heardAtMs !== undefined);
    lives.set(node.name, life);
    if (life === "heard") spoke += 1;
    else if (life !== "awaited" && !node.isEvicted) missing += 1;
    againMs = Math.min(againMs, untilNext(silenceMs));
  }
  return {
    lives,
    isMassLoss: 2 * missing > spoke + missing,
    againMs: Number.isFinite(againMs) ? againMs : undefined,
  };
}

/** Silent nodes are counted before they are lost: of nodes that vanish together, some are found out half a second later. */
function thresholds(): readonly number[] {
  return [2 * limit("heartbeatMs"), limit("nodeNotReadyMs"), limit("nodeReplaceMs")];
}

function lifeOf(silenceMs: number, wasHeard: boolean): Life {
  const [silent = 0, lost = 0, gone = 0] = thresholds();
  if (silenceMs > gone) return "gone";
  if (silenceMs > lost) return "lost";
  if (silenceMs > silent) return "silent";
  return wasHeard ? "heard" : "awaited";
}

/** Until the next threshold has just been passed. */
function untilNext(silenceMs: number): number {
  const next = thresholds().find((threshold) => silenceMs <= threshold);
  return next === undefined ? Number.POSITIVE_INFINITY : next - silenceMs + 1;
}
