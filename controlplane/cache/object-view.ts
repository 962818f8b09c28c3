import { type ObjectKey, storeKey } from "../../kinds/object.js";
import { KINDS, type KindMap, type KindName } from "../../kinds/registry.js";
import { GROUP } from "./groups.js";
import { KindIndex } from "./kind-index.js";
import type { Cached, View } from "./view.js";

/** A view that its owner writes: one synchronous call per object, then `revision` is moved on. */
export class ObjectView implements View {
  /** Everything up to this revision is reflected. Only the owner sets it. */
  revision = 0;
  /** Revision of every entry taken, by the store's key; also of those that could not be read and have no object. */
  private readonly revisions = new Map<string, number>();
  private readonly kinds: { readonly [K in KindName]: KindIndex<K> };

  constructor() {
    // One index per row of KINDS: the type says what fromEntries cannot.
    this.kinds = Object.fromEntries(Object.keys(KINDS).map((kind) => [kind, new KindIndex()])) as typeof this.kinds;
  }

  get<K extends KindName>(kind: K, namespace: string, name: string): KindMap[K] | undefined {
    return this.cached(kind, namespace, name)?.object;
  }

  cached<K extends KindName>(kind: K, namespace: string, name: string): Cached<K> | undefined {
    return this.kinds[kind].get(namespace, name);
  }

  list<K extends KindName>(kind: K, namespace?: string): readonly Cached<K>[] {
    const index = this.kinds[kind];
    return namespace === undefined ? index.list() : index.inGroup(GROUP.namespace(namespace));
  }

  ownedBy<K extends KindName>(kind: K, ownerUid: string): readonly Cached<K>[] {
    return this.kinds[kind].inGroup(GROUP.owner(ownerUid));
  }

  podsOnNode(nodeName: string): readonly Cached<"Pod">[] {
    return this.kinds.Pod.inGroup(GROUP.node(nodeName));
  }

  usingConfig<K extends KindName>(kind: K, namespace: string, configKey: string): readonly Cached<K>[] {
    return this.kinds[kind].inGroup(GROUP.config(namespace, configKey));
  }

  withLabels<K extends KindName>(
    kind: K,
    namespace: string,
    labels: Readonly<Record<string, string>>,
  ): readonly Cached<K>[] {
    return this.kinds[kind].withLabels(namespace, labels);
  }

  /** Number of objects of a kind. */
  count(kind: KindName): number {
    return this.kinds[kind].size;
  }

  /** Number of entries taken, unreadable ones included. */
  get size(): number {
    return this.revisions.size;
  }

  /** The revision of the entry that was taken last under a key of the store; 0 when there is none. */
  revisionAt(key: string): number {
    return this.revisions.get(key) ?? 0;
  }

  /** The store's key of every entry, in no order. */
  storeKeys(): Iterable<string> {
    return this.revisions.keys();
  }

  /** Puts the object in place of the one of that key, or removes it; returns what was there. */
  replace<K extends KindName>(key: ObjectKey<K>, after: Cached<K> | undefined): Cached<K> | undefined {
    if (after === undefined) this.revisions.delete(storeKey(key));
    else this.revisions.set(storeKey(key), after.revision);
    return this.kinds[key.kind].replace(key.namespace, key.name, after);
  }

  /** Notes an entry that cannot be read: there is no object, and yet nothing was missed. */
  passOver<K extends KindName>(key: ObjectKey<K>, revision: number): Cached<K> | undefined {
    const before = this.replace(key, undefined);
    this.revisions.set(storeKey(key), revision);
    return before;
  }
}
