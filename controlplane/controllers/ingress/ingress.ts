import { INGRESS_CONDITION, INGRESS_NODE_LABEL, isIngressNode, isServedHere } from "../../../kinds/ingress.js";
import { metaOf, type ObjectKey } from "../../../kinds/object.js";
import { isConditionTrue, isDeleting } from "../../../kinds/pod-state.js";
import { deepEqual } from "../../../lib/deep-equal.js";
import { limit } from "../../../lib/limits.js";
import { familyOf } from "../../../net/family.js";
import { type Ingress, IngressStatus } from "../../../proto/gen/tallship/v1/ingress.js";
import type { Node } from "../../../proto/gen/tallship/v1/node.js";
import { ofKind } from "../../cache/of-kind.js";
import type { CacheChange, View } from "../../cache/view.js";
import type { Controller, ObjectWrite, Outcome } from "../controller.js";
import { replace } from "../writes.js";

/** All ingresses have the same addresses, so they are one piece of work. */
const everyIngress: ObjectKey = { kind: "Ingress", namespace: "", name: "" };

/** Writes the addresses of the nodes whose entry is open into the ingresses that Tallship serves, and takes them out of those it no longer does. */
export const ingress: Controller = {
  name: "ingress",
  keysFor: (change) => (matters(change) ? [everyIngress] : []),
  reconcile: (_key, view) => reconcile(view),
};

function matters({ key, before, after }: CacheChange): boolean {
  if (key.kind === "Ingress" || key.kind === "IngressClass") return true;
  if (key.kind !== "Node") return false;
  const [was, is] = [before, after].map((each) => entryOf(ofKind(each, "Node")?.object));
  return !deepEqual(was, is);
}

/** What of a node matters to ingresses. */
function entryOf(node: Node | undefined): readonly string[] {
  if (node === undefined) return [];
  return [metaOf(node).labels[INGRESS_NODE_LABEL] ?? "", ...(isOpen(node) ? addressesOf(node) : [])];
}

function isOpen(node: Node): boolean {
  const conditions = node.status?.conditions;
  return !isDeleting(node) && isConditionTrue(conditions, "Ready") && isConditionTrue(conditions, INGRESS_CONDITION);
}

/** The first of each family: of others some come and go. */
function addressesOf({ status }: Node): readonly string[] {
  const own = (status?.addresses ?? []).filter(({ type }) => type === "InternalIP").map(({ address }) => address);
  return (["IPv4", "IPv6"] as const).flatMap((family) => own.find((address) => familyOf(address) === family) ?? []);
}

function reconcile(view: View): Outcome {
  const classes = view.list("IngressClass").map(({ object }) => object);
  const nodes = view.list("Node").map(({ object }) => object);
  const open = nodes.filter((node) => isOpen(node) && isIngressNode(metaOf(node).name, nodes));
  const addresses = open.flatMap(addressesOf).sort();
  const writes: ObjectWrite[] = [];
  for (const cached of view.list("Ingress")) {
    const status = statusOf(isServedHere(cached.object, classes) ? addresses : [], cached.object);
    if (status === undefined) continue;
    if (writes.length >= limit("transactionObjects")) return { writes, againMs: 0 };
    writes.push(replace(cached, { ...cached.object, status }));
  }
  return { writes };
}

/** Undefined when it is so already. */
function statusOf(addresses: readonly string[], { status }: Ingress): IngressStatus | undefined {
  const held = status?.loadBalancer?.ingress ?? [];
  if (held.length === addresses.length && held.every(({ ip }, at) => ip === addresses[at])) return undefined;
  return IngressStatus.fromPartial({ loadBalancer: { ingress: addresses.map((ip) => ({ ip })) } });
}
