import type { EndpointSlice } from "../../proto/gen/tallship/v1/endpointslice.js";
import type { Withdrawal } from "../pod-turn.js";
import type { WatchUpdate } from "./watch-objects.js";

/**
 * Knows to which pods of a node services lead, and at which revision the last one stopped. Of a pod that was out of its services before
 * the first update nothing is known, and nothing is waited for. Synchronous; as large as the node's pods that are in slices.
 */
export class EndpointTracker {
  private readonly nodeName: string;
  private readonly podsBySlice = new Map<string, ReadonlySet<string>>();
  private readonly sliceCount = new Map<string, number>();
  private readonly withdrawnAt = new Map<string, number>();
  /** Pods that left the node before they left their slices, as those of a node that was cut off: nobody will forget them once more. */
  private readonly forgotten = new Set<string>();

  constructor(nodeName: string) {
    this.nodeName = nodeName;
  }

  /** Takes an update of the watch; returns the pods that were withdrawn by it. */
  take({ changes, revision, isWhole }: WatchUpdate): readonly string[] {
    const slices = changes.filter(({ key }) => key.startsWith("EndpointSlice/"));
    const named = new Set(slices.map(({ key }) => key));
    const gone = isWhole ? [...this.podsBySlice.keys()].filter((key) => !named.has(key)) : [];
    const touched = [...gone, ...named].flatMap((key) => [...(this.podsBySlice.get(key) ?? [])]);
    for (const key of gone) this.setSlice(key, new Set());
    for (const { key, typed } of slices)
      this.setSlice(key, typed?.kind === "EndpointSlice" ? readyPods(typed.object, this.nodeName) : new Set());
    const left = [...new Set(touched)].filter((uid) => !this.sliceCount.has(uid));
    const withdrawn = left.filter((uid) => !this.forgotten.delete(uid));
    for (const uid of withdrawn) this.withdrawnAt.set(uid, revision);
    return withdrawn;
  }

  /** How a pod stands. */
  of(uid: string): Withdrawal {
    if (this.sliceCount.has(uid)) return { is: "serving" };
    const revision = this.withdrawnAt.get(uid);
    return revision === undefined ? { is: "none" } : { is: "withdrawn", revision };
  }

  /** The pod is gone from the node; what was kept of it is dropped. */
  forget(uid: string): void {
    this.withdrawnAt.delete(uid);
    if (this.sliceCount.has(uid)) this.forgotten.add(uid);
  }

  private setSlice(key: string, pods: ReadonlySet<string>): void {
    for (const uid of this.podsBySlice.get(key) ?? []) this.count(uid, -1);
    for (const uid of pods) this.count(uid, 1);
    if (pods.size === 0) this.podsBySlice.delete(key);
    else this.podsBySlice.set(key, pods);
  }

  private count(uid: string, by: number): void {
    const count = (this.sliceCount.get(uid) ?? 0) + by;
    if (count <= 0) this.sliceCount.delete(uid);
    else this.sliceCount.set(uid, count);
    if (by > 0) this.withdrawnAt.delete(uid);
  }
}

function readyPods({ endpoints }: EndpointSlice, nodeName: string): ReadonlySet<string> {
  const ready = endpoints.filter((endpoint) => endpoint.nodeName === nodeName && endpoint.conditions?.ready !== false);
  return new Set(ready.flatMap(({ targetRef }) => (targetRef?.kind === "Pod" ? [targetRef.uid] : [])));
}
