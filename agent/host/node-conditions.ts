import type { NodeConditionReport } from "../../proto/gen/tallship/v1/session.js";

/** The node's conditions that parts of the agent report, by type: each says its own, all are told together. */
export class NodeConditions {
  private reported: readonly NodeConditionReport[] = [];
  private readonly tell: (conditions: readonly NodeConditionReport[]) => void;

  constructor(tell: (conditions: readonly NodeConditionReport[]) => void) {
    this.tell = tell;
  }

  /** As last reported. */
  get all(): readonly NodeConditionReport[] {
    return this.reported;
  }

  /** These are other ones now. */
  report(changed: readonly NodeConditionReport[]): void {
    const types = new Set(changed.map(({ type }) => type));
    this.reported = [...this.reported.filter(({ type }) => !types.has(type)), ...changed];
    this.tell(this.reported);
  }
}
