import { type ObjectKey, storeKey } from "../../kinds/object.js";
import { KINDS, type KindMap, type KindName } from "../../kinds/registry.js";
import { GROUP } from "./groups.js";
import { KindIndex } from "./kind-index.js";
import type { Cached, View } from "./view.js";

/** A view that its owner writes: one synchronous call per object, then `revision` is moved on. */
export class ObjectView implements View {
  /** Everything up to this revision is reflected. Only the owner sets it. */
  revision = 0;
  private readonly byStoreKey = new Map<string, Cached>();
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

  /** Number of objects of all kinds. */
  get size(): number {
    return this.byStoreKey.size;
  }

  /** The object of a key of the store; undefined also when the key is no object's. */
  at(key: string): Cached | undefined {
    return this.byStoreKey.get(key);
  }

  /** The store's key of every object, in no order. */
  storeKeys(): Iterable<string> {
    return this.byStoreKey.keys();
  }

  /** Puts the object in place of the one of that key, or removes it; returns what was there. */
  replace<K extends KindName>(key: ObjectKey<K>, after: Cached<K> | undefined): Cached<K> | undefined {
    if (after === undefined) this.byStoreKey.delete(storeKey(key));
    else this.byStoreKey.set(storeKey(key), after);
    return this.kinds[key.kind].replace(key.namespace, key.name, after);
  }
}
