import { limit } from "../../lib/limits.js";
import type { HeldName, ImageNamesReport, ImageReport } from "../../proto/gen/tallship/v1/session.js";
import type { Images } from "../image/images.js";

/** Where it is told. */
export interface ImageReportSink {
  reportImages(report: ImageReport): void;
  reportImageNames(report: ImageNamesReport): void;
}

/** Tells the leader which image content the node holds, and which images by name: all of it at the start of a session, then what changed. */
export class ImageReporter {
  private readonly images: Pick<Images, "digests" | "named">;
  private readonly sink: ImageReportSink;
  private told: ReadonlySet<string> = new Set();
  /** Sizes by name. */
  private toldNames: ReadonlyMap<string, number> = new Map();

  constructor(images: Pick<Images, "digests" | "named">, sink: ImageReportSink) {
    this.images = images;
    this.sink = sink;
  }

  /** A session has begun: the leader knows nothing. */
  begin(): void {
    const added = this.images.digests();
    this.told = new Set(added);
    this.sink.reportImages({ isWhole: true, added, removed: [] });
    const names = this.names();
    this.toldNames = sizesOf(names);
    this.sink.reportImageNames({ isWhole: true, added: [...names], removed: [] });
  }

  /** Something may have changed. */
  refresh(): void {
    const now = new Set(this.images.digests());
    const added = [...now].filter((digest) => !this.told.has(digest));
    const removed = [...this.told].filter((digest) => !now.has(digest));
    this.told = now;
    if (added.length > 0 || removed.length > 0) this.sink.reportImages({ isWhole: false, added, removed });
    this.refreshNames();
  }

  private names(): readonly HeldName[] {
    return this.images.named().slice(0, limit("imageNamesPerNode"));
  }

  private refreshNames(): void {
    const names = this.names();
    const now = sizesOf(names);
    const added = names.filter(({ name, sizeBytes }) => this.toldNames.get(name) !== sizeBytes);
    const removed = [...this.toldNames.keys()].filter((name) => !now.has(name));
    this.toldNames = now;
    if (added.length > 0 || removed.length > 0) this.sink.reportImageNames({ isWhole: false, added, removed });
  }
}

function sizesOf(names: readonly HeldName[]): ReadonlyMap<string, number> {
  return new Map(names.map(({ name, sizeBytes }) => [name, sizeBytes]));
}
