import { withoutFinalizer } from "../../../kinds/deletion.js";
import { ipv6SubnetOf, joinedNetworks, NETWORK_PROTECTION, slicePrefixLength } from "../../../kinds/network.js";
import { keyOf, metaOf, type ObjectKey } from "../../../kinds/object.js";
import { isDeleting, isPodFinished } from "../../../kinds/pod-state.js";
import { deepEqual } from "../../../lib/deep-equal.js";
import type { Condition } from "../../../proto/gen/tallship/v1/meta.js";
import { type Network, type NetworkSpec, NetworkStatus } from "../../../proto/gen/tallship/v1/network.js";
import type { Pod } from "../../../proto/gen/tallship/v1/pod.js";
import { ofKind } from "../../cache/of-kind.js";
import type { CacheChange, Cached, View } from "../../cache/view.js";
import { withCondition } from "../conditions.js";
import { type Controller, NOTHING, type ObjectWrite, type Outcome, type ReconcileContext } from "../controller.js";
import { namesUsedBy } from "../pod-uses.js";
import { replace, typedOf } from "../writes.js";
import { shareOut } from "./shares.js";

/** Gives nodes that have pods of a network their shares of its addresses, and keeps a network until no pod is on it. */
export const networkController: Controller = { name: "network", keysFor, reconcile };

function keysFor({ key, before, after }: CacheChange, view: View): readonly ObjectKey[] {
  switch (key.kind) {
    case "Network":
      return [key];
    case "Pod":
      return keysOfPod(key.namespace, ofKind(before, "Pod")?.object, ofKind(after, "Pod")?.object);
    case "Node":
      // A node that goes gives its shares back; one that comes has no pods yet.
      return after === undefined ? view.list("Network").map(({ object }) => keyOf({ kind: "Network", object })) : [];
    default:
      return [];
  }
}

function keysOfPod(namespace: string, before: Pod | undefined, after: Pod | undefined): readonly ObjectKey[] {
  return [...namesUsedBy(before, after, joinedNetworks)].map((name) => ({ kind: "Network", namespace, name }));
}

function reconcile({ namespace, name }: ObjectKey, view: View, { nowMs }: ReconcileContext): Outcome {
  const cached = view.cached("Network", namespace, name);
  if (cached === undefined) return NOTHING;
  const pods = view
    .list("Pod", namespace)
    .map(({ object }) => object)
    .filter((pod) => joinedNetworks(pod).includes(name));
  if (isDeleting(cached.object) && pods.length === 0) return { writes: release(cached) };
  const after = { ...withProtection(cached.object), status: statusOf(cached.object, pods, view, nowMs) };
  return deepEqual(after, cached.object) ? NOTHING : { writes: [replace(cached, after)] };
}

function withProtection(network: Network): Network {
  const meta = metaOf(network);
  if (isDeleting(network) || meta.finalizers.includes(NETWORK_PROTECTION)) return network;
  return { ...network, metadata: { ...meta, finalizers: [...meta.finalizers, NETWORK_PROTECTION] } };
}

function statusOf({ spec, status }: Network, pods: readonly Pod[], view: View, nowMs: number): NetworkStatus {
  // A finished pod's address may still be in use for the moment that its node takes to see to it.
  const wanting = new Set(pods.map((pod) => pod.spec?.nodeName ?? "").filter((nodeName) => nodeName !== ""));
  const nodes = new Set(view.list("Node").map(({ object }) => metaOf(object).name));
  const before = status ?? NetworkStatus.fromPartial({});
  if (spec === undefined) return before;
  const { slices, without } = shareOut(spec, before.slices, { nodes, wanting });
  const isShort = without.length > 0;
  const share = `/${slicePrefixLength(spec)}`;
  const condition = {
    type: "Ready",
    status: isShort ? "False" : "True",
    reason: isShort ? "SubnetExhausted" : "SharesGiven",
    message: isShort
      ? `${spec.subnet} has no ${share} left for ${without.join(", ")}: ${slices.length} nodes have one`
      : `each node with pods of it has a ${share} of ${spec.subnet}`,
  } as const;
  const ready = withCondition(before.conditions, condition, nowMs);
  const conditions = spec.ipFamilyPolicy === "PreferDualStack" ? withFamilies(ready, spec, nowMs) : ready;
  return NetworkStatus.fromPartial({ slices, pods: pods.filter((pod) => !isPodFinished(pod)).length, conditions });
}

/** Whether what was preferred came to be. Ranges are fixed as a network is created, so the reason stays. */
function withFamilies(conditions: readonly Condition[], spec: NetworkSpec, nowMs: number): readonly Condition[] {
  const ipv6 = ipv6SubnetOf(spec);
  if (ipv6 !== undefined) {
    const message = `pods have addresses of ${ipv6} too`;
    return withCondition(conditions, { type: "DualStack", status: "True", reason: "BothFamilies", message }, nowMs);
  }
  const reason = "SingleStack";
  const message = "it was created without addresses of IPv6: the cluster has none, or they were not asked for";
  return withCondition(conditions, { type: "DualStack", status: "False", reason, message }, nowMs);
}

/** No pod is on the network any more: it may go. */
function release(cached: Cached<"Network">): readonly ObjectWrite[] {
  const deletion = withoutFinalizer(typedOf(cached), NETWORK_PROTECTION);
  if (deletion.is === "unchanged") return [];
  if (deletion.is === "mark") return [{ op: "put", typed: deletion.typed, revision: cached.revision }];
  return [{ op: "delete", key: keyOf(typedOf(cached)), revision: cached.revision }];
}
