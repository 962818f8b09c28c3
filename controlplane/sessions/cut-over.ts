/**
 * The endpoint revision that every Ready node's kernel reflects. A Ready node that has not reported counts as having applied nothing, so that a
 * new leader never says more than it knows.
 */
export class CutOver {
  private readonly applied = new Map<string, number>();
  private readonly ready = new Set<string>();

  /** A node is Ready, or no longer. */
  setReady(nodeName: string, isReady: boolean): void {
    if (isReady) this.ready.add(nodeName);
    else this.ready.delete(nodeName);
  }

  /** What a node's kernel reflects; undefined when its session has ended. True when that is news. */
  setApplied(nodeName: string, revision: number | undefined): boolean {
    if (this.applied.get(nodeName) === revision) return false;
    if (revision === undefined) this.applied.delete(nodeName);
    else this.applied.set(nodeName, revision);
    return true;
  }

  /** The revision now; 0 when it is not known, or when no node is Ready. Linear in the number of nodes. */
  revision(): number {
    let minimum = Number.POSITIVE_INFINITY;
    for (const nodeName of this.ready) minimum = Math.min(minimum, this.applied.get(nodeName) ?? 0);
    return Number.isFinite(minimum) ? minimum : 0;
  }

  /** Another replica leads: forgets everything. */
  clear(): void {
    this.applied.clear();
    this.ready.clear();
  }
}
