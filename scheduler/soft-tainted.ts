import type { NodeRecord } from "./node-record.js";

/** Nodes with a taint of effect PreferNoSchedule; found anew only when a node object has changed. */
export class SoftTainted {
  private version = -1;
  private tainted: readonly NodeRecord[] = [];

  /** Those among the records of that version. */
  among(records: readonly NodeRecord[], version: number): readonly NodeRecord[] {
    if (version !== this.version)
      this.tainted = records.filter(({ node }) =>
        node?.spec?.taints.some(({ effect }) => effect === "PreferNoSchedule"),
      );
    this.version = version;
    return this.tainted;
  }
}
