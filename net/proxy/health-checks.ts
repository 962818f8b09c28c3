import { needsHealthCheck } from "../../kinds/node-ports.js";
import type { EndpointSlice } from "../../proto/gen/tallship/v1/endpointslice.js";
import type { NetworkMap } from "../node-network.js";
import { isReady } from "./endpoint-choice.js";
import { serviceKeyOf } from "./service-index.js";

/** What a node tells load balancers of one service. */
export interface HealthCheck {
  /** TCP port of every node at which they ask. */
  readonly port: number;
  readonly namespace: string;
  readonly name: string;
  /** This node's ready endpoints, however many ports and addresses they have. */
  readonly localEndpoints: number;
}

/** Edge: answers load balancers by HTTP. Must not fail. */
export interface HealthChecks {
  /** What is answered from now on, and nothing else. */
  answer(checks: readonly HealthCheck[]): void;
  close(): void;
}

/** What to tell load balancers, in order of the ports. Of two services that claim a port, which only an outside writer can bring about, the first by name has it. */
export function healthChecksOf(
  map: Pick<NetworkMap, "services" | "endpointSlices">,
  nodeName: string,
): readonly HealthCheck[] {
  const asked = [...map.services]
    .filter(([, { spec }]) => spec !== undefined && spec.healthCheckNodePort > 0 && needsHealthCheck(spec))
    .sort(([one], [other]) => (one < other ? 1 : -1));
  if (asked.length === 0) return [];
  const keys = new Set(asked.map(([key]) => key));
  const counts = localEndpoints(map.endpointSlices.values(), keys, nodeName);
  const byPort = new Map(
    asked.map(([key, { metadata, spec }]): [number, HealthCheck] => {
      const port = spec?.healthCheckNodePort ?? 0;
      const { namespace = "", name = "" } = metadata ?? {};
      return [port, { port, namespace, name, localEndpoints: counts.get(key)?.size ?? 0 }];
    }),
  );
  return [...byPort.values()].sort((one, other) => one.port - other.port);
}

/** Of these services alone: endpoints of all others are not looked at. */
function localEndpoints(
  slices: Iterable<EndpointSlice>,
  services: ReadonlySet<string>,
  nodeName: string,
): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map<string, Set<string>>();
  for (const slice of slices) {
    const key = serviceKeyOf(slice);
    if (key === undefined || !services.has(key)) continue;
    const here = slice.endpoints.filter((endpoint) => endpoint.nodeName === nodeName && isReady(endpoint));
    const known = found.get(key) ?? new Set();
    // A pod of both families is in a slice of each, and one endpoint.
    for (const { addresses, targetRef } of here) known.add(targetRef?.uid || (addresses[0] ?? ""));
    found.set(key, known);
  }
  return found;
}
