import type { EndpointSlice } from "../../proto/gen/tallship/v1/endpointslice.js";
import type { FlowFilter } from "../kernel/kernel.js";
import type { PlannedPort } from "./proxy-elements.js";

/**
 * Connections that must be decided anew after a service changed. UDP has no end of a connection: flows to an endpoint that left, and
 * flows that found nobody before there was an endpoint, would go on for ever. TCP and SCTP connections to an endpoint that is going
 * live on until it is gone from all slices; then they are reset at the next packet instead of hanging.
 */
export function flowsToForget(
  former: readonly PlannedPort[],
  next: readonly PlannedPort[],
  slices: { readonly former: readonly EndpointSlice[]; readonly next: readonly EndpointSlice[] },
): readonly FlowFilter[] {
  const present = addressesIn(slices.next);
  const gone = new Set([...addressesIn(slices.former)].filter((address) => !present.has(address)));
  return [
    ...former.flatMap((port) => leftBehind(port, next, gone)),
    ...next.flatMap((port) => unanswered(port, former)),
  ];
}

function leftBehind(port: PlannedPort, next: readonly PlannedPort[], gone: ReadonlySet<string>): FlowFilter[] {
  const now = new Set(next.find((each) => isSamePort(each, port))?.slots);
  const left = [...new Set(port.slots)].filter((slot) => !now.has(slot));
  const { protocol } = port;
  if (protocol === "udp")
    return left.map((slot) => {
      const [endpoint, endpointPort] = slot.split(" . ");
      return { protocol, endpoint, endpointPort: Number(endpointPort) };
    });
  return [...gone].map((endpoint) => ({ protocol, endpoint }));
}

function unanswered(port: PlannedPort, former: readonly PlannedPort[]): FlowFilter[] {
  const hadNone = (former.find((each) => isSamePort(each, port))?.slots.length ?? 0) === 0;
  if (port.protocol !== "udp" || port.slots.length === 0 || !hadNone) return [];
  const { protocol } = port;
  const toService = { protocol, sentTo: port.clusterIp, sentToPort: port.port };
  return port.nodePort === 0 ? [toService] : [toService, { protocol, sentToPort: port.nodePort }];
}

function isSamePort(one: PlannedPort, other: PlannedPort): boolean {
  return one.protocol === other.protocol && one.clusterIp === other.clusterIp && one.port === other.port;
}

function addressesIn(slices: readonly EndpointSlice[]): ReadonlySet<string> {
  return new Set(slices.flatMap((slice) => slice.endpoints.flatMap((endpoint) => endpoint.addresses.slice(0, 1))));
}
