import { TallshipError } from "../../lib/errors.js";
import type { FirewallChain, FirewallChange, FirewallSet, FirewallTable } from "./firewall.js";
import type { FirewallElement, TrackedFlow } from "./kernel.js";

/** The firewall's table in memory, as strict as nft is. */
export class SimulatedFirewall {
  private held: FirewallTable | undefined;
  private generation = 0;
  /** Connections that the simulated kernel tracks. */
  flows: readonly TrackedFlow[] = [];

  /** The table; undefined when there is none. */
  get table(): FirewallTable | undefined {
    return this.held;
  }

  /** Blind to elements; empty without a table. */
  get fingerprint(): string {
    if (this.held === undefined) return "";
    return JSON.stringify([this.generation, [...this.held.sets.keys()], [...this.held.chains.keys()]]);
  }

  /** What `nft flush ruleset` does. */
  flush(): void {
    this.held = undefined;
  }

  /** What `nft flush set` does. */
  flushSet(name: string): void {
    const set = this.held?.sets.get(name);
    if (this.held === undefined || set === undefined) return;
    this.held = { ...this.held, sets: new Map([...this.held.sets, [name, { ...set, elements: new Map() }]]) };
  }

  /** Puts the table in place of what is there. */
  replace(table: FirewallTable): void {
    checkReferences(table);
    this.generation += 1;
    this.held = table;
  }

  /** Applies all changes or none. */
  change(changes: readonly FirewallChange[]): void {
    if (changes.length === 0) return;
    if (this.held === undefined) throw refused("no such table");
    const sets = new Map(this.held.sets);
    const chains = new Map(this.held.chains);
    for (const change of changes) applyChange(sets, chains, change);
    const next = { sets, chains };
    checkReferences(next);
    this.held = next;
  }

  /** Visits every element. */
  read(visit: (element: FirewallElement) => void): void {
    for (const [set, { elements }] of this.held?.sets ?? [])
      for (const [key, value] of elements) visit({ set, key, value });
  }
}

function applyChange(sets: Map<string, FirewallSet>, chains: Map<string, FirewallChain>, change: FirewallChange): void {
  const { name } = change;
  switch (change.do) {
    case "add-set":
      sets.set(name, { ...change.set, elements: new Map() });
      return;
    case "delete-set":
      if (!sets.delete(name)) throw refused(`no set ${name}`);
      return;
    case "add-chain":
      chains.set(name, change.chain);
      return;
    case "delete-chain":
      if (!chains.delete(name)) throw refused(`no chain ${name}`);
      return;
    case "add-elements":
    case "delete-elements": {
      const set = sets.get(name);
      if (set === undefined) throw refused(`no set ${name}`);
      sets.set(name, { ...set, elements: changedElements(set, change) });
    }
  }
}

function changedElements(
  { elements }: FirewallSet,
  change: FirewallChange & { readonly do: "add-elements" | "delete-elements" },
): ReadonlyMap<string, string> {
  const next = new Map(elements);
  for (const [key, value] of change.elements) {
    const former = next.get(key);
    if (change.do === "delete-elements" && !next.delete(key)) throw refused(`${change.name} has no ${key}`);
    if (change.do === "add-elements" && former !== undefined && former !== value)
      throw refused(`${change.name} holds ${key} with another value`);
    if (change.do === "add-elements") next.set(key, value);
  }
  return next;
}

/** What rules and verdicts refer to must be there. */
function checkReferences({ sets, chains }: FirewallTable): void {
  const rules = [...chains.values()].flatMap((chain) => chain.rules);
  const values = [...sets.values()].flatMap(({ elements }) => [...elements.values()]);
  for (const text of [...rules, ...values]) {
    const chain = /\b(?:goto|jump) (\S+)/.exec(text)?.[1];
    if (chain !== undefined && !chains.has(chain)) throw refused(`no chain ${chain}`);
    for (const [, set = ""] of text.matchAll(/@(?!th,)(\S+)/g)) if (!sets.has(set)) throw refused(`no set ${set}`);
  }
}

function refused(why: string): TallshipError {
  return new TallshipError("kernel_failed", `change the firewall: ${why}`);
}
