import { ensureSystemObjects } from "../../controlplane/api/bootstrap.js";
import { objectsService } from "../../controlplane/api/objects.js";
import type { ObjectsDeps } from "../../controlplane/api/objects-deps.js";
import { WatchHub } from "../../controlplane/api/watch/watch-hub.js";
import type { WatchCache } from "../../controlplane/cache/view.js";
import { startWatchCache } from "../../controlplane/cache/watch-cache.js";
import { MemoryStore } from "../../controlplane/store/memory.js";
import { MemoryEtcd } from "../../controlplane/store/memory-etcd.js";
import { Sealer } from "../../controlplane/store/seal.js";
import { sealedStore } from "../../controlplane/store/sealed-store.js";
import type { Store } from "../../controlplane/store/store.js";
import { decodeObject, encodeObject, type Typed } from "../../kinds/object.js";
import type { KindName } from "../../kinds/registry.js";
import { DEFAULTS } from "../../lib/limits.js";
import { silentLog } from "../../lib/log.js";
import { seededRng } from "../../lib/rng.js";
import type { CallContext, Handlers, Identity } from "../../lib/transport/service.js";
import {
  ApplyHeader,
  type ApplyRequest,
  type ApplyResponse,
  type Item,
  type ObjectsDefinition,
  Selection,
} from "../../proto/gen/tallship/v1/api.js";
import { ManualClock } from "./manual-clock.js";

/** The identity that tests use unless they say otherwise. */
export const ADMIN: Identity = { role: "admin", name: "ann" };

/** One API over a store in memory, with its cache. */
export interface ApiBench {
  readonly api: Handlers<typeof ObjectsDefinition>;
  readonly deps: ObjectsDeps;
  readonly cache: WatchCache;
  readonly clock: ManualClock;
  /** What is in the store, unsealed. */
  readonly store: Store;
  readonly etcd: MemoryEtcd;
  /** The cache's own connection: cut off, the cache falls behind while writes go on. */
  readonly cacheLink: MemoryStore;
  as(identity: Identity): CallContext;
  /** Applies documents as one set. */
  apply(documents: readonly Typed[], header?: Partial<ApplyHeader>): Promise<ApplyResponse>;
  create(typed: Typed): Promise<Typed>;
  get(kind: KindName, namespace: string, name: string): Promise<Typed | undefined>;
  list(selection: Partial<Selection>, identity?: Identity): Promise<readonly Typed[]>;
  /** Resolves once the cache has caught up with the store. */
  caughtUp(): Promise<void>;
  close(): void;
}

/** Opens a bench; several over one MemoryEtcd are replicas of one control plane. `wrap` puts a faulty store in between. */
export async function openApiBench(
  options: {
    readonly etcd?: MemoryEtcd;
    readonly seed?: number;
    readonly wrap?: (store: Store) => Store;
    readonly ranges?: Partial<ObjectsDeps["ranges"]>;
  } = {},
): Promise<ApiBench> {
  const stop = new AbortController();
  const etcd = options.etcd ?? new MemoryEtcd();
  const clock = new ManualClock();
  const rng = seededRng(options.seed ?? 1);
  const sealer = new Sealer(Buffer.alloc(32, 7));
  const memory = sealedStore(new MemoryStore(clock, etcd), sealer, rng);
  const store = options.wrap?.(memory) ?? memory;
  const cacheLink = new MemoryStore(clock, etcd);
  const cacheStore = sealedStore(cacheLink, sealer, rng);
  const started = await startWatchCache(
    { store: cacheStore, clock, rng, log: silentLog, clusterEpoch: "epoch-1" },
    stop.signal,
  );
  const { cache } = started;
  const ranges = { ...DEFAULTS, ...options.ranges };
  const deps: ObjectsDeps = { store, cache, clock, rng, sealer, ranges, hub: new WatchHub(cache, clock) };
  const api = objectsService(deps);
  const as = (identity: Identity): CallContext => ({ identity, signal: stop.signal, peer: "test" });
  const caughtUp = async (): Promise<void> => {
    const { revision } = await memory.list("/tallship/meta/none/");
    while (cache.view.revision < revision) await Promise.resolve();
  };
  await ensureSystemObjects(deps, stop.signal);
  await caughtUp();
  return {
    api,
    deps,
    cache,
    clock,
    store: memory,
    etcd,
    cacheLink,
    as,
    caughtUp,
    apply: async (documents, header = {}) => {
      const response = await api.apply(requestsOf(documents, header), as(ADMIN));
      await caughtUp();
      return response;
    },
    create: async (typed) => {
      const item = await api.create({ object: Buffer.from(encodeObject(typed)), dryRun: false }, as(ADMIN));
      await caughtUp();
      return decodeItem(item);
    },
    get: async (kind, namespace, name) => {
      await caughtUp();
      const cached = cache.view.cached(kind, namespace, name);
      return cached === undefined ? undefined : decodeObject(cached.bytes);
    },
    list: async (selection, identity = ADMIN) => {
      const found: Typed[] = [];
      const request = { selection: Selection.fromPartial(selection), minRevision: 0 };
      for await (const { items } of api.list(request, as(identity))) found.push(...items.map(decodeItem));
      return found;
    },
    close: () => stop.abort(),
  };
}

/** The stream of one apply. */
export async function* requestsOf(
  documents: readonly Typed[],
  header: Partial<ApplyHeader> = {},
): AsyncGenerator<ApplyRequest, void, undefined> {
  yield { part: { $case: "header", value: ApplyHeader.fromPartial({ set: "web", ...header }) } };
  for (const [at, typed] of documents.entries()) {
    const value = { object: Buffer.from(encodeObject(typed)), source: `web.yaml:${at + 1}:1` };
    yield { part: { $case: "document", value } };
  }
}

/** The object of an item. */
export function decodeItem(item: Item): Typed {
  return decodeObject(item.object);
}
