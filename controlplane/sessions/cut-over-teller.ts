import type { Clock } from "../../lib/clock.js";
import { CutOver } from "./cut-over.js";

/** What a cut-over teller needs. */
export interface CutOverTellerParts {
  readonly clock: Clock;
  /** Milliseconds in which what nodes report is gathered. */
  readonly gatherMs: () => number;
  /** Every Ready node has applied endpoint changes up to the revision. */
  readonly tell: (revision: number) => void;
}

/** Tells the revision that every Ready node's kernel reflects whenever it grows. Reports come in bursts after each change of an endpoint: the least is taken once for all of them. */
export class CutOverTeller {
  private readonly parts: CutOverTellerParts;
  private readonly cutOver = new CutOver();
  private toldRevision = 0;
  private isDue = false;

  constructor(parts: CutOverTellerParts) {
    this.parts = parts;
  }

  /** What was told last; 0 when nothing was. */
  get told(): number {
    return this.toldRevision;
  }

  /** A node is Ready, or no longer. */
  setReady(nodeName: string, isReady: boolean): void {
    this.cutOver.setReady(nodeName, isReady);
    this.schedule();
  }

  /** What a node's kernel reflects. */
  setApplied(nodeName: string, revision: number): void {
    if (this.cutOver.setApplied(nodeName, revision)) this.schedule();
  }

  /** The node's session has ended. */
  forget(nodeName: string): void {
    this.cutOver.setApplied(nodeName, undefined);
  }

  /** Another replica leads: forgets everything. */
  clear(): void {
    this.cutOver.clear();
    this.toldRevision = 0;
  }

  private schedule(): void {
    if (this.isDue) return;
    this.isDue = true;
    this.parts.clock.after(this.parts.gatherMs(), () => {
      this.isDue = false;
      const revision = this.cutOver.revision();
      if (revision <= this.toldRevision) return;
      this.toldRevision = revision;
      this.parts.tell(revision);
    });
  }
}
