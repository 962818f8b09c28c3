/** A set or map of the firewall's table. Verdict maps lead from addresses to chains. */
export interface FirewallSet {
  /** `set` or `map`, as nft calls it. */
  readonly is: "set" | "map";
  /** What nft must know of its elements, such as `type ipv4_addr;`. */
  readonly type: string;
  /** Values by key, in nft's own words; sets have empty values. A changed set is a new object. */
  readonly elements: ReadonlyMap<string, string>;
}

/** A chain of the firewall's table. */
export interface FirewallChain {
  /** Where the kernel enters it, such as `type filter hook forward priority -6; policy accept;`; empty: only from other chains. */
  readonly hook: string;
  readonly rules: readonly string[];
}

/** Everything in the firewall's table. Chains without a hook never change under their name. */
export interface FirewallTable {
  readonly sets: ReadonlyMap<string, FirewallSet>;
  readonly chains: ReadonlyMap<string, FirewallChain>;
}

/** One change of the firewall's table. */
export type FirewallChange =
  | { readonly do: "add-set" | "delete-set"; readonly name: string; readonly set: FirewallSet }
  | { readonly do: "add-chain" | "delete-chain"; readonly name: string; readonly chain: FirewallChain }
  | {
      readonly do: "add-elements" | "delete-elements";
      readonly name: string;
      readonly elements: ReadonlyMap<string, string>;
    };

/**
 * What turns one table into another, in an order that the kernel takes as one transaction: nothing is referred to before it is there or
 * after it is gone. Sets that are the same object are taken to be equal.
 */
export function diffFirewall(before: FirewallTable, after: FirewallTable): readonly FirewallChange[] {
  const shared = [...after.sets].flatMap(([name, set]) => {
    const former = before.sets.get(name);
    return former === undefined || former === set ? [] : [{ name, former, set }];
  });
  const fresh = [...after.sets].filter(([name]) => !before.sets.has(name));
  return [
    ...shared.flatMap(({ name, former, set }) => elementChange("delete-elements", name, lacking(former, set))),
    ...fresh.map(([name, set]): FirewallChange => ({ do: "add-set", name, set })),
    ...missing(after.chains, before.chains).map(([name, chain]): FirewallChange => ({ do: "add-chain", name, chain })),
    ...[...shared, ...fresh.map(([name, set]) => ({ name, former: undefined, set }))].flatMap(({ name, former, set }) =>
      elementChange("add-elements", name, lacking(set, former)),
    ),
    ...missing(before.chains, after.chains).map(
      ([name, chain]): FirewallChange => ({ do: "delete-chain", name, chain }),
    ),
    ...missing(before.sets, after.sets).map(([name, set]): FirewallChange => ({ do: "delete-set", name, set })),
  ];
}

function missing<T>(from: ReadonlyMap<string, T>, other: ReadonlyMap<string, T>): readonly [string, T][] {
  return [...from].filter(([name]) => !other.has(name));
}

/** Elements of the one set that the other lacks or has with another value. */
function lacking({ elements }: FirewallSet, other: FirewallSet | undefined): ReadonlyMap<string, string> {
  return new Map([...elements].filter(([key, value]) => other?.elements.get(key) !== value));
}

function elementChange(
  act: "add-elements" | "delete-elements",
  name: string,
  elements: ReadonlyMap<string, string>,
): readonly FirewallChange[] {
  return elements.size === 0 ? [] : [{ do: act, name, elements }];
}
