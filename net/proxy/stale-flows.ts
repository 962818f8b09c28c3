import type { FlowFilter, PacketTables, TrackedFlow } from "../kernel/kernel.js";
import type { NetworkMap } from "../node-network.js";
import { addressesIn } from "./flow-plan.js";
import { frontKey } from "./proxy-elements.js";
import type { ProxyState } from "./proxy-state.js";
import type { Protocol } from "./service-targets.js";

/** What a flow is judged by. */
export interface FlowGround {
  readonly state: ProxyState;
  readonly map: Pick<NetworkMap, "endpointSlices">;
  readonly isPod: (address: string) => boolean;
  readonly isService: (address: string) => boolean;
  /** What host ports lead to: `10.128.4.9 . 80`. They are no service's. */
  readonly hostPorts: ReadonlySet<string>;
}

/**
 * Connections that an earlier agent's table still leads to endpoints that the map does not know any more: UDP that no front leads there,
 * and others whose endpoint is gone. Asked once, with the first map. Connections are read and not the table: a table of 10,000 services takes
 * nft seconds to list.
 */
export async function staleFlows(kernel: PacketTables, ground: FlowGround): Promise<readonly FlowFilter[]> {
  const present = addressesIn(ground.map.endpointSlices.values());
  const stale = new Map<string, FlowFilter>();
  await kernel.readTranslated((flow) => {
    const { protocol, to: endpoint, port: endpointPort } = flow;
    if (protocol !== "tcp" && protocol !== "udp" && protocol !== "sctp") return;
    if (!isOfServices(flow, ground) || ground.hostPorts.has(`${endpoint} . ${endpointPort}`)) return;
    if (protocol !== "udp") {
      if (!present.has(endpoint)) stale.set(`${protocol} ${endpoint}`, { protocol, endpoint });
    } else if (!isLedThere(protocol, flow, ground.state))
      stale.set(`udp ${endpoint} ${endpointPort}`, { protocol, endpoint, endpointPort });
  });
  return [...stale.values()];
}

/** Others translate addresses on a host too: what neither was sent to a service nor goes to a pod is theirs. */
function isOfServices({ sentTo, to }: TrackedFlow, { isPod, isService }: FlowGround): boolean {
  return isService(sentTo) || isPod(to);
}

function isLedThere(protocol: Protocol, flow: TrackedFlow, state: ProxyState): boolean {
  const { sentTo: ip, sentToPort: port, to, port: endpointPort } = flow;
  const keys = (["cluster", "node"] as const).map((kind) => frontKey({ kind, protocol, ip, port }));
  return keys.some((key) => state.leadsTo(key, `${to} . ${endpointPort}`));
}
