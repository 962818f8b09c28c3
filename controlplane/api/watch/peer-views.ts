import { encodeObject } from "../../../kinds/object.js";
import { Condition, ObjectMeta } from "../../../proto/gen/tallship/v1/meta.js";
import { Node, type NodeStatus } from "../../../proto/gen/tallship/v1/node.js";
import type { Cached } from "../../cache/view.js";

/**
 * Nodes as other nodes are told of them: where they are reached, which pods they have, whether they are ready. Every node watches all of them, so each byte of a node goes out as often
 * as there are nodes, and what it says of its resources, images and devices is nothing to its peers. Made once for all watchers, for as long as the cache holds the node.
 */
export class PeerViews {
  private readonly known = new WeakMap<Cached, Cached>();

  /** The object as a node sees it; only nodes look different. */
  of(cached: Cached): Cached {
    if (cached.kind !== "Node") return cached;
    const known = this.known.get(cached);
    if (known !== undefined) return known;
    // A cached object of this kind is a node.
    const object = peerOf(cached.object as Node);
    const view: Cached = { ...cached, object, bytes: encodeObject({ kind: "Node", object }) };
    this.known.set(cached, view);
    return view;
  }

  /** True when nodes see no difference. */
  isSame(before: Cached, after: Cached): boolean {
    if (after.kind !== "Node") return false;
    return Buffer.compare(this.of(before).bytes, this.of(after).bytes) === 0;
  }
}

function peerOf({ metadata, spec, status }: Node): Node {
  const { name = "", uid = "", labels = {}, annotations = {}, creationTimestamp = "" } = metadata ?? {};
  return Node.fromPartial({
    metadata: ObjectMeta.fromPartial({ name, uid, labels, annotations, creationTimestamp }),
    spec: { podCIDR: spec?.podCIDR ?? "", podCIDRs: spec?.podCIDRs ?? [] },
    ...(status !== undefined && { status: peerStatus(status) }),
  });
}

function peerStatus({ conditions, addresses, overlay, daemonEndpoints }: NodeStatus): Partial<NodeStatus> {
  const ready = conditions.find(({ type }) => type === "Ready");
  return {
    conditions: ready === undefined ? [] : [Condition.fromPartial({ type: ready.type, status: ready.status })],
    addresses,
    ...(overlay !== undefined && { overlay }),
    ...(daemonEndpoints !== undefined && { daemonEndpoints }),
  };
}
