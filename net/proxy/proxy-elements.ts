import type { ElementChange, RuleElement } from "../kernel/rules.js";
import type { ServiceTarget } from "./service-targets.js";
import { dealSlots } from "./slots.js";

/** One service port as it stands in the maps. */
export interface PlannedPort {
  readonly protocol: "tcp" | "udp" | "sctp";
  readonly clusterIp: string;
  readonly port: number;
  /** 0: none. */
  readonly nodePort: number;
  /** Endpoint of each slot, as nft writes it: `10.128.0.5 . 8080`. */
  readonly slots: readonly string[];
}

/** Key of a port in the map of services. */
export function serviceKey(port: Pick<PlannedPort, "protocol" | "clusterIp" | "port">): string {
  return `${port.clusterIp} . ${port.protocol} . ${port.port}`;
}

/** Key of a port in the map of node ports. */
export function nodePortKey(port: Pick<PlannedPort, "protocol" | "nodePort">): string {
  return `${port.protocol} . ${port.nodePort}`;
}

/** The port for its target, keeping as many slots of the former one as possible. */
export function planPort(target: ServiceTarget, former: PlannedPort | undefined): PlannedPort {
  const endpoints = target.endpoints.map(({ ip, port }) => `${ip} . ${port}`);
  return {
    protocol: target.protocol,
    clusterIp: target.clusterIp,
    port: target.port,
    nodePort: target.nodePort,
    slots: dealSlots(former?.slots ?? [], endpoints),
  };
}

/** Elements of a port. One without endpoints has none: its packets find nothing and are refused. */
export function* elementsOf(port: PlannedPort): Iterable<RuleElement> {
  const count = port.slots.length;
  if (count === 0) return;
  const key = serviceKey(port);
  for (const [at, value] of port.slots.entries()) yield { map: "service-endpoints", key: `${key} . ${at}`, value };
  yield { map: "services", key, value: `goto pick-${count}` };
  if (port.nodePort === 0) return;
  const nodeKey = nodePortKey(port);
  for (const [at, value] of port.slots.entries())
    yield { map: "node-port-endpoints", key: `${nodeKey} . ${at}`, value };
  yield { map: "node-ports", key: nodeKey, value: `goto node-pick-${count}` };
}

/** What turns one set of elements into another: first all deletes, then all adds. */
export function diffElements(before: Iterable<RuleElement>, after: Iterable<RuleElement>): readonly ElementChange[] {
  const held = new Map<string, RuleElement>();
  for (const element of before) held.set(`${element.map} ${element.key}`, element);
  const adds: ElementChange[] = [];
  for (const element of after) {
    const id = `${element.map} ${element.key}`;
    const same = held.get(id)?.value === element.value;
    if (same) held.delete(id);
    else adds.push({ do: "add", ...element });
  }
  const deletes = [...held.values()].map((element): ElementChange => ({ do: "delete", ...element }));
  return [...deletes, ...adds];
}
