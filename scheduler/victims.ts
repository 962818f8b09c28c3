import type { Allowance, Budgets } from "./budgets.js";
import type { Room } from "./room.js";
import { byImportance, startOf, type Tenant } from "./tenant.js";

/** Pods of one node whose end would let another run there, and what that costs. */
export interface Victims {
  /** Those that have to be told, in order of importance. Pods that are on their way out are not among them and cost nothing. */
  readonly tenants: readonly Tenant[];
  /** How many of them a disruption budget protects. */
  readonly violations: number;
  readonly highestPriority: number;
  readonly prioritySum: number;
  /** When the longest-running one of the highest priority started. */
  readonly startedAt: string;
}

/**
 * The fewest and least important pods that must go. As in Kubernetes: all of lower priority are taken away, then put back while there is
 * room, those first whose budget would be violated, and the more important before the less. Undefined when the pod would not fit even so.
 */
export function victimsAmong(
  tenants: Iterable<Tenant>,
  priority: number,
  room: Room,
  budgets: Budgets,
): Victims | undefined {
  const lower: Tenant[] = [];
  for (const tenant of tenants) if (tenant.tenure.priority < priority) lower.push(tenant);
  if (lower.length === 0) return undefined;
  for (const tenant of lower) room.takeAway(tenant);
  const isEnough = room.isEnough();
  const victims = isEnough ? reprieve(lower, room, budgets) : undefined;
  for (const tenant of victims?.all ?? lower) room.putBack(tenant);
  if (victims === undefined) return undefined;
  return costOf(victims.told, victims.violations);
}

/** Less than 0 when the first victims are to be preferred, 0 when nothing speaks for either. */
export function byCost(left: Victims, right: Victims): number {
  const difference =
    left.violations - right.violations ||
    left.highestPriority - right.highestPriority ||
    left.prioritySum - right.prioritySum ||
    left.tenants.length - right.tenants.length;
  if (difference !== 0 || left.startedAt === right.startedAt) return difference;
  return left.startedAt > right.startedAt ? -1 : 1;
}

/** Puts back all that need not go. Pods on their way out stay away. */
function reprieve(
  lower: Tenant[],
  room: Room,
  budgets: Budgets,
): { readonly told: readonly Tenant[]; readonly all: readonly Tenant[]; readonly violations: number } {
  const told: Tenant[] = [];
  let violations = 0;
  const { violating, others } = byBudget(lower.filter(({ tenure }) => !tenure.isEnding).sort(byImportance), budgets);
  for (const tenant of violating)
    if (mustGo(tenant, room)) {
      violations += 1;
      told.push(tenant);
    }
  for (const tenant of others) if (mustGo(tenant, room)) told.push(tenant);
  const ending = lower.filter(({ tenure }) => tenure.isEnding);
  return { told: told.sort(byImportance), all: [...told, ...ending], violations };
}

function mustGo(tenant: Tenant, room: Room): boolean {
  room.putBack(tenant);
  if (room.isEnough()) return false;
  room.takeAway(tenant);
  return true;
}

/** Those whose end would violate a budget, counted in the order given, and the others. */
function byBudget(tenants: readonly Tenant[], budgets: Budgets) {
  const violating: Tenant[] = [];
  const others: Tenant[] = [];
  const spent = new Map<Allowance, number>();
  for (const tenant of tenants) {
    let isViolating = false;
    // Room that is only kept for a pod is nobody's service yet.
    for (const allowance of tenant.tenure.isReserved ? [] : budgets.of(tenant.tenure)) {
      const count = (spent.get(allowance) ?? 0) + 1;
      spent.set(allowance, count);
      if (count > allowance.crowd) allowance.crowd = count;
      if (count > allowance.left) isViolating = true;
    }
    if (isViolating) violating.push(tenant);
    else others.push(tenant);
  }
  return { violating, others };
}

function costOf(tenants: readonly Tenant[], violations: number): Victims {
  const highestPriority = tenants[0]?.tenure.priority ?? Number.NEGATIVE_INFINITY;
  let prioritySum = 0;
  let startedAt = "~";
  for (const tenant of tenants) {
    // Priorities may be negative: shifted, so that fewer victims always sum to less.
    prioritySum += tenant.tenure.priority + 2 ** 31;
    if (tenant.tenure.priority === highestPriority && startOf(tenant) < startedAt) startedAt = startOf(tenant);
  }
  return { tenants, violations, highestPriority, prioritySum, startedAt };
}
