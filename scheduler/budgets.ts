import { matchesSelector } from "../kinds/label-selector.js";
import { deepEqual } from "../lib/deep-equal.js";
import type { LabelSelector } from "../proto/gen/tallship/v1/meta.js";
import type { Tenure } from "./tenant.js";

/** A disruption budget: how many of the pods that it selects may still be evicted. */
export interface Budget {
  readonly namespace: string;
  readonly selector: LabelSelector | undefined;
  readonly allowed: number;
}

/** A budget, and what was spent of it since its owner told how much there is. */
export interface Allowance {
  readonly budget: Budget;
  left: number;
  /** Most of its pods that were found on one node. */
  crowd: number;
}

const none: readonly Allowance[] = [];

/** The disruption budgets of the cluster. What is spent here counts until the owner of a budget tells anew. */
export class Budgets {
  /** Grows when who has to make room may have changed on any node. */
  version = 0;
  private readonly byNamespace = new Map<string, Map<string, Allowance>>();
  private known = new WeakMap<Tenure, readonly Allowance[]>();

  /** Adds a budget, takes its new state, or, without one, forgets it. */
  set(namespace: string, name: string, budget: Budget | undefined): void {
    const budgets = this.byNamespace.get(namespace) ?? new Map<string, Allowance>();
    const before = budgets.get(name);
    if (budget !== undefined && before?.left === budget.allowed && deepEqual(before.budget, budget)) return;
    if (budget === undefined) budgets.delete(name);
    else budgets.set(name, { budget, left: budget.allowed, crowd: 0 });
    if (budgets.size > 0) this.byNamespace.set(namespace, budgets);
    else this.byNamespace.delete(namespace);
    this.known = new WeakMap();
    this.version += 1;
  }

  /** The budgets that protect a pod. */
  of(tenure: Tenure): readonly Allowance[] {
    const budgets = this.byNamespace.get(tenure.namespace);
    if (budgets === undefined) return none;
    const known = this.known.get(tenure);
    if (known !== undefined) return known;
    const own = [...budgets.values()].filter(({ budget }) => matchesSelector(budget.selector, tenure.labels));
    this.known.set(tenure, own);
    return own;
  }

  /** Counts the eviction of a pod, or takes it back. */
  spend(tenure: Tenure, sign: 1 | -1 = 1): void {
    for (const allowance of this.of(tenure)) {
      // Nodes with fewer pods of the budget than are left of it cannot tell the difference.
      if (allowance.crowd >= Math.min(allowance.left, allowance.left - sign)) this.version += 1;
      allowance.left -= sign;
    }
  }
}
