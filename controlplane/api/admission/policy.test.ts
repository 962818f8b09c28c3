import { afterEach, describe, expect, test } from "vitest";
import { encodeObject, type Typed } from "../../../kinds/object.js";
import { ConfigMap } from "../../../proto/gen/tallship/v1/configmap.js";
import { LimitRange } from "../../../proto/gen/tallship/v1/limitrange.js";
import { Pod } from "../../../proto/gen/tallship/v1/pod.js";
import { PriorityClass } from "../../../proto/gen/tallship/v1/priorityclass.js";
import { ResourceQuota } from "../../../proto/gen/tallship/v1/resourcequota.js";
import { Service } from "../../../proto/gen/tallship/v1/service.js";
import { ServiceAccount } from "../../../proto/gen/tallship/v1/serviceaccount.js";
import { ADMIN, type ApiBench, openApiBench } from "../../../test/kit/api-bench.js";
import type { Store } from "../../store/store.js";

let bench: ApiBench | undefined;
afterEach(() => bench?.close());

const meta = (name: string) => ({ name, namespace: "default" });
type Resources = { readonly requests?: Record<string, string>; readonly limits?: Record<string, string> };
const pod = (name: string, resources: Resources = {}, spec: object = {}): Typed => ({
  kind: "Pod",
  object: Pod.fromPartial({
    metadata: meta(name),
    spec: { containers: [{ name: "c", image: "i:1", resources }], ...spec },
  }),
});
const config = (name: string): Typed => ({
  kind: "ConfigMap",
  object: ConfigMap.fromPartial({ metadata: meta(name) }),
});
const quotaOf = (hard: Record<string, string>, spec: object = {}): Typed => ({
  kind: "ResourceQuota",
  object: ResourceQuota.fromPartial({ metadata: meta("q"), spec: { hard, ...spec } }),
});
const rangeOf = (limit: object): Typed => ({
  kind: "LimitRange",
  object: LimitRange.fromPartial({ metadata: meta("r"), spec: { limits: [limit] } }),
});
const classOf = (name: string, value: number, more: object = {}): Typed => ({
  kind: "PriorityClass",
  object: PriorityClass.fromPartial({ metadata: { name }, value, ...more }),
});

async function open(...objects: readonly Typed[]): Promise<ApiBench> {
  bench = await openApiBench();
  for (const typed of objects) await bench.create(typed);
  await bench.caughtUp();
  return bench;
}

async function used(api: ApiBench): Promise<unknown> {
  const typed = await api.get("ResourceQuota", "default", "q");
  return typed?.kind === "ResourceQuota" ? typed.object.status?.used : undefined;
}

/** Writes a record as it stands, as anybody does who changes nothing that counts here. */
async function touch(store: Store, key: string): Promise<void> {
  const entry = await store.get(key);
  if (entry !== undefined) await store.transact({ checks: [], writes: [{ op: "put", key, value: entry.value }] });
}

async function podSpec(api: ApiBench, name: string): Promise<Pod["spec"]> {
  const typed = await api.get("Pod", "default", name);
  return typed?.kind === "Pod" ? typed.object.spec : undefined;
}

describe("quotas", () => {
  test("creates that race cannot exceed a quota together", async () => {
    const api = await open(quotaOf({ configmaps: "5" }));
    const results = await Promise.allSettled(Array.from({ length: 20 }, (_, at) => api.create(config(`c${at}`))));
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(5);
    expect(await used(api)).toEqual({ configmaps: "5" });
    const refusals = results.flatMap((result) => (result.status === "rejected" ? [String(result.reason)] : []));
    expect(new Set(refusals.map((text) => text.replace(/c\d+/, "c")))).toEqual(
      new Set([
        "TallshipError: create ConfigMap/default/c: forbidden: exceeded quota: q, requested: configmaps=1, used: configmaps=5, limited: configmaps=5",
      ]),
    );
  });

  test("a set of many objects is counted object by object, and refused whole when it does not fit", async () => {
    const api = await open(quotaOf({ configmaps: "250", "count/configmaps": "250" }));
    const names = Array.from({ length: 250 }, (_, at) => config(`c${at}`));
    const fits = await api.apply(names);
    expect(new Set(fits.results.map(({ outcome }) => outcome))).toEqual(new Set(["created"]));
    expect(await used(api)).toEqual({ configmaps: "250", "count/configmaps": "250" });
    const more = await api.apply([config("d1")], { set: "other" });
    expect(more.results[0]?.message).toContain("exceeded quota: q");
  });

  test("a set of thousands is written under a quota although its namespace's other writers race with it", async () => {
    let writes = 0;
    bench = await openApiBench({
      wrap: (store) => ({
        ...store,
        transact: async (transaction) => {
          writes += 1;
          // Somebody else's create counts itself in between, now and then.
          if (writes % 7 === 0) await touch(store, "/tallship/core/ResourceQuota/default/q");
          return store.transact(transaction);
        },
      }),
    });
    const api = bench;
    await api.create(quotaOf({ configmaps: "3000" }));
    await api.caughtUp();
    const { results } = await api.apply(Array.from({ length: 2_500 }, (_, at) => config(`c${at}`)));
    expect(new Set(results.map(({ outcome, message }) => outcome + message))).toEqual(new Set(["created"]));
    expect(await used(api)).toEqual({ configmaps: "2500" });
    // Twenty-five transactions of a hundred objects, as many of contents, the revision's own, and those that lost.
    expect(writes).toBeLessThan(70);
  });

  test("a set that exceeds a quota writes nothing", async () => {
    const api = await open(quotaOf({ configmaps: "2" }));
    const { results } = await api.apply([config("a"), config("b"), config("c")]);
    expect(results.some(({ message }) => message.includes("exceeded quota"))).toBe(true);
    expect(await api.get("ConfigMap", "default", "a")).toBeUndefined();
  });

  test("requests and limits are summed, and a change of a service counts its node ports", async () => {
    const api = await open(quotaOf({ "requests.cpu": "1", "limits.memory": "1Gi", "services.nodeports": "1" }));
    await api.create(pod("a", { requests: { cpu: "600m" }, limits: { memory: "512Mi" } }));
    const wanted = pod("b", { requests: { cpu: "0.5" }, limits: { memory: "600Mi" } });
    await expect(api.create(wanted)).rejects.toThrow(
      "exceeded quota: q, requested: limits.memory=600Mi,requests.cpu=500m, used: limits.memory=512Mi,requests.cpu=600m, limited: limits.memory=1Gi,requests.cpu=1",
    );
    const service = (type: string, ports: number): Typed => ({
      kind: "Service",
      object: Service.fromPartial({
        metadata: meta("s"),
        spec: { type, ports: Array.from({ length: ports }, (_, at) => ({ name: `p${at}`, port: 80 + at })) },
      }),
    });
    await api.apply([service("ClusterIP", 2)]);
    const { results } = await api.apply([service("NodePort", 2)]);
    expect(results[0]?.message).toContain("exceeded quota: q, requested: services.nodeports=2");
    expect((await api.apply([service("NodePort", 1)])).results[0]?.outcome).toBe("configured");
  });

  test("scopes choose the pods that count", async () => {
    const api = await open(quotaOf({ pods: "0" }, { scopes: ["BestEffort"] }));
    await api.create(pod("burstable", { requests: { cpu: "1" } }));
    await expect(api.create(pod("best-effort"))).rejects.toThrow("exceeded quota");
  });
});

describe("limit ranges", () => {
  test("fill what containers leave out, before quotas count it", async () => {
    const range = rangeOf({ type: "Container", default: { cpu: "1" }, defaultRequest: { cpu: "500m" } });
    const api = await open(range, quotaOf({ "requests.cpu": "2", "limits.cpu": "2" }));
    await api.create(pod("a"));
    const spec = await podSpec(api, "a");
    expect(spec?.containers[0]?.resources).toMatchObject({ limits: { cpu: "1" }, requests: { cpu: "500m" } });
    expect(await used(api)).toEqual({ "limits.cpu": "1", "requests.cpu": "500m" });
    const typed = await api.get("Pod", "default", "a");
    expect(typed?.kind === "Pod" && typed.object.status?.qosClass).toBe("Burstable");
  });

  const rows = [
    {
      limit: { min: { cpu: "1" } },
      resources: { requests: { cpu: "500m" } },
      want: "minimum cpu usage per Container is 1, but request is 500m",
    },
    {
      limit: { min: { cpu: "1" }, defaultRequest: { memory: "1Gi" } },
      resources: { requests: { cpu: "1" }, limits: { cpu: "1" } },
      want: undefined,
    },
    {
      limit: { max: { memory: "1Gi" } },
      resources: { limits: { memory: "2Gi" } },
      want: "maximum memory usage per Container is 1Gi, but limit is 2Gi",
    },
    {
      limit: { type: "Pod", max: { cpu: "1" } },
      resources: {},
      want: "maximum cpu usage per Pod is 1.  No limit is specified",
    },
    {
      limit: { maxLimitRequestRatio: { cpu: "2" } },
      resources: { requests: { cpu: "1" }, limits: { cpu: "4" } },
      want: "cpu max limit to request ratio per Container is 2, but provided ratio is 4.000000",
    },
  ] as const;
  test.each(rows)("$limit", async ({ limit, resources, want }) => {
    const api = await open(rangeOf({ type: "Container", ...limit }));
    const created = api.create(pod("p", resources));
    if (want === undefined) await expect(created).resolves.toBeDefined();
    else await expect(created).rejects.toThrow(want);
  });
});

describe("service accounts", () => {
  const accountOf = (name: string, secret: string): Typed => ({
    kind: "ServiceAccount",
    object: ServiceAccount.fromPartial({ metadata: meta(name), imagePullSecrets: [{ name: secret }] }),
  });
  const secretsOf = async (api: ApiBench, name: string): Promise<unknown> =>
    (await podSpec(api, name))?.imagePullSecrets.map((secret) => secret.name);

  test("their secrets are those of pods that name none to pull images with", async () => {
    const api = await open(accountOf("default", "usual"), accountOf("builder", "other"));
    await api.create(pod("plain"));
    await api.create(pod("named", {}, { serviceAccountName: "builder" }));
    await api.create(pod("own", {}, { imagePullSecrets: [{ name: "mine" }] }));
    await api.create(pod("lost", {}, { serviceAccountName: "nobody" }));
    const found = await Promise.all(["plain", "named", "own", "lost"].map((name) => secretsOf(api, name)));
    expect(found).toEqual([["usual"], ["other"], ["mine"], []]);
  });

  test("applied and replaced from its file, a pod keeps them", async () => {
    const api = await open(accountOf("default", "usual"));
    const wanted = pod("a");
    await api.apply([wanted]);
    expect((await api.apply([wanted])).results[0]?.outcome).toBe("unchanged");
    await api.api.update({ object: Buffer.from(encodeObject(wanted)), dryRun: false }, api.as(ADMIN));
    expect(await secretsOf(api, "a")).toEqual(["usual"]);
  });
});

describe("priorities", () => {
  test("a pod has the priority of its class, of the default class, or none", async () => {
    const api = await open(classOf("high", 1000, { preemptionPolicy: "Never" }));
    await api.create(pod("plain"));
    await api.create(pod("high", {}, { priorityClassName: "high" }));
    await api.create(pod("system", {}, { priorityClassName: "system-node-critical" }));
    expect(await podSpec(api, "plain")).toMatchObject({ priority: 0, preemptionPolicy: "PreemptLowerPriority" });
    expect(await podSpec(api, "high")).toMatchObject({ priority: 1000, preemptionPolicy: "Never" });
    expect(await podSpec(api, "system")).toMatchObject({ priority: 2_000_001_000 });
    await api.create(classOf("usual", 7, { globalDefault: true }));
    await api.caughtUp();
    await api.create(pod("later"));
    expect(await podSpec(api, "later")).toMatchObject({ priority: 7, priorityClassName: "usual" });
  });

  test("a class that is missing, and a number of one's own, are refused", async () => {
    const api = await open();
    await expect(api.create(pod("a", {}, { priorityClassName: "none" }))).rejects.toThrow(
      "create Pod/default/a: forbidden: no PriorityClass with name none was found",
    );
    await expect(api.create(pod("b", {}, { priority: 5 }))).rejects.toThrow("must not be provided in pod spec");
  });

  test("a class may come with its pod", async () => {
    const api = await open();
    const { results } = await api.apply([pod("a", {}, { priorityClassName: "new" }), classOf("new", 3)]);
    expect(results.map(({ outcome }) => outcome)).toEqual(["created", "created"]);
    expect(await podSpec(api, "a")).toMatchObject({ priority: 3 });
  });

  test("applied and replaced from its file, a pod keeps what admission gave it", async () => {
    const api = await open(classOf("high", 9));
    const wanted = pod("a", {}, { priorityClassName: "high" });
    await api.apply([wanted]);
    expect((await api.apply([wanted])).results[0]?.outcome).toBe("unchanged");
    const bytes = encodeObject(wanted);
    await api.api.update({ object: Buffer.from(bytes), dryRun: false }, api.as(ADMIN));
    expect(await podSpec(api, "a")).toMatchObject({ priority: 9 });
  });
});
