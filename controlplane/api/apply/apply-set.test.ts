import { afterEach, expect, test } from "vitest";
import { encodeObject, type Typed } from "../../../kinds/object.js";
import { TallshipError } from "../../../lib/errors.js";
import { ConfigMap } from "../../../proto/gen/tallship/v1/configmap.js";
import { Deployment } from "../../../proto/gen/tallship/v1/deployment.js";
import { Namespace } from "../../../proto/gen/tallship/v1/namespace.js";
import { Secret } from "../../../proto/gen/tallship/v1/secret.js";
import { ADMIN, type ApiBench, openApiBench, requestsOf } from "../../../test/kit/api-bench.js";
import { CONTENT } from "../../store/keys.js";

let benches: ApiBench[] = [];
afterEach(() => {
  for (const bench of benches) bench.close();
  benches = [];
});
async function open(options: Parameters<typeof openApiBench>[0] = {}): Promise<ApiBench> {
  const bench = await openApiBench(options);
  benches.push(bench);
  return bench;
}

const config = (name: string, data: Record<string, string>, namespace = "default"): Typed => ({
  kind: "ConfigMap",
  object: ConfigMap.fromPartial({ metadata: { name, namespace }, data }),
});
const namespace = (name: string): Typed => ({
  kind: "Namespace",
  object: Namespace.fromPartial({ metadata: { name } }),
});
const deployment = (image: string, replicas?: number): Typed => ({
  kind: "Deployment",
  object: Deployment.fromPartial({
    metadata: { name: "web", namespace: "default" },
    spec: {
      replicas,
      selector: { matchLabels: { app: "web" } },
      template: { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "web", image }] } },
    },
  }),
});
const dataOf = (typed: Typed | undefined) => (typed?.kind === "ConfigMap" ? typed.object.data : undefined);

test("a set is created, and applying it again writes nothing at all", async () => {
  const bench = await open();
  const set = [config("a", { k: "1" }), deployment("web:1")];
  const first = await bench.apply(set);
  expect(first.results.map(({ outcome }) => outcome)).toEqual(["created", "created"]);
  expect(first.revisionName).toBe("web-1");
  const before = bench.etcd.revision;
  const again = await bench.apply(set);
  expect(again.results.map(({ outcome }) => outcome)).toEqual(["unchanged", "unchanged"]);
  expect(again.revisionName).toBe("web-1");
  expect(bench.etcd.revision).toBe(before);
});

test("server fields are set, and the generation grows with the spec alone", async () => {
  const bench = await open();
  await bench.apply([deployment("web:1")]);
  const created = await bench.get("Deployment", "default", "web");
  expect(created?.object.metadata).toMatchObject({ generation: 1, resourceVersion: "" });
  expect(created?.object.metadata?.uid).toMatch(/^[0-9a-f-]{36}$/);
  expect(created?.object.metadata?.creationTimestamp).toBe("2023-11-14T22:13:20Z");
  expect(created?.kind === "Deployment" && created.object.spec?.replicas).toBe(1);
  await bench.apply([deployment("web:2")]);
  expect((await bench.get("Deployment", "default", "web"))?.object.metadata?.generation).toBe(2);
  const labelled = deployment("web:2");
  await bench.apply([
    {
      ...labelled,
      object: { ...labelled.object, metadata: { ...labelled.object.metadata, labels: { a: "b" } } },
    } as Typed,
  ]);
  const last = await bench.get("Deployment", "default", "web");
  expect(last?.object.metadata).toMatchObject({
    generation: 2,
    labels: { a: "b" },
    uid: created?.object.metadata?.uid,
  });
});

test("every error of every document is reported with its source, and nothing is written", async () => {
  const bench = await open();
  const before = bench.etcd.revision;
  const bad = deployment("");
  const response = await bench.apply([
    config("ok", {}),
    bad,
    config("BAD name", {}),
    config("ok", {}),
    config("x", {}, "nowhere"),
  ]);
  expect(response.results.map(({ outcome, code }) => [outcome, code])).toEqual([
    ["skipped", ""],
    ["failed", "invalid_argument"],
    ["failed", "invalid_argument"],
    ["failed", "invalid_argument"],
    ["failed", "not_found"],
  ]);
  expect(response.results[1]?.message).toBe(
    "web.yaml:2:1: spec.template.spec.containers[0].image: this field is required",
  );
  expect(response.results[3]?.message).toContain("stands twice, first at web.yaml:1:1");
  expect(bench.etcd.revision).toBe(before);
});

test("a namespace and what stands in it come in one set, in any order", async () => {
  const bench = await open();
  const response = await bench.apply([config("a", {}, "shop"), namespace("shop")]);
  expect(response.results.map(({ outcome }) => outcome)).toEqual(["created", "created"]);
});

test("a dry run says what would happen and writes nothing", async () => {
  const bench = await open();
  await bench.apply([config("a", { k: "1" })]);
  const before = bench.etcd.revision;
  const response = await bench.apply([config("a", { k: "2" }), config("b", {})], { dryRun: true });
  expect(response.results.map(({ outcome }) => outcome)).toEqual(["configured", "created"]);
  expect(bench.etcd.revision).toBe(before);
});

test("what an edit changed and the set does not hold survives the next apply", async () => {
  const bench = await open();
  await bench.apply([deployment("web:1")]);
  const live = await bench.get("Deployment", "default", "web");
  if (live?.kind !== "Deployment" || live.object.spec === undefined) throw new Error("no deployment");
  const scaled: Typed = { kind: "Deployment", object: { ...live.object, spec: { ...live.object.spec, replicas: 7 } } };
  await bench.api.update({ object: Buffer.from(encodeObject(scaled)), dryRun: false }, bench.as(ADMIN));
  await bench.caughtUp();
  await bench.apply([deployment("web:2")]);
  const after = await bench.get("Deployment", "default", "web");
  expect(after?.kind === "Deployment" && after.object.spec?.replicas).toBe(7);
});

test("a second manager conflicts over a field, unless it is forced; then the first one conflicts", async () => {
  const bench = await open();
  await bench.apply([deployment("web:1", 3)]);
  const clash = await bench.apply([deployment("web:1", 5)], { manager: "ops", set: "ops" });
  expect(clash.results[0]).toMatchObject({ outcome: "failed", code: "field_conflict" });
  expect(clash.results[0]?.message).toContain("spec.replicas: manager tsctl applied another value");
  const forced = await bench.apply([deployment("web:1", 5)], { manager: "ops", set: "ops", force: true });
  expect(forced.results[0]?.outcome).toBe("configured");
  expect((await bench.apply([deployment("web:2", 3)])).results[0]?.code).toBe("field_conflict");
  // What tsctl leaves out is ops' now, although tsctl once held it.
  expect((await bench.apply([deployment("web:2")])).results[0]?.outcome).toBe("failed");
  const after = await bench.get("Deployment", "default", "web");
  expect(after?.kind === "Deployment" && after.object.spec?.replicas).toBe(5);
});

test("a revision names each member's contents before and after, and the contents are stored once", async () => {
  const bench = await open();
  await bench.apply([config("a", { k: "1" }), config("b", { k: "1" })]);
  await bench.apply([config("a", { k: "2" }), config("b", { k: "1" })]);
  const revision = await bench.get("Revision", "default", "web-2");
  if (revision?.kind !== "Revision") throw new Error("no revision");
  expect(revision.object.status?.phase).toBe("done");
  expect(revision.object.spec).toMatchObject({ set: "web", number: 2, user: "ann", manager: "tsctl" });
  const [a, b] = revision.object.spec?.members ?? [];
  expect(a?.before).not.toBe(a?.after);
  expect(b?.before).toBe(b?.after);
  const before = await bench.store.get(CONTENT.plain + a?.before);
  expect(dataOf({ kind: "ConfigMap", object: ConfigMap.decode(before?.value ?? new Uint8Array()) })).toEqual({
    k: "1",
  });
  expect((await bench.store.list(CONTENT.plain)).entries).toHaveLength(3);
});

test("ten revisions of a set are kept, and contents that none names any more are collected", async () => {
  const bench = await open();
  for (let at = 1; at <= 14; at += 1) await bench.apply([config("a", { k: `${at}` }), config("b", { same: "yes" })]);
  const kept = await bench.list({ kind: "Revision" });
  expect(kept.map(({ object }) => object.metadata?.name).sort()).toEqual(
    [5, 6, 7, 8, 9, 10, 11, 12, 13, 14].map((number) => `web-${number}`).sort(),
  );
  // Eleven states of a: the first kept revision names the one before it. One of b.
  expect((await bench.store.list(CONTENT.plain)).entries).toHaveLength(12);
});

test("an object that almost fills its bound can be applied, changed and have keys dropped", async () => {
  const bench = await open();
  const large = "x".repeat(900_000);
  await bench.apply([config("a", { large, drop: "1" })]);
  expect((await bench.apply([config("a", { large, drop: "1" })])).results[0]?.outcome).toBe("unchanged");
  const { results } = await bench.apply([config("a", { large, add: "1" })]);
  expect(results[0]?.outcome).toBe("configured");
  expect(Object.keys(dataOf(await bench.get("ConfigMap", "default", "a")) ?? {}).sort()).toEqual(["add", "large"]);
});

test("a secret's text is nowhere in the store, neither in the object nor in the contents of its applies", async () => {
  const bench = await open();
  const marker = "correct horse battery staple";
  const secret: Typed = {
    kind: "Secret",
    object: Secret.fromPartial({ metadata: { name: "db", namespace: "default" }, stringData: { password: marker } }),
  };
  await bench.apply([secret]);
  const stored = await bench.get("Secret", "default", "db");
  expect(stored?.kind === "Secret" && stored.object.data["password"]?.toString()).toBe(marker);
  expect(stored?.kind === "Secret" && stored.object.stringData).toEqual({});
  expect((await bench.apply([secret])).results[0]?.outcome).toBe("unchanged");
  const raw = bench.etcd.list(["/"]);
  expect(raw.filter(({ key }) => key.includes("sealed-"))).toHaveLength(1);
  for (const { key, value } of raw) expect(Buffer.from(value).includes(marker), key).toBe(false);
});

test("an apply cut in the middle leaves its revision pending, and the rerun takes it up and finishes", async () => {
  let left = Number.POSITIVE_INFINITY;
  const bench = await open({
    wrap: (store) => ({
      ...store,
      transact: (transaction) => {
        left -= 1;
        return left < 0 ? new Promise(() => undefined) : store.transact(transaction);
      },
    }),
  });
  const set = Array.from({ length: 250 }, (_, at) => config(`c${at}`, { k: `${at}` }));
  // The revision, three transactions of contents, and two of three with objects.
  left = 6;
  void bench.api.apply(requestsOf(set), bench.as(ADMIN));
  while (left >= 0) await Promise.resolve();
  await bench.caughtUp();
  expect(await bench.list({ kind: "ConfigMap" })).toHaveLength(200);
  const cut = await bench.get("Revision", "default", "web-1");
  expect(cut?.kind === "Revision" && cut.object.status?.phase).toBe("pending");
  left = Number.POSITIVE_INFINITY;
  const rerun = await bench.apply(set);
  expect(rerun.revisionName).toBe("web-1");
  expect(await bench.list({ kind: "ConfigMap" })).toHaveLength(250);
  const done = await bench.get("Revision", "default", "web-1");
  expect(done?.kind === "Revision" && done.object.status?.phase).toBe("done");
  expect(done?.kind === "Revision" && done.object.spec?.members.every(({ before }) => before === "")).toBe(true);
});

test("a set larger than one revision can name keeps its members in contents", async () => {
  const bench = await open();
  const set = Array.from({ length: 1_500 }, (_, at) => config(`c${at}`, {}));
  const first = await bench.apply(set);
  expect(first.results.every(({ outcome }) => outcome === "created")).toBe(true);
  const revision = await bench.get("Revision", "default", "web-1");
  expect(revision?.kind === "Revision" && revision.object.spec).toMatchObject({ members: [] });
  expect(revision?.kind === "Revision" && revision.object.spec?.memberChunks).toHaveLength(2);
  const before = bench.etcd.revision;
  expect((await bench.apply(set)).revisionName).toBe("web-1");
  expect(bench.etcd.revision).toBe(before);
});

test("two replicas that apply the same set at once both end with it, and neither loses a document", async () => {
  const one = await open();
  const two = await open({ etcd: one.etcd, seed: 2 });
  await two.caughtUp();
  const sets = [1, 2].map((version) =>
    Array.from({ length: 120 }, (_, at) => config(`c${at}`, { [`from${version}`]: "x", k: `${version}` })),
  );
  const [left, right] = await Promise.all([
    one.apply(sets[0] ?? [], { manager: "one", force: true }),
    two.apply(sets[1] ?? [], { manager: "two", force: true, set: "other" }),
  ]);
  for (const { results } of [left, right]) expect(results.filter(({ outcome }) => outcome === "failed")).toEqual([]);
  const data = (await one.list({ kind: "ConfigMap" })).map(dataOf);
  expect(data).toHaveLength(120);
  for (const each of data) expect(each).toMatchObject({ from1: "x", from2: "x" });
});

test("what looks unchanged to a cache that is behind is applied all the same, with a revision that says so", async () => {
  const bench = await open();
  await bench.apply([config("a", { k: "1" })]);
  const late = await open({ etcd: bench.etcd, seed: 2 });
  late.cacheLink.setReachable(false);
  await bench.apply([config("a", { k: "2" })]);
  const response = await late.api.apply(requestsOf([config("a", { k: "1" })]), late.as(ADMIN));
  expect(response.results[0]?.outcome).toBe("configured");
  expect(response.revisionName).toBe("web-3");
  expect(dataOf(await bench.get("ConfigMap", "default", "a"))).toEqual({ k: "1" });
});

test("a small set is one transaction with its revision and contents, and is never seen in part", async () => {
  const sizes: number[] = [];
  const bench = await open({
    wrap: (store) => ({
      ...store,
      transact: (transaction) => {
        sizes.push(transaction.writes.length);
        return store.transact(transaction);
      },
    }),
  });
  sizes.length = 0;
  await bench.apply([namespace("shop"), config("a", {}, "shop"), deployment("web:1")]);
  expect(sizes).toEqual([7]);
  await bench.apply([namespace("shop"), config("a", { k: "1" }, "shop"), deployment("web:1")]);
  // The object, its new content and the revision; what the revision before named is there.
  expect(sizes).toEqual([7, 3]);
  const last = await bench.get("Revision", "default", "web-2");
  expect(last?.kind === "Revision" && last.object.status?.phase).toBe("done");
});

test("a small set that loses a race is decided again as a whole, its revision included", async () => {
  const bench = await open();
  await bench.apply([config("a", { k: "1" }), config("b", { k: "1" })]);
  const late = await open({ etcd: bench.etcd, seed: 2 });
  late.cacheLink.setReachable(false);
  await bench.apply([config("a", { k: "2" }), config("b", { k: "1" })]);
  const response = await late.api.apply(requestsOf([config("a", { k: "3" }), config("b", { k: "1" })]), late.as(ADMIN));
  expect(response.results.map(({ outcome }) => outcome)).toEqual(["configured", "unchanged"]);
  expect(response.revisionName).toBe("web-3");
  const [second, third] = [
    await bench.get("Revision", "default", "web-2"),
    await bench.get("Revision", "default", "web-3"),
  ].map((typed) => (typed?.kind === "Revision" ? typed.object.spec?.members[0] : undefined));
  expect(third?.before).toBe(second?.after);
});

test("a small set whose store does not answer fails as a whole and is sent once", async () => {
  let isDown = false;
  let sent = 0;
  const bench = await open({
    wrap: (store) => ({
      ...store,
      transact: (transaction) => {
        if (!isDown) return store.transact(transaction);
        sent += 1;
        throw new TallshipError("store_unavailable", "etcd does not answer");
      },
    }),
  });
  isDown = true;
  const { results } = await bench.apply([config("a", {}), config("b", {})]);
  expect(results.map(({ code }) => code)).toEqual(["store_unavailable", "store_unavailable"]);
  expect(sent).toBe(1);
});

test("a set of few but large documents goes step by step", async () => {
  const bench = await open();
  const large = "x".repeat(500_000);
  const { results } = await bench.apply([1, 2, 3, 4].map((at) => config(`c${at}`, { large })));
  expect(results.map(({ outcome }) => outcome)).toEqual(["created", "created", "created", "created"]);
  const revision = await bench.get("Revision", "default", "web-1");
  expect(revision?.kind === "Revision" && revision.object.status?.phase).toBe("done");
});
