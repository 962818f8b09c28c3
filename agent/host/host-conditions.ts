import type { NodeConditionReport } from "../../proto/gen/tallship/v1/session.js";
import type { NodeTraits } from "../assemble.js";
import type { HostFacts } from "./host-facts.js";
import { limitsConditions } from "./limits-condition.js";
import { rightsConditions } from "./rights-condition.js";

/** What the host does not let the agent do for pods; it stays so while the agent runs. */
export function hostConditions({
  traits,
  facts,
}: {
  readonly traits: NodeTraits;
  readonly facts: HostFacts;
}): readonly NodeConditionReport[] {
  return [...rightsConditions(traits), ...limitsConditions(facts, traits.counts)];
}
