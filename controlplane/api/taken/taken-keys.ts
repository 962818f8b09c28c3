import type { Service } from "../../../proto/gen/tallship/v1/service.js";
import { META } from "../../store/keys.js";

/** The ranges that services take values from: a record below its prefix says who holds a value. */
export const TAKEN_RANGES = {
  address: `${META.taken}service-address/`,
  nodePort: `${META.taken}node-port/`,
} as const;

/** The keys of the records that a service holds: its address and its node ports. Whoever removes it deletes them in the same transaction. */
export function takenBy(service: Service): readonly string[] {
  const { clusterIP = "", ports = [] } = service.spec ?? {};
  const address = clusterIP === "" || clusterIP === "None" ? [] : [`${TAKEN_RANGES.address}${clusterIP}`];
  const open = new Set(ports.map(({ nodePort }) => nodePort).filter((port) => port !== 0));
  return [...address, ...Array.from(open, (port) => `${TAKEN_RANGES.nodePort}${port}`)];
}
