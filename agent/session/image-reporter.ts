import type { ImageReport } from "../../proto/gen/tallship/v1/session.js";

/** Tells the leader which image content the node holds: all of it at the start of a session, then what changed. */
export class ImageReporter {
  private readonly digests: () => readonly string[];
  private readonly send: (report: ImageReport) => void;
  private told: ReadonlySet<string> = new Set();

  constructor(digests: () => readonly string[], send: (report: ImageReport) => void) {
    this.digests = digests;
    this.send = send;
  }

  /** A session has begun: the leader knows nothing. */
  begin(): void {
    const added = this.digests();
    this.told = new Set(added);
    this.send({ isWhole: true, added, removed: [] });
  }

  /** Something may have changed. */
  refresh(): void {
    const now = new Set(this.digests());
    const added = [...now].filter((digest) => !this.told.has(digest));
    const removed = [...this.told].filter((digest) => !now.has(digest));
    this.told = now;
    if (added.length > 0 || removed.length > 0) this.send({ isWhole: false, added, removed });
  }
}
