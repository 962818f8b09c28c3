import { type CompiledPolicy, type PodPolicies, PolicyUpdate } from "../../proto/gen/tallship/v1/policies.js";

/** What network policies mean for the pods of this node, as of one revision of the control plane. Values are shared and immutable. */
export interface PolicyMap {
  readonly revision: number;
  /** The node's pods, by uid, with the names of the policies that select each. */
  readonly pods: ReadonlyMap<string, PodPolicies>;
  readonly policies: ReadonlyMap<string, CompiledPolicy>;
  /** Members of the sets that the policies refer to: addresses, or named ports as address/protocol/port. */
  readonly sets: ReadonlyMap<string, ReadonlySet<string>>;
}

/** Before anything is known. */
export const NO_POLICIES: PolicyMap = { revision: 0, pods: new Map(), policies: new Map(), sets: new Map() };

/** The map after an update, or after one part of it. What did not change is the same object. */
export function nextPolicies(map: PolicyMap, update: PolicyUpdate): PolicyMap {
  const from = update.isWhole ? NO_POLICIES : map;
  const added = <T>(
    held: ReadonlyMap<string, T>,
    keyed: readonly (readonly [string, T])[],
    dropped: readonly string[],
  ) => (keyed.length + dropped.length === 0 ? held : without(new Map([...held, ...keyed]), dropped));
  const sets = new Map(from.sets);
  for (const name of update.droppedSets) sets.delete(name);
  for (const { name, added: members, removed } of update.sets) {
    const next = new Set([...(sets.get(name) ?? []), ...members]);
    for (const member of removed) next.delete(member);
    sets.set(name, next);
  }
  return {
    revision: update.revision,
    pods: added(from.pods, keyedBy(update.pods, "uid"), update.droppedPods),
    policies: added(from.policies, keyedBy(update.policies, "name"), update.droppedPolicies),
    sets: update.sets.length + update.droppedSets.length === 0 ? from.sets : sets,
  };
}

/** The map as one update that brings anybody to it. */
export function wholeUpdate({ revision, pods, policies, sets }: PolicyMap): PolicyUpdate {
  return PolicyUpdate.fromPartial({
    isWhole: true,
    revision,
    pods: [...pods.values()],
    policies: [...policies.values()],
    sets: [...sets].map(([name, members]) => ({ name, added: [...members] })),
  });
}

function keyedBy<K extends string, T extends { readonly [P in K]: string }>(
  values: readonly T[],
  key: K,
): readonly (readonly [string, T])[] {
  return values.map((value) => [value[key], value] as const);
}

function without<T>(map: Map<string, T>, keys: readonly string[]): ReadonlyMap<string, T> {
  for (const key of keys) map.delete(key);
  return map;
}
