import { afterAll, beforeAll, expect, test } from "vitest";
import { encodeObject, type Typed } from "../../kinds/object.js";
import { DEFAULTS } from "../../lib/limits.js";
import { silentLog } from "../../lib/log.js";
import { systemClock } from "../../lib/system-clock.js";
import { systemRng } from "../../lib/system-rng.js";
import type { CallContext, Handlers } from "../../lib/transport/service.js";
import { type ApplyResponse, type ObjectsDefinition, WatchRequest } from "../../proto/gen/tallship/v1/api.js";
import { ConfigMap } from "../../proto/gen/tallship/v1/configmap.js";
import { Service } from "../../proto/gen/tallship/v1/service.js";
import { ADMIN, requestsOf } from "../../test/kit/api-bench.js";
import { type RealEtcd, startEtcd } from "../../test/kit/etcd.js";
import { waitFor } from "../../test/kit/wait.js";
import { startWatchCache } from "../cache/watch-cache.js";
import { ensureEpoch } from "../store/epoch.js";
import { etcdStore } from "../store/etcd.js";
import { META } from "../store/keys.js";
import { Sealer } from "../store/seal.js";
import { sealedStore } from "../store/sealed-store.js";
import type { Store } from "../store/store.js";
import { ensureSystemObjects } from "./bootstrap.js";
import { objectsService } from "./objects.js";
import type { ObjectsDeps } from "./objects-deps.js";
import { WatchHub } from "./watch/watch-hub.js";

let etcd: RealEtcd;
const stop = new AbortController();
const stores: Store[] = [];
const context: CallContext = { identity: ADMIN, signal: stop.signal, peer: "test" };

beforeAll(async () => {
  etcd = await startEtcd();
});
afterAll(async () => {
  stop.abort();
  for (const store of stores) await store.close();
  await etcd.remove();
});

interface Replica {
  readonly api: Handlers<typeof ObjectsDefinition>;
  readonly deps: ObjectsDeps;
}

async function openReplica(): Promise<Replica> {
  const edges = { clock: systemClock, rng: systemRng, log: silentLog };
  const sealer = new Sealer(Buffer.alloc(32, 7));
  const bare = etcdStore({ endpoints: () => [etcd.endpoint] }, edges);
  stores.push(bare);
  const store = sealedStore(bare, sealer, systemRng);
  const clusterEpoch = await ensureEpoch(store, systemClock, systemRng);
  const { cache } = await startWatchCache({ ...edges, store, clusterEpoch }, stop.signal);
  const deps = { ...edges, store, cache, sealer, ranges: DEFAULTS, hub: new WatchHub(cache, systemClock) };
  await ensureSystemObjects(deps, stop.signal);
  return { api: objectsService(deps), deps };
}

const config = (name: string, text: string): Typed => ({
  kind: "ConfigMap",
  object: ConfigMap.fromPartial({ metadata: { name, namespace: "default" }, data: { text } }),
});
const outcomes = ({ results }: ApplyResponse): readonly string[] => [...new Set(results.map(({ outcome }) => outcome))];

test("a set of a thousand is created, found unchanged, and changed, over two replicas; a watch sees each change once", async () => {
  const [one, two] = [await openReplica(), await openReplica()];
  const seen: number[] = [];
  const watching = (async () => {
    const request = WatchRequest.fromPartial({ selections: [{ kind: "ConfigMap" }] });
    for await (const { events } of two.api.watch(request, context))
      for (const { item } of events) seen.push(item?.revision ?? 0);
  })();
  const set = (text: string): Typed[] => Array.from({ length: 1_000 }, (_, at) => config(`c${at}`, text));
  expect(outcomes(await one.api.apply(requestsOf(set("one")), context))).toEqual(["created"]);
  expect(outcomes(await two.api.apply(requestsOf(set("one")), context))).toEqual(["unchanged"]);
  const changed = await two.api.apply(requestsOf(set("two")), context);
  expect(outcomes(changed)).toEqual(["configured"]);
  expect(changed.revisionName).toBe("web-2");
  expect(outcomes(await one.api.apply(requestsOf(set("two")), context))).toEqual(["unchanged"]);
  await waitFor("the watch to be in step", async () => seen.length >= 2_000 && (seen.at(-1) ?? 0) >= changed.revision);
  expect(seen).toHaveLength(2_000);
  void watching;
});

test("services that two replicas create at once from a range of six all have addresses of their own", async () => {
  const replicas = [await openReplica(), await openReplica()];
  const ranges = {
    ...DEFAULTS,
    serviceCIDR: "10.97.0.0/29",
    dnsAddress: "10.97.0.1",
    nodePortMin: 30_000,
    nodePortMax: 30_010,
  };
  const apis = replicas.map(({ deps }) => objectsService({ ...deps, ranges }));
  const create = (api: Replica["api"], at: number) => {
    const parts = { metadata: { name: `s${at}`, namespace: "default" }, spec: { ports: [{ port: 80 }] } };
    const object = Buffer.from(encodeObject({ kind: "Service", object: Service.fromPartial(parts) }));
    return api.create({ object, dryRun: false }, context);
  };
  await Promise.all([0, 1, 2, 3, 4].flatMap((at) => apis.slice(at % 2, (at % 2) + 1).map((api) => create(api, at))));
  const taken = await replicas[0]?.deps.store.list(META.taken);
  expect(taken?.entries.map(({ key }) => key.split("/").at(-1))).toEqual([
    "10.97.0.2",
    "10.97.0.3",
    "10.97.0.4",
    "10.97.0.5",
    "10.97.0.6",
  ]);
});
