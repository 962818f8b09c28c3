import { limit } from "../../../lib/limits.js";
import { rarityOf } from "../../sessions/heartbeat-pace.js";

/**
 * What is known of a node's life.
 * heard: it speaks. awaited: this leader has not heard it yet and may not judge. silent: it missed two heartbeats. lost: silent for
 * limits.nodeNotReadyMs. gone: silent for limits.nodeReplaceMs. The two are so much longer as the node's heartbeats are rarer.
 */
export type Life = "heard" | "awaited" | "silent" | "lost" | "gone";

/** A node, and when it was last heard. */
export interface Heard {
  readonly name: string;
  /** By the monotonic clock; undefined: not by this leader. */
  readonly heardAtMs: number | undefined;
  /** Its heartbeats come within so many milliseconds of each other. */
  readonly everyMs: number;
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

/** Judges all nodes together. A leader gives every node a full period from when it began to lead, and one it has not heard yet the time in which all could have come. Pure. */
export function judge(nodes: readonly Heard[], leadingSinceMs: number, nowMs: number): Judgement {
  const lives = new Map<string, Life>();
  let spoke = 0;
  let missing = 0;
  let againMs = Number.POSITIVE_INFINITY;
  const allBackAtMs = leadingSinceMs + (1_000 * nodes.length) / limit("reconnectsPerSecond");
  for (const node of nodes) {
    const silenceMs = nowMs - Math.max(node.heardAtMs ?? allBackAtMs, leadingSinceMs);
    const thresholds = thresholdsOf(node);
    const life = lifeOf(silenceMs, thresholds, node.heardAtMs !== undefined);
    lives.set(node.name, life);
    if (life === "heard") spoke += 1;
    else if (life !== "awaited" && !node.isEvicted) missing += 1;
    againMs = Math.min(againMs, untilNext(silenceMs, thresholds));
  }
  return {
    lives,
    isMassLoss: 2 * missing > spoke + missing,
    againMs: Number.isFinite(againMs) ? againMs : undefined,
  };
}

/** Silence beyond which a node is so. Silent ones are counted before they are lost: of nodes that vanish together, some are found out a heartbeat later. */
interface Thresholds {
  readonly silent: number;
  readonly lost: number;
  readonly gone: number;
}

function thresholdsOf({ everyMs }: Heard): Thresholds {
  const rarity = rarityOf(everyMs);
  return {
    silent: 2 * rarity * limit("heartbeatMs"),
    lost: rarity * limit("nodeNotReadyMs"),
    gone: rarity * limit("nodeReplaceMs"),
  };
}

function lifeOf(silenceMs: number, { silent, lost, gone }: Thresholds, wasHeard: boolean): Life {
  if (silenceMs > gone) return "gone";
  if (silenceMs > lost) return "lost";
  if (silenceMs > silent) return "silent";
  return wasHeard ? "heard" : "awaited";
}

/** Until the next threshold has just been passed. */
function untilNext(silenceMs: number, { silent, lost, gone }: Thresholds): number {
  if (silenceMs > gone) return Number.POSITIVE_INFINITY;
  return (silenceMs > lost ? gone : silenceMs > silent ? lost : silent) - silenceMs + 1;
}
