import { afterEach, expect, test } from "vitest";
import type { Typed } from "../../../kinds/object.js";
import { encodeObject } from "../../../kinds/object.js";
import { EvictRequest } from "../../../proto/gen/tallship/v1/api.js";
import { Pod } from "../../../proto/gen/tallship/v1/pod.js";
import { PodDisruptionBudget } from "../../../proto/gen/tallship/v1/poddisruptionbudget.js";
import { ADMIN, type ApiBench, decodeItem, openApiBench } from "../../../test/kit/api-bench.js";

let bench: ApiBench;
afterEach(() => bench.close());

const bytes = (typed: Typed): Buffer => Buffer.from(encodeObject(typed));
const refused = (code: string) => expect.objectContaining({ code });

async function pod(name: string, { phase = "Running", ready = "True" } = {}): Promise<void> {
  const metadata = { name, namespace: "default", labels: { app: "web" } };
  const spec = { nodeName: "node-a", containers: [{ name: "main", image: "app:1" }] };
  await bench.create({ kind: "Pod", object: Pod.fromPartial({ metadata, spec }) });
  const status = { phase, conditions: [{ type: "Ready", status: ready }] };
  await report({ kind: "Pod", object: Pod.fromPartial({ metadata, status }) });
}

async function budget(
  name: string,
  disruptionsAllowed: number,
  { policy, healthy = 1 }: { readonly policy?: string; readonly healthy?: number } = {},
): Promise<void> {
  const metadata = { name, namespace: "default" };
  const spec = { selector: { matchLabels: { app: "web" } }, unhealthyPodEvictionPolicy: policy };
  await bench.create({ kind: "PodDisruptionBudget", object: PodDisruptionBudget.fromPartial({ metadata, spec }) });
  const status = { observedGeneration: 1, disruptionsAllowed, currentHealthy: healthy, desiredHealthy: 2 };
  await report({ kind: "PodDisruptionBudget", object: PodDisruptionBudget.fromPartial({ metadata, status }) });
}

async function report(typed: Typed): Promise<void> {
  const { results } = await bench.api.updateStatus({ objects: [bytes(typed)] }, bench.as(ADMIN));
  expect(results.map(({ code }) => code)).toEqual([""]);
  await bench.caughtUp();
}

async function evict(name: string, more: Partial<EvictRequest> = {}): Promise<boolean> {
  const request = EvictRequest.fromPartial({ namespace: "default", name, ...more });
  const { object } = decodeItem(await bench.api.evict(request, bench.as(ADMIN)));
  await bench.caughtUp();
  return object.metadata?.deletionTimestamp !== "";
}

const allowed = (): number | undefined =>
  bench.cache.view.get("PodDisruptionBudget", "default", "b")?.status?.disruptionsAllowed;

test("an eviction deletes the pod gracefully and counts; the next one is refused", async () => {
  bench = await openApiBench();
  for (const name of ["a", "b", "c"]) await pod(name);
  await budget("b", 1);
  expect(await evict("a")).toBe(true);
  expect(allowed()).toBe(0);
  await expect(evict("b")).rejects.toThrow(refused("budget_exceeded"));
  expect(await evict("a")).toBe(true);
});

test("of evictions at the same time a budget allows as many as it says", async () => {
  bench = await openApiBench();
  const names = ["a", "b", "c", "d"];
  for (const name of names) await pod(name);
  await budget("b", 2);
  const request = (name: string) => EvictRequest.fromPartial({ namespace: "default", name });
  const results = await Promise.allSettled(names.map((name) => bench.api.evict(request(name), bench.as(ADMIN))));
  await bench.caughtUp();
  expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(2);
  expect(allowed()).toBe(0);
});

test("a dry run decides and writes nothing", async () => {
  bench = await openApiBench();
  await pod("a");
  await budget("b", 1);
  expect(await evict("a", { dryRun: true })).toBe(true);
  expect(allowed()).toBe(1);
  expect(bench.cache.view.get("Pod", "default", "a")?.metadata?.deletionTimestamp).toBe("");
});

// What a budget that allows nothing says of pods that do not serve.
const rows = [
  { name: "a pod that does not run yet goes", pod: { phase: "Pending" }, budget: {}, goes: true },
  {
    name: "a pod that is not ready stays while the others do not suffice",
    pod: { ready: "False" },
    budget: {},
    goes: false,
  },
  {
    name: "a pod that is not ready goes when the others suffice",
    pod: { ready: "False" },
    budget: { healthy: 2 },
    goes: true,
  },
  {
    name: "a pod that is not ready goes when the policy says so",
    pod: { ready: "False" },
    budget: { policy: "AlwaysAllow" },
    goes: true,
  },
];

for (const row of rows)
  test(row.name, async () => {
    bench = await openApiBench();
    await pod("a", row.pod);
    await budget("b", 0, row.budget);
    if (row.goes) expect(await evict("a")).toBe(true);
    else await expect(evict("a")).rejects.toThrow(refused("budget_exceeded"));
  });

test("two budgets over one pod, a pod that is gone and another uid are refused", async () => {
  bench = await openApiBench();
  await pod("a");
  await budget("b", 1);
  await expect(evict("none")).rejects.toThrow(refused("not_found"));
  await expect(evict("a", { uid: "other" })).rejects.toThrow(refused("not_found"));
  await budget("second", 1);
  await expect(evict("a")).rejects.toThrow(refused("failed_precondition"));
});
