import { limit } from "../../lib/limits.js";
import type { HeldImage } from "../../scheduler/held-images.js";

/** Nothing is named. */
export const NO_NAMES: ReadonlyMap<string, number> = new Map();

/**
 * Which nodes hold images that pods name straight from a registry, by the nodes' own word. What a tag stands for may differ between nodes; as in Kubernetes it is one image, the
 * largest of them. Names beyond limits.schedulerNodeImages are not taken.
 */
export class NamedHoldings {
  /** What each node named at its last turn, as far as there was room: sizes by name. What was not taken is asked about again. */
  private readonly byNode = new Map<string, ReadonlyMap<string, number>>();
  /** Sizes by node. */
  private readonly byName = new Map<string, Map<string, number>>();
  private changed = new Set<string>();

  /** How many names there are. */
  get size(): number {
    return this.byName.size;
  }

  /** Takes all that a node names now. */
  take(nodeName: string, named: ReadonlyMap<string, number>): void {
    const before = this.byNode.get(nodeName) ?? NO_NAMES;
    for (const name of before.keys()) if (!named.has(name)) this.drop(name, nodeName);
    for (const [name, sizeBytes] of named) if (before.get(name) !== sizeBytes) this.hold(name, nodeName, sizeBytes);
    if (named.size === 0) this.byNode.delete(nodeName);
    else
      this.byNode.set(nodeName, new Map([...named].filter(([name]) => this.byName.get(name)?.has(nodeName) === true)));
  }

  /** Names of which something has changed since this was last asked. */
  takeChanged(): readonly string[] {
    const names = [...this.changed];
    this.changed = new Set();
    return names;
  }

  /** What is known of a name; undefined: no node holds it. */
  of(name: string): HeldImage | undefined {
    const sizes = this.byName.get(name);
    return sizes && { sizeBytes: Math.max(...sizes.values()), holders: new Set(sizes.keys()) };
  }

  private hold(name: string, nodeName: string, sizeBytes: number): void {
    const sizes = this.byName.get(name);
    if (sizes === undefined && this.byName.size >= limit("schedulerNodeImages")) return;
    if (sizes === undefined) this.byName.set(name, new Map([[nodeName, sizeBytes]]));
    else sizes.set(nodeName, sizeBytes);
    this.changed.add(name);
  }

  private drop(name: string, nodeName: string): void {
    const sizes = this.byName.get(name);
    if (sizes?.delete(nodeName) !== true) return;
    if (sizes.size === 0) this.byName.delete(name);
    this.changed.add(name);
  }
}
