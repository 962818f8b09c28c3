import type { FlowFilter, Kernel } from "../kernel/kernel.js";
import type { NetworkMap } from "../node-network.js";
import type { ProxyState } from "./proxy-state.js";

/**
 * Connections that a table made before this process still sends to endpoints that the map does not know any more. Asked once, before
 * that table is replaced: afterwards nobody remembers where its services led.
 */
export async function staleFlows(
  kernel: Kernel,
  state: ProxyState,
  map: Pick<NetworkMap, "endpointSlices">,
): Promise<readonly FlowFilter[]> {
  const present = new Set<string>();
  for (const slice of map.endpointSlices.values())
    for (const endpoint of slice.endpoints) present.add(endpoint.addresses[0] ?? "");
  const stale = new Map<string, FlowFilter>();
  await kernel.readElements(["service-endpoints", "sticky-endpoints"], ({ key, value }) => {
    const [clusterIp, protocol, port] = key.split(" . ");
    const [endpoint = "", endpointPort] = value.split(" . ");
    if (protocol === "udp" && !state.leadsTo(`${clusterIp} . udp . ${port}`, value))
      stale.set(`udp ${value}`, { protocol, endpoint, endpointPort: Number(endpointPort) });
    if ((protocol === "tcp" || protocol === "sctp") && !present.has(endpoint))
      stale.set(`${protocol} ${endpoint}`, { protocol, endpoint });
  });
  return [...stale.values()];
}
