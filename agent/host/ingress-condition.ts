import { INGRESS_CONDITION } from "../../kinds/ingress.js";
import type { IngressState } from "../../net/ingress/node-ingress.js";
import type { NodeConditionReport } from "../../proto/gen/tallship/v1/session.js";
import { firstOf } from "./first-of.js";

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
        state.problems.length === 0 ? ["Serving", ""] : ["ServingInPart", firstOf(state.problems)];
      return { type, status: "True", reason, message };
    }
  }
}
