import { limit } from "../../lib/limits.js";

/**
 * Milliseconds between heartbeats of each of so many nodes: limits.heartbeatMs while all of them together send no more than limits.heartbeatsPerSecond, and longer, in steps of
 * limits.heartbeatStepMs, for more nodes.
 */
export function heartbeatMsFor(nodeCount: number): number {
  const step = limit("heartbeatStepMs");
  const fairMs = (1_000 * nodeCount) / limit("heartbeatsPerSecond");
  const steppedMs = step * Math.ceil(fairMs / step);
  return Math.min(limit("heartbeatMaxMs"), Math.max(limit("heartbeatMs"), steppedMs));
}

/** How much rarer than the shortest interval's an interval's heartbeats are: whatever waits for heartbeats waits so much longer. */
export function rarityOf(everyMs: number): number {
  const clamped = Math.min(limit("heartbeatMaxMs"), Math.max(limit("heartbeatMs"), everyMs));
  return clamped / limit("heartbeatMs");
}

/**
 * The interval that nodes are told, by how many node objects there are: those without a session come back. It grows at once, and shrinks only once a quarter more nodes would not
 * bring it back, so that a node that comes and goes at a step changes nothing.
 */
export class HeartbeatPace {
  private readonly nodes = new Set<string>();
  private everyMs = limit("heartbeatMs");

  /** Milliseconds between a node's heartbeats now. */
  get intervalMs(): number {
    return this.everyMs;
  }

  /** A node object is there, or gone. True when the interval is another one now. */
  note(nodeName: string, isThere: boolean): boolean {
    if (isThere) this.nodes.add(nodeName);
    else this.nodes.delete(nodeName);
    const before = this.everyMs;
    const wanted = heartbeatMsFor(this.nodes.size);
    if (wanted > before || heartbeatMsFor(1.25 * this.nodes.size) < before) this.everyMs = wanted;
    return this.everyMs !== before;
  }
}
