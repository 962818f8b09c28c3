import { POLICIES, type PolicyName, type WeightedScore } from "./plugins.js";
import type { Shape } from "./shape.js";
import { type Load, SlotLoads } from "./slot-loads.js";
import type { Snapshot } from "./snapshot.js";

/**
 * Of all changes those by which a node may have gained points for some shape. Pods that come take room, and nearly none of them makes a node better for
 * anybody: that is found out once for all shapes, and whoever keeps up with one reads what is left.
 */
export class RisingSlots {
  /** What is left, in order. */
  readonly changed = new SlotLoads();
  private readonly snapshot: Snapshot;
  /** Whose shapes it is about. */
  readonly policy: PolicyName;
  private readonly scores: readonly WeightedScore[];
  /** No shape that was met is scored as more. */
  private readonly largest = { cpuMillicores: 0, memoryBytes: 0 };
  private position = -1;

  constructor(snapshot: Snapshot, policy: PolicyName) {
    this.snapshot = snapshot;
    this.policy = policy;
    this.scores = POLICIES[policy].filter(({ score }) => score.riseForAll !== undefined);
  }

  /** Takes the shape into account in what follows. */
  meet({ scored }: Shape): void {
    this.largest.cpuMillicores = Math.max(this.largest.cpuMillicores, scored.cpuMillicores);
    this.largest.memoryBytes = Math.max(this.largest.memoryBytes, scored.memoryBytes);
  }

  /** Reads the changes since it did so last. */
  catchUp(): void {
    const { changed } = this.snapshot;
    if (this.position === changed.position) return;
    const behind = changed.behind(this.position);
    if (behind === undefined) this.changed.reset(this.snapshot.records.length);
    else for (let at = changed.position - behind; at < changed.position; at += 1) this.read(at);
    this.position = changed.position;
  }

  private read(at: number): void {
    const { changed } = this.snapshot;
    const load = changed.loadAt(at);
    if (load === undefined) this.changed.add(changed.at(at));
    else if (this.riseOf(load) > 0) this.changed.addLoad(load.slot, load.cpu, load.memory, load.lean);
  }

  private riseOf(load: Load): number {
    let most = 0;
    for (const { score, weight } of this.scores)
      most += weight * (score.riseForAll?.(load, this.largest, this.snapshot) ?? 0);
    return most;
  }
}
