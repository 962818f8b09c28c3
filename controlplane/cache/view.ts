import type { ObjectKey } from "../../kinds/object.js";
import type { KindMap, KindName } from "../../kinds/registry.js";

/** A cached object and the revision of its last write. */
export interface Cached<K extends KindName = KindName> {
  readonly kind: K;
  readonly object: KindMap[K];
  readonly revision: number;
  /** Bytes of AnyObject as stored, so that lists and watches need not encode. */
  readonly bytes: Uint8Array;
}

/** One change of the cache. `before` and `after` are undefined when absent. */
export interface CacheChange {
  readonly key: ObjectKey;
  readonly before: Cached | undefined;
  readonly after: Cached | undefined;
  readonly revision: number;
}

/**
 * Synchronous, consistent reads of every object as of one revision. Objects returned are shared and immutable.
 * Lists are in order of namespace and name.
 */
export interface View {
  /** Everything up to this revision is reflected. */
  readonly revision: number;
  get<K extends KindName>(kind: K, namespace: string, name: string): KindMap[K] | undefined;
  cached<K extends KindName>(kind: K, namespace: string, name: string): Cached<K> | undefined;
  list<K extends KindName>(kind: K, namespace?: string): readonly Cached<K>[];
  /** Objects with a controller reference to this uid. */
  ownedBy<K extends KindName>(kind: K, ownerUid: string): readonly Cached<K>[];
  /** Pods bound to a node; the empty name gives those that are not bound. */
  podsOnNode(nodeName: string): readonly Cached<"Pod">[];
  /** Objects of a namespace whose pods take values from a ConfigMap or Secret, named by configKey. Indexed for Pods and workloads. */
  usingConfig<K extends KindName>(kind: K, namespace: string, configKey: string): readonly Cached<K>[];
  /** Objects of a namespace that carry all these labels. Indexed by one of the labels. */
  withLabels<K extends KindName>(
    kind: K,
    namespace: string,
    labels: Readonly<Record<string, string>>,
  ): readonly Cached<K>[];
}

/**
 * Changes in order of revision, whole revisions only: the view reflects everything up to `revision` when it is delivered. A batch that
 * repairs what a watch of etcd lost carries the listing's revision, which may be that of the batch before.
 */
export interface CacheBatch {
  readonly changes: readonly CacheChange[];
  readonly revision: number;
}

/** A view that follows the store: what the API and the controllers read and watch. */
export interface WatchCache {
  readonly view: View;
  /** Epoch of the cluster; a restore changes it. */
  readonly clusterEpoch: string;
  /** Resolves once the view reflects the revision; too_new after limits.minRevisionWaitMs. */
  waitFor(revision: number, signal: AbortSignal): Promise<void>;
  /** Calls synchronously with each batch, after the view reflects it. Returns how to stop. */
  subscribe(listener: (batch: CacheBatch) => void): () => void;
  /** The batches after a revision that are still kept (limits.watchHistoryEvents); undefined when some are forgotten. */
  batchesAfter(revision: number): readonly CacheBatch[] | undefined;
}
