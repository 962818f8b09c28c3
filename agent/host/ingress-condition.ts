import { INGRESS_CONDITION } from "../../kinds/ingress.js";
import type { IngressState } from "../../net/ingress/node-ingress.js";
import type { NodeConditionReport } from "../../proto/gen/tallship/v1/session.js";

/** The node's condition while its entry for HTTP is as told. */
export function ingressCondition(state: IngressState): NodeConditionReport {
  const type = INGRESS_CONDITION;
  switch (state.is) {
    case "unused":
      return { type, status: "False", reason: "NoIngress", message: "no ingress is served on this node" };
    case "closed":
      return { type, status: "False", reason: "ProxyFailed", message: state.why };
    case "open": {
      const [reason, message] =
        state.problems.length === 0 ? ["Serving", ""] : ["ServingInPart", shorten(state.problems)];
      return { type, status: "True", reason, message };
    }
  }
}

const SHOWN = 5;

function shorten(problems: readonly string[]): string {
  const rest = problems.length - SHOWN;
  return [...problems.slice(0, SHOWN), ...(rest > 0 ? [`${rest} more`] : [])].join("; ");
}
