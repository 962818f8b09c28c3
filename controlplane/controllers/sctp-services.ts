import { keyOf, metaOf, type ObjectKey } from "../../kinds/object.js";
import { conditionOf, isDeleting } from "../../kinds/pod-state.js";
import { SCTP_CONDITION, speaksSctp } from "../../kinds/sctp.js";
import type { Node } from "../../proto/gen/tallship/v1/node.js";
import { type Service, ServiceStatus } from "../../proto/gen/tallship/v1/service.js";
import { ofKind } from "../cache/of-kind.js";
import type { CacheChange, View } from "../cache/view.js";
import { withCondition, withoutCondition } from "./conditions.js";
import { type Controller, NOTHING, type Outcome, type ReconcileContext } from "./controller.js";
import { replace } from "./writes.js";

const CONDITION = "SCTPReachable";

/** So many nodes are named; of more there is the number. */
const NAMED = 3;

/** Tells services with ports of SCTP on which nodes nobody is led to them, because the kernel there does not track such connections. */
export const sctpServices: Controller = {
  name: "sctp-services",
  keysFor,
  reconcile: (key, view, context) => reconcile(key, view, context),
};

function keysFor({ key, before, after }: CacheChange, view: View): readonly ObjectKey[] {
  if (key.kind === "Service")
    return [before, after].some((each) => concerns(ofKind(each, "Service")?.object)) ? [key] : [];
  if (key.kind !== "Node" || lacks(ofKind(before, "Node")?.object) === lacks(ofKind(after, "Node")?.object)) return [];
  return view
    .list("Service")
    .filter(({ object }) => concerns(object))
    .map(({ object }) => keyOf({ kind: "Service", object }));
}

/** True for a service that speaks SCTP, or did when something was told of it. */
function concerns(service: Service | undefined): boolean {
  return speaksSctp(service) || conditionOf(service?.status?.conditions, CONDITION) !== undefined;
}

function lacks(node: Node | undefined): boolean {
  return conditionOf(node?.status?.conditions, SCTP_CONDITION)?.status === "True";
}

function reconcile(key: ObjectKey, view: View, { nowMs }: ReconcileContext): Outcome {
  const cached = view.cached("Service", key.namespace, key.name);
  if (cached === undefined || isDeleting(cached.object)) return NOTHING;
  const service = cached.object;
  const status = service.status ?? ServiceStatus.fromPartial({});
  const names = speaksSctp(service) ? lackingNodes(view) : [];
  const message = `${placeText(names)}: the kernel does not track connections of SCTP, so nobody is led to the service there`;
  const conditions =
    names.length === 0
      ? withoutCondition(status.conditions, CONDITION)
      : withCondition(status.conditions, { type: CONDITION, status: "False", reason: "NotTracked", message }, nowMs);
  if (conditions === status.conditions) return NOTHING;
  const writes = [replace(cached, { ...service, status: { ...status, conditions } })];
  if (names.length === 0) return { writes };
  return { writes, notices: [{ about: key, type: "Warning", reason: "SCTPNotTracked", message }] };
}

function lackingNodes(view: View): readonly string[] {
  return view
    .list("Node")
    .filter(({ object }) => lacks(object))
    .map(({ object }) => metaOf(object).name)
    .sort();
}

function placeText(names: readonly string[]): string {
  const named = names.slice(0, NAMED).join(", ");
  const rest = names.length - NAMED;
  const noun = names.length === 1 ? "node" : "nodes";
  return `${noun} ${named}${rest > 0 ? ` and ${rest} more` : ""}`;
}
