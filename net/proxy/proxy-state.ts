import { type Family, rangeTest } from "../family.js";
import type { FlowFilter } from "../kernel/kernel.js";
import type { ElementChange, RuleElement } from "../kernel/rules.js";
import type { NetworkMap } from "../node-network.js";
import type { Place } from "./endpoint-choice.js";
import { flowsToForget } from "./flow-plan.js";
import { compareClaimants } from "./front-order.js";
import { HeldAddresses } from "./held-addresses.js";
import {
  diffElements,
  elementCountOf,
  elementsOf,
  endpointsOf,
  frontKey,
  frontKeyIn,
  type PlannedFront,
  planFront,
  valueIn,
} from "./proxy-elements.js";
import { type ServiceChange, ServiceIndex } from "./service-index.js";
import { targetsOf } from "./service-targets.js";

/** What an update asks of the kernel. */
export interface ProxyChange {
  /** One transaction; deletes first. Made when it is asked for: who replaces the table needs none of it. */
  elements(): readonly ElementChange[];
  /** To be forgotten after the transaction. */
  readonly flows: readonly FlowFilter[];
}

/** What the proxy's elements depend on beside the map. Fixed while the process runs. */
export interface ProxySite {
  readonly nodeName: string;
  readonly family: Family;
  /** The node's own pods. */
  readonly podCIDR: string;
  /** All pods. */
  readonly clusterCIDR: string;
}

/** The part of the network map that the proxy reflects. */
export type ProxyMap = Pick<NetworkMap, "services" | "endpointSlices" | "nodes">;

/**
 * The proxy's wanted elements for every service of the map. An update costs as much as the services that changed. Of two services
 * that claim one address and port, or one node port, the one that comes first by `compareClaimants` has it, whatever came to be known first.
 */
export class ProxyState {
  private readonly index = new ServiceIndex();
  private readonly planned = new Map<string, readonly PlannedFront[]>();
  /** Service that holds each claim, by the key of its front. */
  private readonly owners = new Map<string, string>();
  /** Services that want what another holds. */
  private readonly contested = new Set<string>();
  /** Services that have lost a claim in the update that is made. */
  private readonly ousted = new Set<string>();
  /** Addresses that nodes announce. */
  private readonly balancers = new HeldAddresses("load-balancers");
  /** Endpoints that are no pods: packets of strangers to them come back only when they bear the host's address. */
  private readonly foreign = new HeldAddresses("foreign-endpoints");
  private readonly affinities = new Set<number>();
  private readonly site: ProxySite;
  private readonly hairpins: HeldAddresses;
  private readonly isLocal: (ip: string) => boolean;
  private readonly isPod: (ip: string) => boolean;
  private place: Place;
  private total = 0;

  constructor(site: ProxySite, hairpins: HeldAddresses) {
    this.site = site;
    this.hairpins = hairpins;
    this.place = { nodeName: site.nodeName, zone: "", family: site.family };
    this.isLocal = rangeTest(site.podCIDR);
    this.isPod = rangeTest(site.clusterCIDR);
  }

  /** Elements in the maps of services. */
  get elementCount(): number {
    return this.total + this.balancers.size + this.foreign.size;
  }

  /** Services that cannot have all they ask for, sorted. */
  get contestedServices(): readonly string[] {
    return [...this.contested].sort();
  }

  /** Every time for which services have let clients keep their endpoint, sorted. It only grows. */
  get affinitySeconds(): readonly number[] {
    return [...this.affinities].sort((one, other) => one - other);
  }

  /** Takes a new map in; returns what differs. */
  update(map: ProxyMap): ProxyChange {
    const changed = this.index.advance(map);
    const known = new Set(changed.map(({ key }) => key));
    const others = this.movedTo(map) ? [...map.services.keys()] : this.contestedServices;
    const waiting = others.filter((key) => !known.has(key)).map((key) => this.index.current(key));
    this.ousted.clear();
    const steps = this.replanAll([...changed, ...waiting].sort(compareClaimants));
    // They want nothing that they did not have before: nobody else loses anything.
    steps.push(...this.replanAll([...this.ousted].sort().map((key) => this.index.current(key))));
    const flows = steps.flatMap(({ former, fronts, change }) =>
      flowsToForget(former, fronts, { former: change.formerSlices, next: change.slices }),
    );
    return { elements: () => deletesFirst(steps.flatMap(changesOf)), flows: withoutDoubles(flows) };
  }

  private replanAll(changes: readonly ServiceChange[]): Replanned[] {
    const former = changes.map(({ key }) => this.release(key));
    return changes.map((change, at) => this.replan(change, former[at] ?? []));
  }

  /** Every element that the kernel must hold for the services. */
  *elements(): Iterable<RuleElement> {
    for (const fronts of this.planned.values()) for (const front of fronts) yield* elementsOf(front);
    yield* this.balancers.elements();
    yield* this.foreign.elements();
  }

  /** The value wanted for a key of one of the services' maps; undefined when the key should not be there. */
  wanted(element: Pick<RuleElement, "map" | "key">): string | undefined {
    if (this.balancers.has(element) || this.foreign.has(element)) return "";
    const front = this.frontOf(frontKeyIn(element));
    return front === undefined ? undefined : valueIn(front, element);
  }

  /** True when a front, by its key in the map of services, has this endpoint. */
  leadsTo(key: string, endpoint: string): boolean {
    const front = this.frontOf(key);
    return front !== undefined && endpointsOf(front).has(endpoint);
  }

  /** Takes note of where the node stands now; true when that is another zone than before. */
  private movedTo({ nodes }: ProxyMap): boolean {
    const zone = nodes.get(this.site.nodeName)?.metadata?.labels[ZONE_LABEL] ?? "";
    if (zone === this.place.zone) return false;
    this.place = { ...this.place, zone };
    return true;
  }

  private frontOf(claim: string): PlannedFront | undefined {
    const fronts = this.planned.get(this.owners.get(claim) ?? "");
    return fronts?.find((front) => frontKey(front) === claim);
  }

  /** Lets go of all that a service holds, so that others in the same update may take it. */
  private release(key: string): readonly PlannedFront[] {
    const fronts = this.planned.get(key) ?? [];
    this.planned.delete(key);
    this.contested.delete(key);
    for (const claim of fronts.map(frontKey)) if (this.owners.get(claim) === key) this.owners.delete(claim);
    return fronts;
  }

  private replan(change: ServiceChange, former: readonly PlannedFront[]): Replanned {
    const targets = change.service === undefined ? [] : targetsOf(change.service, change.slices, this.place);
    const before = new Map(former.map((front) => [frontKey(front), front]));
    const fronts: PlannedFront[] = [];
    for (const target of targets) {
      const claim = frontKey(target);
      if (!this.claim(claim, change)) continue;
      if (target.affinitySeconds > 0) this.affinities.add(target.affinitySeconds);
      fronts.push(planFront(target, before.get(claim)));
    }
    if (fronts.length > 0) this.planned.set(change.key, fronts);
    this.total += countIn(fronts) - countIn(former);
    return { change, former, fronts, addresses: this.swapAddresses(former, fronts) };
  }

  private swapAddresses(former: readonly PlannedFront[], next: readonly PlannedFront[]): readonly ElementChange[] {
    const before = this.addressesOf(former);
    const after = this.addressesOf(next);
    const swap = (held: HeldAddresses, of: keyof typeof before): readonly ElementChange[] => [
      ...held.hold(after[of]),
      ...held.drop(before[of]),
    ];
    return [...swap(this.hairpins, "local"), ...swap(this.foreign, "foreign"), ...swap(this.balancers, "balancers")];
  }

  /** What sets of addresses must hold for these fronts. */
  private addressesOf(fronts: readonly PlannedFront[]) {
    const ips = new Set<string>();
    for (const front of fronts) for (const slot of endpointsOf(front)) ips.add(slot.slice(0, slot.indexOf(" ")));
    const local = new Set<string>();
    const foreign = new Set<string>();
    for (const ip of ips) {
      if (this.isLocal(ip)) local.add(ip);
      else if (!this.isPod(ip)) foreign.add(ip);
      // Pods of other networks meet themselves, too; which of those addresses are this node's is not known here, and does not matter.
      if (!this.isPod(ip)) local.add(ip);
    }
    return { local, foreign, balancers: new Set(fronts.filter(({ kind }) => kind === "balancer").map(({ ip }) => ip)) };
  }

  private claim(claim: string, change: ServiceChange): boolean {
    const { key } = change;
    const owner = this.owners.get(claim);
    if (owner === key) return false;
    if (owner !== undefined) {
      if (compareClaimants(this.index.current(owner), change) < 0) {
        this.contested.add(key);
        return false;
      }
      this.ousted.add(owner);
    }
    this.owners.set(claim, key);
    return true;
  }
}

const ZONE_LABEL = "topology.kubernetes.io/zone";

/** A service before and after an update. */
interface Replanned {
  readonly change: ServiceChange;
  readonly former: readonly PlannedFront[];
  readonly fronts: readonly PlannedFront[];
  /** What changes in sets of addresses. */
  readonly addresses: readonly ElementChange[];
}

function changesOf({ former, fronts, addresses }: Replanned): readonly ElementChange[] {
  return [...diffElements(former.flatMap(allElements), fronts.flatMap(allElements)), ...addresses];
}

function countIn(fronts: readonly PlannedFront[]): number {
  return fronts.reduce((sum, front) => sum + elementCountOf(front), 0);
}

function allElements(front: PlannedFront): readonly RuleElement[] {
  return [...elementsOf(front)];
}

/**
 * Deletes before adds, and what cancels out left away: an element that one service drops and another takes up in the same update
 * is neither deleted nor added.
 */
function deletesFirst(changes: readonly ElementChange[]): readonly ElementChange[] {
  if (!changes.some((each) => each.do === "delete")) return changes;
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
