import { rfc3339 } from "../../lib/clock.js";
import { Condition } from "../../proto/gen/tallship/v1/meta.js";

/** What a condition says; its times follow from when it began to say so. */
export interface Claim {
  readonly type: string;
  readonly status: "True" | "False" | "Unknown";
  readonly reason: string;
  readonly message: string;
}

/**
 * The conditions with this one in its place. Its transition time moves only when its status does; when it says nothing new, the very same
 * list is returned, so that nothing needs to be written.
 */
export function withCondition(conditions: readonly Condition[], claim: Claim, nowMs: number): readonly Condition[] {
  const before = conditions.find(({ type }) => type === claim.type);
  if (before?.status === claim.status && before.reason === claim.reason && before.message === claim.message)
    return conditions;
  const now = rfc3339(nowMs);
  const lastTransitionTime = before?.status === claim.status ? before.lastTransitionTime : now;
  const after = Condition.fromPartial({ ...before, ...claim, lastTransitionTime });
  return before === undefined ? [...conditions, after] : conditions.map((each) => (each === before ? after : each));
}

/** The conditions without those of a type. */
export function withoutCondition(conditions: readonly Condition[], type: string): readonly Condition[] {
  const others = conditions.filter((condition) => condition.type !== type);
  return others.length === conditions.length ? conditions : others;
}
