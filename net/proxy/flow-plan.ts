import type { EndpointSlice } from "../../proto/gen/tallship/v1/endpointslice.js";
import type { FlowFilter } from "../kernel/kernel.js";
import { endpointsOf, frontKey, type PlannedFront } from "./proxy-elements.js";

/**
 * Connections that must be decided anew after a service changed. UDP has no end of a connection: flows to an endpoint that left, and
 * flows that found nobody before there was an endpoint, would go on for ever. TCP and SCTP connections to an endpoint that is going
 * live on until it is gone from the service's slices, and from all others (which whoever forgets them looks up); then they are reset at the next packet instead of hanging. Those of TCP to which it has not answered are
 * decided anew at once: the client's next try, a second later, goes to an endpoint that is there, and so does a new connection from the same port, which the
 * kernel would take for that try for two minutes.
 */
export function flowsToForget(
  former: readonly PlannedFront[],
  next: readonly PlannedFront[],
  slices: { readonly former: readonly EndpointSlice[]; readonly next: readonly EndpointSlice[] },
): readonly FlowFilter[] {
  if (former.length === 0) return next.flatMap((front) => unanswered(front, undefined));
  const present = addressesIn(slices.next);
  const gone = new Set([...addressesIn(slices.former)].filter((address) => !present.has(address)));
  const before = byKey(former);
  const now = byKey(next);
  return [
    ...former.flatMap((front) => leftBehind(front, now.get(frontKey(front)), gone)),
    ...next.flatMap((front) => unanswered(front, before.get(frontKey(front)))),
  ];
}

function byKey(fronts: readonly PlannedFront[]): ReadonlyMap<string, PlannedFront> {
  return new Map(fronts.map((front) => [frontKey(front), front]));
}

function leftBehind(front: PlannedFront, next: PlannedFront | undefined, gone: ReadonlySet<string>): FlowFilter[] {
  const { protocol } = front;
  const now = next === undefined ? new Set<string>() : endpointsOf(next);
  const left = [...endpointsOf(front)].filter((slot) => !now.has(slot));
  const ledThere = left.map((slot) => {
    const [endpoint = "", endpointPort] = slot.split(" . ");
    return { protocol, endpoint, endpointPort: Number(endpointPort) };
  });
  if (protocol === "udp") return ledThere;
  return [
    ...[...gone].map((endpoint) => ({ protocol, endpoint })),
    ...(protocol === "tcp" ? ledThere.map((flow) => ({ ...flow, isUnanswered: true })) : []),
  ];
}

function unanswered(front: PlannedFront, former: PlannedFront | undefined): FlowFilter[] {
  const hadNone = former === undefined || endpointsOf(former).size === 0;
  if (front.protocol !== "udp" || endpointsOf(front).size === 0 || !hadNone) return [];
  const { protocol, kind, ip, port } = front;
  return [kind === "node" ? { protocol, sentToPort: port } : { protocol, sentTo: ip, sentToPort: port }];
}

/** Every address that an endpoint of the slices has, on whatever network. */
export function addressesIn(slices: Iterable<EndpointSlice>): ReadonlySet<string> {
  const found = new Set<string>();
  for (const { endpoints } of slices)
    for (const { addresses, networks } of endpoints) {
      for (const address of addresses.slice(0, 1)) found.add(address);
      for (const { address } of networks) found.add(address);
    }
  return found;
}
