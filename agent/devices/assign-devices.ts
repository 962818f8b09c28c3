import { DEVICES, type DeviceName, devicesOf, deviceText } from "../../kinds/devices.js";
import { isDeviceShare } from "../../kinds/gpu-share.js";
import { isSidecar } from "../../kinds/pod-containers.js";
import { parseQuantity } from "../../lib/quantity.js";
import type { Container } from "../../proto/gen/tallship/v1/container.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import type { Inventory, KindInventory } from "./device-inventory.js";

/** A device that a container has; one that is shared, others may have too, but nobody for itself. */
export interface GivenDevice extends DeviceName {
  readonly isShared?: true;
}

/** The devices that each container of a pod has. */
export type Allocation = Readonly<Record<string, readonly GivenDevice[]>>;

/** What a pod gets, or why it cannot have what it asks for. */
export type Assignment =
  | { readonly is: "assigned"; readonly allocation: Allocation }
  | { readonly is: "refused"; readonly why: string };

/** What a decision rests on. */
export interface AssignInput {
  readonly pod: Pod;
  readonly inventory: Inventory;
  /** What the pod has already: kept, as far as the node still has it. */
  readonly own: Allocation;
  /** What other pods have, also of devices that the node has no more. */
  readonly others: readonly Allocation[];
}

/**
 * Gives a pod the devices that its containers' limits ask for: those it names, else the first ones that are free. Containers that run side by side never have one in common; init containers,
 * which are over by then, use those of the containers after them first, as the scheduler counts. Pure: the same world gives the same devices.
 */
export function assignDevices(input: AssignInput): Assignment {
  const kinds = kindsOf(input);
  let allocation: Allocation = {};
  for (const kind of kinds) {
    const assigned = assignKind(kind, input);
    if (assigned.is === "refused") return assigned;
    allocation = merged(allocation, assigned.allocation);
  }
  const shared = assignShares(input);
  if (shared.is === "refused") return shared;
  return { is: "assigned", allocation: merged(allocation, shared.allocation) };
}

/** A share of a device is of the one that whoever placed the pod has named: all containers that ask for a share have it. Nobody has it for itself. */
function assignShares({ pod, inventory, others }: AssignInput): Assignment {
  const asked = startOrder(pod).filter(({ resources }) => Object.keys(resources?.limits ?? {}).some(isDeviceShare));
  if (asked.length === 0) return { is: "assigned", allocation: {} };
  const [named] = devicesOf(pod.metadata?.annotations ?? {});
  if (named === undefined)
    return { is: "refused", why: `nobody has said which device it shares: ${DEVICES} is missing` };
  const [name] = inventory.get(named.kind)?.aliases.get(named.name) ?? [];
  if (name === undefined) return { is: "refused", why: `the node has no device ${deviceText(named)}` };
  const isWhole = (one: GivenDevice): boolean => one.kind === named.kind && one.name === name && one.isShared !== true;
  if (others.some((one) => Object.values(one).flat().some(isWhole)))
    return { is: "refused", why: `another pod has ${deviceText(named)} for itself` };
  const device = { kind: named.kind, name, isShared: true } as const;
  return { is: "assigned", allocation: Object.fromEntries(asked.map((container) => [container.name, [device]])) };
}

/** Resources that are devices here: what the node describes, or what some pod was given. Others are mere numbers. */
function kindsOf({ pod, inventory, own, others }: AssignInput): readonly string[] {
  const known = new Set([...inventory.keys(), ...[own, ...others].flatMap(kindsIn)]);
  const asked = new Set(startOrder(pod).flatMap(({ resources }) => Object.keys(resources?.limits ?? {})));
  return [...asked].filter((kind) => known.has(kind)).sort();
}

/** The kinds of devices that an allocation has. */
export function kindsIn(allocation: Allocation): readonly string[] {
  return Object.values(allocation).flatMap((devices) => devices.map(({ kind }) => kind));
}

function startOrder({ spec }: Pod): readonly Container[] {
  return [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])];
}

function countOf({ resources }: Container, kind: string): number {
  return Math.ceil(parseQuantity(resources?.limits[kind] ?? "0") ?? 0);
}

const NONE: KindInventory = { names: [], aliases: new Map() };

function assignKind(kind: string, { pod, inventory, own, others }: AssignInput): Assignment {
  const { names, aliases } = inventory.get(kind) ?? NONE;
  const taken = new Set(others.flatMap((one) => namesIn(one, kind).flatMap((name) => aliases.get(name) ?? [name])));
  const wished = devicesOf(pod.metadata?.annotations ?? {}).filter((device) => device.kind === kind);
  const wanted = wished.length === 0 ? names : wished.flatMap(({ name }) => aliases.get(name) ?? []);
  const unknown = wished.filter(({ name }) => !aliases.has(name)).map(deviceText);
  if (unknown.length > 0) return { is: "refused", why: `the node has no device ${unknown.join(", ")}` };
  const usable = new Set(wanted.filter((name) => names.includes(name) && !taken.has(name)));
  const given = giveOut(pod, kind, { usable, own });
  if (given.is === "given") return { is: "assigned", allocation: given.allocation };
  const of = wished.length === 0 ? `${names.length}` : `the ${wanted.length} that it names`;
  return {
    is: "refused",
    why: `requested number of devices unavailable for ${kind}. Requested: ${given.count}, Available: ${usable.size} of ${of}`,
  };
}

type Given =
  | { readonly is: "given"; readonly allocation: Allocation }
  | { readonly is: "short"; readonly count: number };

/** Side by side first: all that run together have their own. Then init containers, from what nobody uses while they run. */
function giveOut(
  pod: Pod,
  kind: string,
  { usable, own }: { readonly usable: ReadonlySet<string>; readonly own: Allocation },
): Given {
  const order = startOrder(pod);
  const beside = order.filter((one) => isSidecar(one) || (pod.spec?.containers ?? []).includes(one));
  const result = new Map<string, readonly string[]>();
  const left = new Set(usable);
  // What somebody has is nobody else's to be given first.
  for (const container of beside) for (const name of namesOf(own, container.name, kind)) left.delete(name);
  const total = beside.reduce((sum, container) => sum + countOf(container, kind), 0);
  for (const container of beside) {
    const count = countOf(container, kind);
    const kept = namesOf(own, container.name, kind).filter((name) => usable.has(name));
    const names = [...kept, ...left].slice(0, count);
    if (names.length < count) return { is: "short", count: total };
    for (const name of names) left.delete(name);
    result.set(container.name, names);
  }
  for (const [at, container] of order.entries()) {
    if (beside.includes(container)) continue;
    const before = new Set(order.slice(0, at).filter(isSidecar));
    const free = beside.filter((one) => !before.has(one)).flatMap(({ name }) => result.get(name) ?? []);
    const names = [...free, ...left].slice(0, countOf(container, kind));
    if (names.length < countOf(container, kind)) return { is: "short", count: countOf(container, kind) };
    result.set(container.name, names);
  }
  const entries = [...result].filter(([, names]) => names.length > 0);
  return { is: "given", allocation: Object.fromEntries(entries.map(([name, names]) => [name, named(kind, names)])) };
}

function named(kind: string, names: readonly string[]): readonly DeviceName[] {
  return names.map((name) => ({ kind, name }));
}

function namesIn(allocation: Allocation, kind: string): readonly string[] {
  return Object.keys(allocation).flatMap((container) => namesOf(allocation, container, kind));
}

function namesOf(allocation: Allocation, container: string, kind: string): readonly string[] {
  return (allocation[container] ?? []).filter((device) => device.kind === kind).map(({ name }) => name);
}

function merged(left: Allocation, right: Allocation): Allocation {
  const containers = [...new Set([...Object.keys(left), ...Object.keys(right)])];
  return Object.fromEntries(containers.map((name) => [name, [...(left[name] ?? []), ...(right[name] ?? [])]]));
}
