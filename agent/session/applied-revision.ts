/** The least revision that all parts of the node have come to reflect. */
export class AppliedRevision {
  private readonly revisions: Map<string, number>;
  private readonly onAdvance: (revision: number) => void;
  private least = 0;

  constructor(parts: readonly string[], onAdvance: (revision: number) => void) {
    this.revisions = new Map(parts.map((part) => [part, 0]));
    this.onAdvance = onAdvance;
  }

  /** The part reflects the revision. */
  applied(part: string, revision: number): void {
    this.revisions.set(part, Math.max(this.revisions.get(part) ?? 0, revision));
    const least = Math.min(...this.revisions.values());
    if (least <= this.least) return;
    this.least = least;
    this.onAdvance(least);
  }
}
