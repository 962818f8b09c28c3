import { metaOf } from "../../kinds/object.js";
import { familyOf } from "../../net/family.js";
import { NO_POLICIES, nextPolicies, type PolicyMap } from "../../net/policy/policy-map.js";
import { isLetThrough } from "../../net/policy/verdict.js";
import type { View } from "../cache/view.js";
import { NodePolicies } from "../policies/node-policies.js";
import { gatewayIn, isHost, type TracedClient } from "./trace-source.js";

/** A connection that a pod or host asks for, after a service was translated to an endpoint. */
export interface TracedFlow {
  readonly protocol: string;
  readonly to: string;
  readonly port: number;
  /** The endpoint's pod and node; empty uid when it is no pod. */
  readonly uid: string;
  readonly node: string;
}

/** Why policies forbid a connection; empty when they do not. */
export type PolicyJudge = (flow: TracedFlow) => string;

const LETS_ALL: PolicyJudge = () => "";

/**
 * Judges the connections of a pod or host by what the nodes at both ends are told of policies, with the function by which they cut connections. Nothing
 * is compiled where there are no policies.
 */
export function policyJudge(view: View, client: TracedClient): PolicyJudge {
  if (client.address === "" || view.list("NetworkPolicy").length === 0) return LETS_ALL;
  const told = new NodePolicies({ view, subscribe: () => () => undefined }, () => undefined);
  told.follow();
  const maps = new Map<string, PolicyMap>();
  const mapOf = (node: string): PolicyMap => {
    const map = maps.get(node) ?? toldTo(told, node);
    maps.set(node, map);
    return map;
  };
  const only = (address: string, pod: string) => (asked: string) => (asked === address ? pod : undefined);
  return ({ protocol, to, port, uid, node }) => {
    // A pod and its own host always reach each other, whatever policies say.
    if (isHost(client) && node === client.node) return "";
    const from = senderOf(view, client, to);
    const flow = { protocol, from, to, port };
    if (!isHost(client) && !isLetThrough(mapOf(client.node), only(from, metaOf(client.pod ?? {}).uid), flow))
      return "no network policy that selects the client lets it go there";
    if (uid !== "" && !isLetThrough(mapOf(node), only(to, uid), flow))
      return "no network policy that selects the endpoint lets the client in";
    return "";
  };
}

/** Under which address packets come to an endpoint's node: a pod's own of that family, of hosts the node's gateway. */
function senderOf(view: View, client: TracedClient, to: string): string {
  if (isHost(client)) return gatewayIn(view.get("Node", "", client.node), to);
  const own = [client.address, ...(client.pod?.status?.podIPs ?? []).map(({ ip }) => ip)];
  return own.find((address) => familyOf(address) === familyOf(to)) ?? client.address;
}

function toldTo(told: NodePolicies, node: string): PolicyMap {
  told.begin(node);
  let map = NO_POLICIES;
  for (let update = told.next(node); update !== undefined; update = told.next(node)) map = nextPolicies(map, update);
  return map;
}
