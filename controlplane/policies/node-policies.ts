import { setsOf } from "../../kinds/compiled-policies.js";
import type { CompiledPolicy, PodPolicies, PolicyUpdate } from "../../proto/gen/tallship/v1/policies.js";
import type { View, WatchCache } from "../cache/view.js";
import { type BookReader, PolicyBook } from "./policy-book.js";
import { UpdateParts } from "./update-parts.js";

/** Where the objects come from: the watch cache. */
export interface PolicySource extends Pick<WatchCache, "subscribe"> {
  readonly view: Pick<View, "list" | "revision">;
}

/** What one node was told, and what has changed since. */
interface Told {
  readonly node: string;
  isWhole: boolean;
  isDue: boolean;
  /** What is told next, in order. */
  parts: PolicyUpdate[];
  readonly pods: Map<string, PodPolicies>;
  readonly policies: Map<string, CompiledPolicy>;
  /** Members of each set that may have changed since they were told. */
  readonly sets: Map<string, Set<string>>;
}

/**
 * Tells each node what policies mean for its own pods, and no more: the policies that select them, and the sets that those refer to. What
 * changes while a node reads slowly is one change afterwards.
 */
export class NodePolicies implements BookReader {
  private readonly cache: PolicySource;
  private readonly onDue: (node: string) => void;
  private readonly book = new PolicyBook(this);
  private readonly nodes = new Map<string, Told>();
  private readonly readers = new Map<string, Set<Told>>();

  /** `onDue` is called when there is something new to tell a node that has begun. */
  constructor(cache: PolicySource, onDue: (node: string) => void) {
    this.cache = cache;
    this.onDue = onDue;
  }

  /** Follows the cache. Returns how to stop. */
  follow(): () => void {
    this.book.load(this.cache.view);
    return this.cache.subscribe(({ changes }) => {
      for (const change of changes) this.book.take(change);
    });
  }

  /** The node knows nothing: everything is told anew. */
  begin(node: string): void {
    this.end(node);
    this.nodes.set(node, {
      node,
      isWhole: true,
      isDue: false,
      parts: [],
      pods: new Map(),
      policies: new Map(),
      sets: new Map(),
    });
    this.podChanged(node);
  }

  /** Nobody listens for the node any more. */
  end(node: string): void {
    const told = this.nodes.get(node);
    this.nodes.delete(node);
    if (told !== undefined) for (const set of told.sets.keys()) this.leave(set, told);
  }

  /** The next message to the node; undefined when it knows everything. */
  next(node: string): PolicyUpdate | undefined {
    const told = this.nodes.get(node);
    if (told === undefined) return undefined;
    if (told.parts.length === 0 && told.isDue) {
      told.isDue = false;
      told.parts = this.describe(told);
    }
    return told.parts.shift();
  }

  podChanged(node: string): void {
    const told = this.nodes.get(node);
    if (told !== undefined) this.due(told);
  }

  policyChanged(name: string): void {
    for (const told of this.nodes.values()) if (told.policies.has(name)) this.due(told);
  }

  membersChanged(set: string, members: readonly string[]): void {
    for (const told of this.readers.get(set) ?? []) {
      const changed = told.sets.get(set);
      for (const member of members) changed?.add(member);
      this.due(told);
    }
  }

  private due(told: Told): void {
    if (told.isDue) return;
    told.isDue = true;
    this.onDue(told.node);
  }

  /** The difference between what the node was told and what is so now, in parts. */
  private describe(told: Told): PolicyUpdate[] {
    const parts = new UpdateParts();
    const pods = this.book.podsOn(told.node);
    for (const [uid, one] of pods) if (told.pods.get(uid) !== one) parts.add({ pods: [one] });
    for (const uid of told.pods.keys()) if (!pods.has(uid)) parts.add({ droppedPods: [uid] });
    const policies = this.policiesOf(pods);
    for (const [name, one] of policies) if (told.policies.get(name) !== one) parts.add({ policies: [one] });
    for (const name of told.policies.keys()) if (!policies.has(name)) parts.add({ droppedPolicies: [name] });
    replace(told.pods, pods);
    replace(told.policies, policies);
    this.describeSets(told, parts);
    const { isWhole } = told;
    told.isWhole = false;
    return parts.messages(isWhole, this.cache.view.revision);
  }

  private policiesOf(pods: ReadonlyMap<string, PodPolicies>): ReadonlyMap<string, CompiledPolicy> {
    const names = new Set([...pods.values()].flatMap(({ ingress, egress }) => [...ingress, ...egress]));
    const found = [...names].map((name) => [name, this.book.policy(name)] as const);
    return new Map(found.flatMap(([name, policy]) => (policy === undefined ? [] : [[name, policy] as const])));
  }

  private describeSets(told: Told, parts: UpdateParts): void {
    const rules = [...told.policies.values()].flatMap(({ ingress, egress }) => [...ingress, ...egress]);
    const wanted = new Set(rules.flatMap(setsOf));
    for (const name of [...told.sets.keys()].filter((set) => !wanted.has(set))) {
      parts.add({ droppedSets: [name] });
      this.leave(name, told);
      told.sets.delete(name);
    }
    for (const name of wanted) {
      const changed = told.sets.get(name);
      const now = this.book.members(name);
      if (changed === undefined) {
        this.enter(name, told);
        parts.addSet(name, { added: [...(now?.members ?? [])], removed: [] });
      } else if (changed.size > 0) {
        const isThere = (member: string): boolean => now?.has(member) === true;
        const removed = [...changed].filter((member) => !isThere(member));
        parts.addSet(name, { added: [...changed].filter(isThere), removed });
      }
      told.sets.set(name, new Set());
    }
  }

  private enter(set: string, told: Told): void {
    const readers = this.readers.get(set) ?? new Set();
    readers.add(told);
    this.readers.set(set, readers);
  }

  private leave(set: string, told: Told): void {
    const readers = this.readers.get(set);
    readers?.delete(told);
    if (readers?.size === 0) this.readers.delete(set);
  }
}

function replace<T>(held: Map<string, T>, now: ReadonlyMap<string, T>): void {
  held.clear();
  for (const [key, value] of now) held.set(key, value);
}
