import { keyText, type ObjectKey } from "../../../kinds/object.js";
import { limit } from "../../../lib/limits.js";
import type { UsageSource } from "../../sessions/usage-source.js";
import type { Scale } from "../scale.js";
import { type Dated, type History, MEMORY_MS } from "./behavior.js";
import type { Decision } from "./decision.js";

interface Record {
  readonly targetUid: string;
  recommendations: readonly Dated[];
  changes: readonly Dated[];
  /** Replicas after the last look: what differs at the next look was changed meanwhile, and by how much. */
  expected: { readonly from: number; readonly to: number; readonly atMs: number } | undefined;
}

/** What is remembered of each autoscaler, all times monotonic; and from all of them, what nodes are asked to measure. */
export class Memory {
  private readonly usage: UsageSource;
  private readonly records = new Map<string, Record>();
  private readonly wanted = new Map<string, ReadonlyMap<string, readonly string[]>>();

  constructor(usage: UsageSource) {
    this.usage = usage;
  }

  /** An autoscaler is gone. */
  forget(key: ObjectKey): void {
    this.records.delete(keyText(key));
    if (this.wanted.delete(keyText(key))) this.tell();
  }

  /** The metrics that an autoscaler needs, by uid of the pod. While there is an autoscaler, nodes say what pods use. */
  want(key: ObjectKey, metrics: ReadonlyMap<string, readonly string[]>): void {
    this.wanted.set(keyText(key), metrics);
    this.tell();
  }

  /** What is known of an autoscaler; at first, that as many replicas as there are were right. */
  historyOf(key: ObjectKey, { uid, replicas }: Scale, nowMs: number): History {
    const before = this.records.get(keyText(key));
    const record: Record =
      before?.targetUid === uid
        ? before
        : { targetUid: uid, recommendations: [{ atMs: nowMs, replicas }], changes: [], expected: undefined };
    this.records.set(keyText(key), record);
    const { expected } = record;
    // A change counts once it is there to see: one whose write has failed never was.
    if (expected !== undefined && replicas === expected.to)
      record.changes = [...record.changes, { atMs: expected.atMs, replicas: expected.to - expected.from }];
    record.expected = undefined;
    const isRecent = ({ atMs }: Dated): boolean => atMs > nowMs - MEMORY_MS;
    record.recommendations = record.recommendations.filter(isRecent);
    record.changes = record.changes.filter(isRecent);
    return record;
  }

  /** Remembers what was decided. */
  note(key: ObjectKey, { recommended, replicas: to }: Decision, { replicas: from }: Scale, atMs: number): void {
    const record = this.records.get(keyText(key));
    if (record === undefined) return;
    if (recommended !== undefined)
      record.recommendations = [...record.recommendations, { atMs, replicas: recommended }];
    if (to !== from) record.expected = { from, to, atMs };
  }

  private tell(): void {
    const metrics = new Map<string, readonly string[]>();
    for (const wanted of this.wanted.values())
      for (const [uid, names] of wanted) metrics.set(uid, [...new Set([...(metrics.get(uid) ?? []), ...names])]);
    this.usage.wantUsage({ everyMs: this.wanted.size === 0 ? 0 : limit("usageReportMs"), metrics });
  }
}
