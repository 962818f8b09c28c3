import { isInfeasible } from "../kinds/resize.js";
import { parseQuantity } from "../lib/quantity.js";
import type { Container } from "../proto/gen/tallship/v1/container.js";
import type { Pod } from "../proto/gen/tallship/v1/pod.js";

/** Amounts by resource: thousandths of a core for cpu, else bytes or a count. Whole numbers, so that sums are exact. */
export type Amounts = ReadonlyMap<string, number>;

/** An amount of a resource as a whole number, rounded up; 0 when the text is malformed, which admission never lets through. */
export function amountOf(resource: string, quantity: string): number {
  const value = parseQuantity(quantity) ?? 0;
  const amount = resource === "cpu" ? value * 1000 : value;
  // What is whole already need not be rounded, and most is.
  return Math.max(0, Number.isSafeInteger(amount) ? amount : Math.ceil(Number(amount.toPrecision(15))));
}

/** What the node reserves for a pod, counted as Kubernetes does: containers and sidecars side by side, init containers one after another, overhead. */
export function podRequests(pod: Pod): Amounts {
  const granted = grantedRequests(pod);
  if (granted === undefined) return tally(pod, containerRequests);
  const isBound = isInfeasible(pod);
  return tally(pod, (container) => {
    const own = granted.get(container.name);
    const asked = containerRequests(container);
    if (own === undefined) return asked;
    const most = new Map(isBound ? [...asked].filter(([resource]) => !own.has(resource)) : asked);
    raiseTo(most, own);
    return most;
  });
}

/**
 * What a node has granted containers, by name, where that is something else than their spec asks for now: while a pod is resized the larger of both is reserved, and what
 * was granted alone where the node can never give the rest. Undefined for all other pods.
 */
export function grantedRequests(pod: Pod): ReadonlyMap<string, Amounts> | undefined {
  let granted: Map<string, Amounts> | undefined;
  const statuses = pod.status?.containerStatuses ?? [];
  for (const { name, allocatedResources } of statuses)
    for (const resource in allocatedResources) {
      const resources = containerNamed(pod, name)?.resources;
      if (allocatedResources[resource] === (resources?.requests[resource] ?? resources?.limits[resource])) continue;
      granted ??= new Map();
      granted.set(name, amountsOf(allocatedResources));
    }
  return granted;
}

function containerNamed({ spec }: Pod, name: string): Container | undefined {
  return spec?.containers.find((container) => container.name === name);
}

/** What the pod's containers may use at most, counted in the same way; resources that some container does not limit count what others do. */
export function podLimits(pod: Pod): Amounts {
  return tally(pod, ({ resources }) => amountsOf(resources?.limits));
}

function tally(pod: Pod, ofContainer: (container: Container) => Amounts): Amounts {
  const { containers = [], initContainers = [], overhead = {} } = pod.spec ?? {};
  const [only] = containers;
  // Of nearly all pods that is all there is to count.
  if (only !== undefined && containers.length + initContainers.length === 1 && isEmpty(overhead))
    return ofContainer(only);
  const running = new Map<string, number>();
  const peak = new Map<string, number>();
  for (const container of initContainers) {
    const own = ofContainer(container);
    if (container.restartPolicy === "Always") addTo(running, own);
    raiseTo(peak, container.restartPolicy === "Always" ? running : sum(running, own));
  }
  for (const container of containers) addTo(running, ofContainer(container));
  raiseTo(peak, running);
  addTo(peak, amountsOf(overhead));
  return peak;
}

/** What a container reserves: its requests, and its limits where it names no request. */
function containerRequests(container: Container): Amounts {
  const amounts = amountsOf(container.resources?.limits);
  const requests = container.resources?.requests;
  for (const resource in requests) amounts.set(resource, amountOf(resource, requests[resource] ?? ""));
  return amounts;
}

function amountsOf(quantities: Readonly<Record<string, string>> | undefined): Map<string, number> {
  const amounts = new Map<string, number>();
  for (const resource in quantities) amounts.set(resource, amountOf(resource, quantities[resource] ?? ""));
  return amounts;
}

function isEmpty(quantities: Readonly<Record<string, string>>): boolean {
  for (const _ in quantities) return false;
  return true;
}

function addTo(total: Map<string, number>, more: Amounts): void {
  for (const [resource, amount] of more) total.set(resource, (total.get(resource) ?? 0) + amount);
}

function raiseTo(peak: Map<string, number>, level: Amounts): void {
  for (const [resource, amount] of level) peak.set(resource, Math.max(peak.get(resource) ?? 0, amount));
}

function sum(left: Amounts, right: Amounts): Amounts {
  const total = new Map(left);
  addTo(total, right);
  return total;
}
