import type { MemoryEtcd } from "../../controlplane/store/memory-etcd.js";
import type { StoreEvent } from "../../controlplane/store/store.js";
import { decodeObject, parseStoreKey } from "../../kinds/object.js";
import type { KindMap, KindName } from "../../kinds/registry.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";

interface Held {
  readonly object: KindMap[KindName];
  readonly revision: number;
}

/** The store's objects as they are, read past every cache: what invariants are checked on. Decoded once per write. */
export class StoreTruth {
  private readonly etcd: MemoryEtcd;
  private readonly objects = new Map<KindName, Map<string, Held>>();
  private pods: ReadonlyMap<string, Pod> | undefined;
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
    // What is held under a kind is of that kind.
    const held = [...(this.objects.get(kind) ?? [])] as [string, { object: KindMap[K]; revision: number }][];
    return held.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each);
  }

  /** Pods by uid. */
  podsByUid(): ReadonlyMap<string, Pod> {
    this.refresh();
    this.pods ??= new Map(this.all("Pod").map(({ object }) => [object.metadata?.uid ?? "", object]));
    return this.pods;
  }

  private refresh(): void {
    for (;;) {
      const batch = this.etcd.changesAfter(this.seenRevision, ["/tallship/"]);
      if (batch === undefined) return;
      for (const event of batch.events) this.take(event);
      this.seenRevision = batch.revision;
    }
  }

  private take(event: StoreEvent): void {
    const key = event.type === "put" ? event.entry.key : event.key;
    const name = parseStoreKey(key);
    if (name === undefined) return;
    const ofKind = this.objects.get(name.kind) ?? new Map<string, Held>();
    this.objects.set(name.kind, ofKind);
    if (event.type === "delete") ofKind.delete(key);
    else ofKind.set(key, { object: decodeObject(event.entry.value).object, revision: event.entry.revision });
    if (name.kind === "Pod") this.pods = undefined;
  }
}
