import type { Place } from "../../net/proxy/endpoint-choice.js";
import type { EndpointSlice } from "../../proto/gen/tallship/v1/endpointslice.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import type { Service, ServicePort } from "../../proto/gen/tallship/v1/service.js";
import type { PolicyJudge } from "./trace-policies.js";
import type { SeenClients, TracedWay } from "./trace-source.js";

/** What the ways of one family to a service are traced by. */
export interface TraceGround {
  readonly service: Service;
  /** Of the family. */
  readonly slices: readonly EndpointSlice[];
  readonly place: Place;
  readonly judge: PolicyJudge;
  /** Of the client; undefined: it reaches all. */
  readonly networks: readonly string[] | undefined;
  readonly seen: (way: TracedWay) => SeenClients;
  /** A pod of the service's namespace. */
  readonly podNamed: (name: string) => Pod | undefined;
}

/** How an endpoint that gets no connections sees clients. */
export const UNSEEN: SeenClients = { seenAs: "", hiddenWhy: "", outsideHiddenWhy: "" };

/** True for a port that is meant: by its name, its number or its number on every node; "" means all. */
export function isAsked(port: ServicePort | undefined, wanted: string): boolean {
  if (wanted === "") return true;
  return port !== undefined && [port.name, `${port.port}`, `${port.nodePort || ""}`].includes(wanted);
}

/** Number of a service's port in the pods of a slice; undefined when they have none of that name. */
export function numberIn(slice: EndpointSlice, port: ServicePort | undefined): number | undefined {
  const isSame = (protocol: string): boolean => (protocol || "TCP") === (port?.protocol || "TCP");
  return slice.ports.find(({ name, protocol }) => name === (port?.name ?? "") && isSame(protocol))?.port;
}
