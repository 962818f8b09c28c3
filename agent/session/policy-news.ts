import type { Cancel, Clock } from "../../lib/clock.js";
import { limit } from "../../lib/limits.js";
import { NO_POLICIES, nextPolicies, type PolicyMap, wholeUpdate } from "../../net/policy/policy-map.js";
import { PolicyUpdate } from "../../proto/gen/tallship/v1/policies.js";
import type { NodeMemory } from "../node-memory.js";

/** What the news need. */
export interface PolicyNewsParts {
  readonly clock: Clock;
  readonly memory: Pick<NodeMemory, "policies" | "rememberPolicies">;
  /** Called with every whole state. */
  readonly onPolicies: (policies: PolicyMap) => void;
}

/**
 * The network policies as the leader tells them, part by part, and before that as the node remembers them: a host that starts without a
 * control plane closes what was closed.
 */
export class PolicyNews {
  private readonly parts: PolicyNewsParts;
  private coming: PolicyMap = NO_POLICIES;
  private whole: PolicyMap | undefined;
  private cancelSave: Cancel | undefined;

  constructor(parts: PolicyNewsParts) {
    this.parts = parts;
    this.whole = recall(parts.memory.policies);
  }

  /** The last whole state; undefined when the node has never heard of any. */
  get policies(): PolicyMap | undefined {
    return this.whole;
  }

  /** Takes a part; a state counts with its last part. */
  take(update: PolicyUpdate): void {
    this.coming = nextPolicies(this.coming, update);
    if (update.hasMore) return;
    this.whole = this.coming;
    this.parts.onPolicies(this.whole);
    this.cancelSave ??= this.parts.clock.after(limit("policySaveMs"), () => this.save());
  }

  /** Keeps what is not kept yet. */
  close(): void {
    if (this.cancelSave !== undefined) this.save();
  }

  private save(): void {
    this.cancelSave?.();
    this.cancelSave = undefined;
    if (this.whole !== undefined)
      this.parts.memory.rememberPolicies(PolicyUpdate.encode(wholeUpdate(this.whole)).finish());
  }
}

/** A torn file counts as none. */
function recall(bytes: Uint8Array | undefined): PolicyMap | undefined {
  if (bytes === undefined) return undefined;
  try {
    return nextPolicies(NO_POLICIES, PolicyUpdate.decode(bytes));
  } catch {
    return undefined;
  }
}
