import { limit } from "../lib/limits.js";
import { dropOldest } from "./drop-oldest.js";
import type { NodeRecord } from "./node-record.js";

/** How many pods of each group, such as the replicas of one owner, run on each node. */
export class GroupCounts {
  /** By group and node, without zeros. */
  private readonly byGroup = new Map<string, Map<NodeRecord, number>>();
  /** By group and slot, of the groups that were asked about last: read once per changed slot and decision, where a map would cost most of the time. */
  private readonly columns = new Map<string, Int32Array>();
  private slots = 0;

  /** Counts a pod of the group on the node, or no longer. */
  charge(record: NodeRecord, group: string, sign: 1 | -1): void {
    if (group === "") return;
    const counts = this.byGroup.get(group) ?? new Map<NodeRecord, number>();
    const count = (counts.get(record) ?? 0) + sign;
    if (count > 0) counts.set(record, count);
    else counts.delete(record);
    if (counts.size === 0) this.byGroup.delete(group);
    else if (counts.size === 1) this.byGroup.set(group, counts);
    const column = this.columns.get(group);
    if (column !== undefined && record.slot >= 0) column[record.slot] = count;
  }

  /** Pods of the group on the node. */
  on(record: NodeRecord, group: string): number {
    return this.byGroup.get(group)?.get(record) ?? 0;
  }

  /** The nodes with pods of the group, and how many each has; undefined where there are none. */
  nodesOf(group: string): ReadonlyMap<NodeRecord, number> | undefined {
    return this.byGroup.get(group);
  }

  /** Pods of the group by slot: kept up to date, and good until it is asked for again. */
  columnOf(group: string): Int32Array {
    const known = this.columns.get(group);
    this.columns.delete(group);
    const column = known ?? this.readColumn(group);
    this.columns.set(group, column);
    dropOldest(this.columns, limit("schedulerStandings"));
    return column;
  }

  /** Slots have other meanings from now on; there are so many. */
  layOut(slots: number): void {
    this.slots = slots;
    this.columns.clear();
  }

  private readColumn(group: string): Int32Array {
    const column = new Int32Array(this.slots);
    for (const [{ slot }, count] of this.byGroup.get(group) ?? []) if (slot >= 0) column[slot] = count;
    return column;
  }
}
