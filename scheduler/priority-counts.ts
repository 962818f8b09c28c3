/** How many placed pods have each priority. */
export class PriorityCounts {
  private readonly counts = new Map<number, number>();

  /** Counts a pod, or no longer. */
  add(priority: number, sign: 1 | -1): void {
    const count = (this.counts.get(priority) ?? 0) + sign;
    if (count > 0) this.counts.set(priority, count);
    else this.counts.delete(priority);
  }

  /** True when some pod has a lower priority. */
  hasBelow(priority: number): boolean {
    for (const each of this.counts.keys()) if (each < priority) return true;
    return false;
  }
}
