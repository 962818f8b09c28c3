import { contains, parseAddress, type Subnet } from "../ipv4.js";
import type { FlowFilter } from "../kernel/kernel.js";
import type { ElementChange, RuleElement, RuleMap } from "../kernel/rules.js";
import type { NetworkMap } from "../node-network.js";
import { flowsToForget } from "./flow-plan.js";
import type { Hairpins } from "./hairpins.js";
import { diffElements, elementsOf, nodePortKey, type PlannedPort, planPort, serviceKey } from "./proxy-elements.js";
import { type ServiceChange, ServiceIndex } from "./service-index.js";
import { targetsOf } from "./service-targets.js";

/** What an update asks of the kernel. */
export interface ProxyChange {
  /** One transaction; deletes first. */
  readonly elements: readonly ElementChange[];
  /** To be forgotten after the transaction. */
  readonly flows: readonly FlowFilter[];
}

/**
 * The proxy's wanted elements for every service of the map. An update costs as much as the services that changed. Of two services
 * that claim one address and port, or one node port, the first to come keeps it until it lets go.
 */
export class ProxyState {
  private readonly index = new ServiceIndex();
  private readonly planned = new Map<string, readonly PlannedPort[]>();
  /** Service that holds each claim, by key of the map of services or node ports. */
  private readonly owners = new Map<string, string>();
  /** Services that want what another holds. */
  private readonly contested = new Set<string>();
  private readonly local: Subnet;
  private readonly hairpins: Hairpins;
  private total = 0;

  constructor(podSubnet: Subnet, hairpins: Hairpins) {
    this.local = podSubnet;
    this.hairpins = hairpins;
  }

  /** Elements in the maps of services. */
  get elementCount(): number {
    return this.total;
  }

  /** Services that cannot have all they ask for, sorted. */
  get contestedServices(): readonly string[] {
    return [...this.contested].sort();
  }

  /** Takes a new map in; returns what differs. */
  update(map: Pick<NetworkMap, "services" | "endpointSlices">): ProxyChange {
    const changed = this.index.advance(map);
    const known = new Set(changed.map(({ key }) => key));
    const waiting = this.contestedServices.filter((key) => !known.has(key)).map((key) => this.index.current(key));
    const holders = changed.filter(({ key }) => this.planned.has(key));
    const all = [...holders, ...changed.filter(({ key }) => !this.planned.has(key)), ...waiting];
    const former = new Map(all.map(({ key }) => [key, this.release(key)]));
    const elements = all.map((change) => this.replan(change, former.get(change.key) ?? []));
    const flows = all.flatMap((change) =>
      flowsToForget(former.get(change.key) ?? [], this.planned.get(change.key) ?? [], {
        former: change.formerSlices,
        next: change.slices,
      }),
    );
    return { elements: deletesFirst(elements.flat()), flows: withoutDoubles(flows) };
  }

  /** Every element that the kernel must hold for the services. */
  *elements(): Iterable<RuleElement> {
    for (const ports of this.planned.values()) for (const port of ports) yield* elementsOf(port);
  }

  /** The value wanted for a key of one of the services' maps; undefined when the key should not be there. */
  wanted(map: RuleMap, key: string): string | undefined {
    const isSlot = map === "service-endpoints" || map === "node-port-endpoints";
    const cut = isSlot ? key.lastIndexOf(" . ") : key.length;
    const port = this.portOf(key.slice(0, cut));
    if (port === undefined || port.slots.length === 0) return undefined;
    if (isSlot) return port.slots[Number(key.slice(cut + 3))];
    return map === "services" ? `goto pick-${port.slots.length}` : `goto node-pick-${port.slots.length}`;
  }

  /** True when a service port, by its key in the map of services, has this endpoint. */
  leadsTo(key: string, endpoint: string): boolean {
    return this.portOf(key)?.slots.includes(endpoint) === true;
  }

  private portOf(claim: string): PlannedPort | undefined {
    const ports = this.planned.get(this.owners.get(claim) ?? "");
    return ports?.find((port) => serviceKey(port) === claim || (port.nodePort !== 0 && nodePortKey(port) === claim));
  }

  /** Lets go of all that a service holds, so that others in the same update may take it. */
  private release(key: string): readonly PlannedPort[] {
    const ports = this.planned.get(key) ?? [];
    this.planned.delete(key);
    this.contested.delete(key);
    for (const port of ports) {
      this.owners.delete(serviceKey(port));
      if (port.nodePort !== 0) this.owners.delete(nodePortKey(port));
    }
    return ports;
  }

  private replan(change: ServiceChange, former: readonly PlannedPort[]): readonly ElementChange[] {
    const targets = change.service === undefined ? [] : targetsOf(change.service, change.slices);
    const ports: PlannedPort[] = [];
    for (const target of targets) {
      const before = former.find((port) => serviceKey(port) === serviceKey(target));
      if (!this.claim(serviceKey(target), change.key)) continue;
      const nodePort = target.nodePort !== 0 && this.claim(nodePortKey(target), change.key) ? target.nodePort : 0;
      ports.push(planPort({ ...target, nodePort }, before));
    }
    if (ports.length > 0) this.planned.set(change.key, ports);
    const elements = diffElements(former.flatMap(allElements), ports.flatMap(allElements));
    for (const each of elements) this.total += each.do === "add" ? 1 : -1;
    return [
      ...elements,
      ...this.hairpins.hold(this.localAddresses(ports)),
      ...this.hairpins.drop(this.localAddresses(former)),
    ];
  }

  private claim(claim: string, key: string): boolean {
    const owner = this.owners.get(claim);
    if (owner !== undefined) {
      this.contested.add(key);
      return false;
    }
    this.owners.set(claim, key);
    return true;
  }

  private localAddresses(ports: readonly PlannedPort[]): ReadonlySet<string> {
    const ips = ports.flatMap((port) => port.slots.map((slot) => slot.slice(0, slot.indexOf(" "))));
    return new Set(ips.filter((ip) => contains(this.local, parseAddress(ip) ?? 0)));
  }
}

function allElements(port: PlannedPort): readonly RuleElement[] {
  return [...elementsOf(port)];
}

/**
 * Deletes before adds, and what cancels out left away: an element that one service drops and another takes up in the same update
 * is neither deleted nor added.
 */
function deletesFirst(changes: readonly ElementChange[]): readonly ElementChange[] {
  const last = new Map<string, ElementChange[]>();
  for (const change of changes) {
    const id = `${change.map} ${change.key}`;
    const same = last.get(id) ?? [];
    const opposite = same.findIndex((each) => each.do !== change.do && each.value === change.value);
    if (opposite >= 0) same.splice(opposite, 1);
    else same.push(change);
    last.set(id, same);
  }
  const kept = [...last.values()].flat();
  return [...kept.filter((each) => each.do === "delete"), ...kept.filter((each) => each.do === "add")];
}

function withoutDoubles(flows: readonly FlowFilter[]): readonly FlowFilter[] {
  return [...new Map(flows.map((flow) => [JSON.stringify(flow), flow])).values()];
}
