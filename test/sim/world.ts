import type { MemoryEtcd } from "../../controlplane/store/memory-etcd.js";
import { decodeObject, parseStoreKey } from "../../kinds/object.js";
import type { KindMap, KindName } from "../../kinds/registry.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";

/** The store's objects as they are, read past every cache: what invariants are checked on. Decoded once per write. */
export class StoreTruth {
  private readonly etcd: MemoryEtcd;
  private readonly decoded = new Map<
    string,
    { readonly revision: number; readonly object: KindMap[KindName]; readonly kind: KindName }
  >();
  private seenRevision = 0;

  constructor(etcd: MemoryEtcd) {
    this.etcd = etcd;
  }

  /** Revision of the last write. */
  get revision(): number {
    return this.etcd.revision;
  }

  /** Every object of a kind with the revision of its last write, in order of key. */
  all<K extends KindName>(kind: K): readonly { readonly object: KindMap[K]; readonly revision: number }[] {
    this.refresh();
    const found: { object: KindMap[K]; revision: number }[] = [];
    for (const entry of this.decoded.values()) {
      // The entry's kind says what its object is.
      if (entry.kind === kind) found.push({ object: entry.object as KindMap[K], revision: entry.revision });
    }
    return found;
  }

  /** Pods by uid. */
  podsByUid(): ReadonlyMap<string, Pod> {
    return new Map(this.all("Pod").map(({ object }) => [object.metadata?.uid ?? "", object]));
  }

  private refresh(): void {
    if (this.etcd.revision === this.seenRevision) return;
    this.seenRevision = this.etcd.revision;
    const entries = this.etcd.list(["/tallship/"]);
    const keys = new Set(entries.map(({ key }) => key));
    for (const key of this.decoded.keys()) if (!keys.has(key)) this.decoded.delete(key);
    for (const { key, value, revision } of entries) {
      if (this.decoded.get(key)?.revision === revision || parseStoreKey(key) === undefined) continue;
      const { kind, object } = decodeObject(value);
      this.decoded.set(key, { kind, object, revision });
    }
  }
}
