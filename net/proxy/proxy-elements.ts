import { parseAddress } from "../ipv4.js";
import { parseIpv6 } from "../ipv6.js";
import type { ElementChange, RuleElement, RuleMap } from "../kernel/rules.js";
import type { EndpointAddress } from "./endpoint-choice.js";
import type { Front, ServiceTarget } from "./service-targets.js";
import { dealSlots, FEW_SLOTS, OUTSIDE_SLOTS, stickySlotCount } from "./slots.js";

/** One front of a service as it stands in the maps. */
export interface PlannedFront extends Front {
  readonly affinitySeconds: number;
  readonly ranges: readonly string[] | undefined;
  /** Endpoint of each slot, as nft writes it: `10.128.0.5 . 8080`. */
  readonly slots: readonly string[];
  /** The same for clients from outside; undefined: they are led like those of the cluster. */
  readonly outsideSlots: readonly string[] | undefined;
}

/** The maps in which fronts stand: those with an address of their own, and those that any address of the node has. */
const MAPS = {
  address: {
    services: "services",
    outside: "outside-services",
    endpoints: "service-endpoints",
    manyEndpoints: "many-service-endpoints",
    draws: "sticky-draws",
    sticky: "sticky-endpoints",
    chain: "",
  },
  node: {
    services: "node-ports",
    outside: "outside-node-ports",
    endpoints: "node-port-endpoints",
    manyEndpoints: "many-node-port-endpoints",
    draws: "node-sticky-draws",
    sticky: "node-sticky-endpoints",
    chain: "node-",
  },
} as const satisfies Record<string, Readonly<Record<string, RuleMap | string>>>;

type FrontMaps = (typeof MAPS)[keyof typeof MAPS];

function mapsOf({ kind }: Pick<Front, "kind">): FrontMaps {
  return kind === "node" ? MAPS.node : MAPS.address;
}

/** Key of a front in the map of services, or of node ports. No two services can have the same. */
export function frontKey({ kind, protocol, ip, port }: Front): string {
  return kind === "node" ? `${protocol} . ${port}` : `${ip} . ${protocol} . ${port}`;
}

/** The front for its target, keeping as many slots of the former one as possible. */
export function planFront(target: ServiceTarget, former: PlannedFront | undefined): PlannedFront {
  const { kind, protocol, ip, port, affinitySeconds, ranges } = target;
  const deal = (endpoints: readonly EndpointAddress[], held: readonly string[] = []): readonly string[] => {
    const all = endpoints.map(slotText);
    if (affinitySeconds === 0) return dealSlots(held, all);
    const distinct = onePerMark(all);
    return dealSlots(held, distinct, stickySlotCount(distinct.length));
  };
  const slots = deal(target.endpoints, former?.slots);
  const outsideSlots = target.outside === undefined ? undefined : deal(target.outside, former?.outsideSlots);
  return { kind, protocol, ip, port, affinitySeconds, ranges, slots, outsideSlots };
}

function slotText({ ip, port }: EndpointAddress): string {
  return `${ip} . ${port}`;
}

/** What clients keep is an address: of an address with several ports they can only keep one. */
function onePerMark(endpoints: readonly string[]): readonly string[] {
  const first = new Map<string, string>();
  for (const endpoint of endpoints) {
    const mark = markOf(endpoint);
    if (!first.has(mark)) first.set(mark, endpoint);
  }
  return [...first.values()];
}

/** Endpoints that a front leads to, whoever asks. */
export function endpointsOf({ slots, outsideSlots = [] }: PlannedFront): ReadonlySet<string> {
  return new Set([...slots, ...outsideSlots]);
}

/** Elements of a front. One that leads nowhere has none that lead: its packets find nothing and are refused. */
export function* elementsOf(front: PlannedFront): Iterable<RuleElement> {
  const maps = mapsOf(front);
  const key = frontKey(front);
  yield* slotElements(front, front.slots, 0);
  yield* slotElements(front, front.outsideSlots ?? [], OUTSIDE_SLOTS);
  if (front.affinitySeconds > 0)
    for (const endpoint of endpointsOf(front))
      yield { map: maps.sticky, key: `${key} . ${markOf(endpoint)}`, value: endpoint };
  const inside = insideVerdict(front);
  if (inside !== undefined) yield { map: maps.services, key, value: inside };
  else if (front.kind === "external") yield { map: "closed-ports", key, value: "" };
  const outside = outsideVerdict(front);
  if (outside === undefined) return;
  if (front.ranges === undefined) return yield { map: maps.outside, key, value: outside };
  yield { map: maps.outside, key, value: "goto guarded" };
  for (const range of front.ranges) yield { map: "guarded-services", key: `${key} . ${range}`, value: outside };
}

/** How many elements a front has. */
export function elementCountOf(front: PlannedFront): number {
  const { slots, outsideSlots = [], affinitySeconds, ranges, kind } = front;
  const marks = affinitySeconds > 0 ? endpointsOf(front).size : 0;
  const inside = slots.length > 0 || kind === "external" ? 1 : 0;
  const outside = outsideVerdict(front) === undefined ? 0 : 1 + (ranges?.length ?? 0);
  return slots.length + outsideSlots.length + marks + inside + outside;
}

function* slotElements(front: PlannedFront, slots: readonly string[], from: number): Iterable<RuleElement> {
  const { draws, endpoints, manyEndpoints } = mapsOf(front);
  const key = frontKey(front);
  const isSticky = front.affinitySeconds > 0;
  const map = isSticky ? draws : from === 0 && areFew(front) ? endpoints : manyEndpoints;
  for (const [at, slot] of slots.entries())
    yield { map, key: `${key} . ${from + at}`, value: isSticky ? markOf(slot) : slot };
}

function areFew({ slots }: PlannedFront): boolean {
  return slots.length <= FEW_SLOTS;
}

/** Where clients of the cluster are led; undefined when there is no endpoint. */
function insideVerdict(front: PlannedFront): string | undefined {
  return front.slots.length === 0 ? undefined : `goto ${pickChain(front, "", front.slots.length)}`;
}

/** Where clients from outside are led; undefined when no rule of their own is needed. */
function outsideVerdict(front: PlannedFront): string | undefined {
  const { outsideSlots, ranges } = front;
  if (outsideSlots === undefined) return ranges === undefined ? undefined : insideVerdict(front);
  return outsideSlots.length === 0 ? "drop" : `goto ${pickChain(front, "outside-", outsideSlots.length)}`;
}

function pickChain(front: PlannedFront, side: "" | "outside-", count: number): string {
  const { chain } = mapsOf(front);
  const { affinitySeconds } = front;
  return affinitySeconds === 0 ? `${side}${chain}pick-${count}` : `${side}${chain}stick-${count}-${affinitySeconds}`;
}

/** The endpoint's address as the mark by which the kernel remembers it; of IPv6 its lowest bits, which of pods are an address of IPv4 that no other has. */
function markOf(endpoint: string): string {
  const text = endpoint.slice(0, endpoint.indexOf(" "));
  const address = parseAddress(text) ?? Number((parseIpv6(text) ?? 0n) & 0xffffffffn);
  return `0x${address.toString(16).padStart(8, "0")}`;
}

/** The front's key that an element's key begins with. */
export function frontKeyIn({ map, key }: Pick<RuleElement, "map" | "key">): string {
  return WITH_PART.has(map) ? key.slice(0, key.lastIndexOf(" . ")) : key;
}

const WITH_PART: ReadonlySet<RuleMap> = new Set([
  "service-endpoints",
  "many-service-endpoints",
  "node-port-endpoints",
  "many-node-port-endpoints",
  "sticky-draws",
  "node-sticky-draws",
  "sticky-endpoints",
  "node-sticky-endpoints",
  "guarded-services",
]);

/** The value that a front has under one of its keys; undefined when the key should not be there. The same as `elementsOf`, without making all. */
export function valueIn(front: PlannedFront, { map, key }: Pick<RuleElement, "map" | "key">): string | undefined {
  const maps = mapsOf(front);
  const isSticky = front.affinitySeconds > 0;
  const part = key.slice(key.lastIndexOf(" . ") + 3);
  switch (map) {
    case maps.services:
      return insideVerdict(front);
    case maps.endpoints:
      return !isSticky && areFew(front) ? front.slots[Number(part)] : undefined;
    case maps.manyEndpoints:
      return isSticky || (areFew(front) && Number(part) < OUTSIDE_SLOTS) ? undefined : slotAt(front, Number(part));
    case maps.draws:
      return isSticky ? markAt(front, Number(part)) : undefined;
    case maps.sticky:
      return isSticky ? endpointMarked(front, part) : undefined;
    case maps.outside:
      return front.ranges !== undefined && outsideVerdict(front) !== undefined ? "goto guarded" : outsideVerdict(front);
    case "guarded-services":
      return front.ranges?.includes(part) === true ? outsideVerdict(front) : undefined;
    case "closed-ports":
      return front.kind === "external" && insideVerdict(front) === undefined ? "" : undefined;
    default:
      return undefined;
  }
}

function slotAt({ slots, outsideSlots }: PlannedFront, at: number): string | undefined {
  return at < OUTSIDE_SLOTS ? slots[at] : outsideSlots?.[at - OUTSIDE_SLOTS];
}

function markAt(front: PlannedFront, at: number): string | undefined {
  const slot = slotAt(front, at);
  return slot === undefined ? undefined : markOf(slot);
}

function endpointMarked({ slots, outsideSlots = [] }: PlannedFront, mark: string): string | undefined {
  const wanted = `0x${Number(mark).toString(16).padStart(8, "0")}`;
  return [slots, outsideSlots].flatMap((side) => side.find((slot) => markOf(slot) === wanted) ?? []).at(0);
}

/** What turns one set of elements into another: first all deletes, then all adds. */
export function diffElements(before: readonly RuleElement[], after: readonly RuleElement[]): readonly ElementChange[] {
  if (before.length === 0) return after.map(added);
  const held = new Map<string, RuleElement>();
  for (const element of before) held.set(`${element.map} ${element.key}`, element);
  const adds: ElementChange[] = [];
  for (const element of after) {
    const id = `${element.map} ${element.key}`;
    const same = held.get(id)?.value === element.value;
    if (same) held.delete(id);
    else adds.push(added(element));
  }
  const deletes = [...held.values()].map((element): ElementChange => ({ do: "delete", ...element }));
  return [...deletes, ...adds];
}

function added({ map, key, value }: RuleElement): ElementChange {
  return { do: "add", map, key, value };
}
