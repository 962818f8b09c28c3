import type { Victim } from "../../../proto/gen/tallship/v1/explain.js";
import type { View } from "../../cache/view.js";
import { remnantsOf } from "../../scheduling/remnants.js";
import type { SchedulerState } from "../../scheduling/scheduler-state.js";
import type { Picture } from "../picture.js";
import { victimsOf } from "../why.js";

/** What queues take back of what they lent, in a picture: who has to go for it is taken as gone, as it is in the end. Its owner's next pods are not planned. */
export class Lenders {
  private readonly state: SchedulerState;
  private readonly view: View;
  private readonly victims = new Map<string, Victim[]>();

  constructor(state: SchedulerState, view: View) {
    this.state = state;
    this.view = view;
  }

  /** To be called when nothing is left to be tried. True when somebody has gone, or waits again: others may be let in, or fit, who did not. */
  async takeBack(pace: Picture["pace"]): Promise<boolean> {
    const debtors = this.state.reclaimed();
    for (const { id, isUnplaced, claimant } of debtors) {
      // It may be gone with another of its group.
      if (isUnplaced || claimant === undefined || this.state.snapshot.nodeOf(id) === undefined) continue;
      const known = this.victims.get(claimant.id) ?? [];
      const ids = [id, ...remnantsOf(this.state, [id])];
      this.victims.set(claimant.id, [...known, ...victimsOf(this.state, ids, this.view)]);
      for (const each of ids) this.state.forget(each);
    }
    if (debtors.length === 0) return false;
    for (const _ of this.state.reconsider()) await pace();
    return true;
  }

  /** Who has gone for the pod. */
  victimsFor(id: string): readonly Victim[] {
    return this.victims.get(id) ?? [];
  }
}
