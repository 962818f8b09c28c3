import { opensNodePorts } from "../../../kinds/node-ports.js";
import type { Service, ServicePort } from "../../../proto/gen/tallship/v1/service.js";
import { META } from "../../store/keys.js";

/** The ranges that services take values from: a record below its prefix says who holds a value. */
export const TAKEN_RANGES = {
  address: `${META.taken}service-address/`,
  nodePort: `${META.taken}node-port/`,
} as const;

/** The keys of the records that a service holds: its addresses, those on further networks among them, and its node ports. Whoever removes it deletes them in the same transaction. */
export function takenBy(service: Service): readonly string[] {
  const { type = "", clusterIP = "", clusterIPs = [], ports = [], healthCheckNodePort = 0 } = service.spec ?? {};
  const hasAddress = clusterIP !== "" && clusterIP !== "None";
  const further = (service.status?.networkAddresses ?? []).map(({ address }) => address);
  const addresses = hasAddress ? Array.from(new Set([clusterIP, ...clusterIPs, ...further])) : [];
  const all = [...(opensNodePorts(type) ? ports : []), { nodePort: healthCheckNodePort, protocol: "TCP" }];
  const open = new Set(all.filter(({ nodePort }) => nodePort !== 0).map(takenNodePort));
  return [
    ...addresses.map((address) => `${TAKEN_RANGES.address}${address}`),
    ...Array.from(open, (text) => `${TAKEN_RANGES.nodePort}${text}`),
  ];
}

/** A node port as its record names it: one number may be open for several protocols, each of another service. */
export function takenNodePort({ nodePort, protocol }: Pick<ServicePort, "nodePort" | "protocol">): string {
  return protocol === "" || protocol === "TCP" ? String(nodePort) : `${nodePort}/${protocol}`;
}
