import { type Family, familyOf } from "../family.js";
import type { RuleElement } from "../kernel/rules.js";
import type { HostPort, PortedPod } from "../node-network.js";
import { LOOPBACK_IPV6 } from "./loopback-doors.js";

const PROTOCOLS = { TCP: "tcp", UDP: "udp", SCTP: "sctp" } as const satisfies Record<HostPort["protocol"], string>;

/** Elements that lead a family's host ports into pods. Of two pods that want one port the first by uid has it. */
export function hostPortElements(pods: Iterable<PortedPod>, family: Family): readonly RuleElement[] {
  const taken = new Map<string, RuleElement>();
  const ordered = [...pods]
    .filter((pod) => pod.hostPorts.length > 0)
    .sort((one, other) => (one.uid < other.uid ? -1 : 1));
  for (const pod of ordered) {
    const address = family === "IPv4" ? pod.address : pod.ipv6;
    if (address === undefined) continue;
    for (const port of pod.hostPorts.filter(({ hostIP }) => isAny(hostIP, family) || isOwn(hostIP, family))) {
      const element = elementFor(address, family, port);
      const id = `${element.map} ${element.key}`;
      if (!taken.has(id)) taken.set(id, element);
    }
  }
  return [...taken.values()];
}

function elementFor(
  address: string,
  family: Family,
  { protocol, hostIP, hostPort, containerPort }: HostPort,
): RuleElement {
  const value = `${address} . ${containerPort}`;
  const key = `${PROTOCOLS[protocol]} . ${hostPort}`;
  if (isAny(hostIP, family)) return { map: "host-ports-any", key, value };
  return { map: "host-ports", key: `${hostIP} . ${key}`, value };
}

/** The host ports that elements stand for, by the pod's address: how an agent that starts anew learns of its pods' ports. `isByBoth` says of a port of every address whether it is one of both families. */
export function hostPortsByAddress(
  elements: Iterable<RuleElement>,
  isByBoth: (key: string) => boolean = () => true,
): ReadonlyMap<string, readonly HostPort[]> {
  const found = new Map<string, HostPort[]>();
  for (const { map, key, value } of elements) {
    const any = isByBoth(key) ? "" : "0.0.0.0";
    const [hostIP, protocol, port] = map === "host-ports" ? key.split(" . ") : [any, ...key.split(" . ")];
    const [address, containerPort] = value.split(" . ");
    const name = protocol?.toUpperCase();
    if (address === undefined || (name !== "TCP" && name !== "UDP" && name !== "SCTP")) continue;
    const hostPort: HostPort = {
      protocol: name,
      hostIP: hostIP ?? "",
      hostPort: Number(port),
      containerPort: Number(containerPort),
    };
    found.set(address, [...(found.get(address) ?? []), hostPort]);
  }
  return found;
}

/** An address of the family that rules lead from. Those of ::1 have doors instead. */
function isOwn(hostIP: string, family: Family): boolean {
  return familyOf(hostIP) === family && hostIP !== LOOPBACK_IPV6;
}

/** Every address of the node. An empty one says so for both families, and "::" too, as where a socket listens. */
function isAny(hostIP: string, family: Family): boolean {
  return hostIP === "" || hostIP === "::" || (hostIP === "0.0.0.0" && family === "IPv4");
}
