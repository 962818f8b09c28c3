import { afterEach, expect, test } from "vitest";
import { encodeObject, type Typed } from "../../kinds/object.js";
import type { KindName } from "../../kinds/registry.js";
import type { Identity } from "../../lib/transport/service.js";
import { DeleteRequest } from "../../proto/gen/tallship/v1/api.js";
import { ConfigMap } from "../../proto/gen/tallship/v1/configmap.js";
import { Deployment } from "../../proto/gen/tallship/v1/deployment.js";
import { Namespace } from "../../proto/gen/tallship/v1/namespace.js";
import { Pod, PodStatus } from "../../proto/gen/tallship/v1/pod.js";
import { Secret } from "../../proto/gen/tallship/v1/secret.js";
import { ADMIN, type ApiBench, decodeItem, openApiBench } from "../../test/kit/api-bench.js";

let bench: ApiBench;
afterEach(() => bench.close());

const NODE_A: Identity = { role: "node", name: "node-a" };
const bytes = (typed: Typed): Buffer => Buffer.from(encodeObject(typed));
const refused = (code: string) => expect.objectContaining({ code });

type PodParts = NonNullable<Parameters<typeof Pod.fromPartial>[0]>;
const pod = (name: string, parts: PodParts = {}): Typed<"Pod"> => ({
  kind: "Pod",
  object: Pod.fromPartial({
    ...parts,
    metadata: { name, namespace: "default", ...parts.metadata },
    spec: { containers: [{ name: "main", image: "app:1" }], ...parts.spec },
  }),
});
const config = (name: string, data: Record<string, string> = {}): Typed<"ConfigMap"> => ({
  kind: "ConfigMap",
  object: ConfigMap.fromPartial({ metadata: { name, namespace: "default" }, data }),
});

async function update(typed: Typed): Promise<Typed> {
  const item = await bench.api.update({ object: bytes(typed), dryRun: false }, bench.as(ADMIN));
  await bench.caughtUp();
  return decodeItem(item);
}

async function remove(
  kind: KindName,
  name: string,
  more: Partial<DeleteRequest> = {},
  identity: Identity = ADMIN,
): Promise<Typed> {
  const namespace = kind === "Namespace" ? "" : "default";
  const request = DeleteRequest.fromPartial({ name: { kind, namespace, name }, ...more });
  const item = await bench.api.delete(request, bench.as(identity));
  await bench.caughtUp();
  return decodeItem(item);
}

async function report(typed: Typed, identity: Identity = NODE_A): Promise<string> {
  const { results } = await bench.api.updateStatus({ objects: [bytes(typed)] }, bench.as(identity));
  await bench.caughtUp();
  return results[0]?.code ?? "nothing";
}

test("create fills defaults and server fields, and refuses a second object of the name", async () => {
  bench = await openApiBench();
  const created = await bench.create(pod("web"));
  expect(created.kind === "Pod" && created.object.spec?.restartPolicy).toBe("Always");
  expect(created.kind === "Pod" && created.object.status).toMatchObject({ phase: "Pending", qosClass: "BestEffort" });
  await expect(bench.create(pod("web"))).rejects.toThrow(refused("already_exists"));
});

test("a status that a user writes with a create counts nothing", async () => {
  bench = await openApiBench();
  const created = await bench.create(pod("web", { status: { phase: "Running", podIP: "10.1.2.3" } }));
  expect(created.kind === "Pod" && created.object.status).toMatchObject({ phase: "Pending", podIP: "" });
});

test("generateName gives each object a name of its own", async () => {
  bench = await openApiBench();
  const names = new Set<string>();
  for (let at = 0; at < 20; at += 1) {
    const created = await bench.create(pod("", { metadata: { name: "", generateName: "web-", namespace: "default" } }));
    names.add(created.object.metadata?.name ?? "");
  }
  expect(names.size).toBe(20);
  for (const name of names) expect(name).toMatch(/^web-[a-z0-9]{5}$/);
});

test("an object without what it needs is refused with every field named", async () => {
  bench = await openApiBench();
  await expect(bench.create(pod("web", { spec: { containers: [{ name: "BAD", image: "" }] } }))).rejects.toThrow(
    /spec\.containers\[0\]\.name.*; spec\.containers\[0\]\.image/,
  );
  await expect(
    bench.create({ kind: "Pod", object: pod("web", { metadata: { namespace: "nowhere" } }).object }),
  ).rejects.toThrow(refused("not_found"));
});

test("names that could leave their place in the store are refused", async () => {
  bench = await openApiBench();
  for (const name of ["../x", "a/b", "_", "."])
    await expect(
      bench.api.get({ name: { kind: "Pod", namespace: "default", name }, minRevision: 0 }, bench.as(ADMIN)),
    ).rejects.toThrow(refused("invalid_argument"));
});

test("update replaces the spec, keeps the status, and refuses an older version or another object of the name", async () => {
  bench = await openApiBench();
  const created = await bench.create(config("a", { k: "1" }));
  const live = bench.cache.view.cached("ConfigMap", "default", "a");
  const meta = { ...created.object.metadata, resourceVersion: String(live?.revision) };
  const second: Typed = { kind: "ConfigMap", object: ConfigMap.fromPartial({ metadata: meta, data: { k: "2" } }) };
  await update(second);
  await expect(update(second)).rejects.toThrow(refused("version_conflict"));
  const other = { ...meta, resourceVersion: "", uid: "another" };
  await expect(update({ kind: "ConfigMap", object: ConfigMap.fromPartial({ metadata: other }) })).rejects.toThrow(
    refused("not_found"),
  );
  await expect(update(config("none"))).rejects.toThrow(refused("not_found"));
});

test("an update that changes nothing writes nothing", async () => {
  bench = await openApiBench();
  await bench.create(config("a", { k: "1" }));
  const before = bench.etcd.revision;
  await update(config("a", { k: "1" }));
  expect(bench.etcd.revision).toBe(before);
});

test("what may not change is refused: a selector, a type, the data of an immutable secret, a bound pod's containers", async () => {
  bench = await openApiBench();
  const deployment = (app: string): Typed => ({
    kind: "Deployment",
    object: Deployment.fromPartial({
      metadata: { name: "web", namespace: "default" },
      spec: {
        selector: { matchLabels: { app } },
        template: { metadata: { labels: { app } }, spec: { containers: [{ name: "web", image: "web:1" }] } },
      },
    }),
  });
  await bench.create(deployment("one"));
  await expect(update(deployment("two"))).rejects.toThrow(/spec\.selector: this field cannot be changed/);
  const secret = (data: string, type = "Opaque"): Typed => ({
    kind: "Secret",
    object: Secret.fromPartial({
      metadata: { name: "s", namespace: "default" },
      data: { k: Buffer.from(data) },
      type,
      immutable: true,
    }),
  });
  await bench.create(secret("1"));
  await expect(update(secret("2"))).rejects.toThrow(refused("invalid_argument"));
  await expect(update(secret("1", "other"))).rejects.toThrow(/type: this field cannot be changed/);
  await bench.create(pod("p"));
  await expect(update(pod("p", { spec: { containers: [{ name: "other", image: "app:1" }] } }))).rejects.toThrow(
    refused("invalid_argument"),
  );
});

test("a node reports the status of its own pods, by uid, and never back from an end", async () => {
  bench = await openApiBench();
  const created = await bench.create(pod("mine", { spec: { nodeName: "node-a" } }));
  await bench.create(pod("theirs", { spec: { nodeName: "node-b" } }));
  const uid = created.object.metadata?.uid ?? "";
  const status = (phase: string, parts: PodParts["status"] = {}): Typed =>
    pod("mine", { metadata: { uid, name: "mine", namespace: "default" }, status: { phase, ...parts } });
  expect(await report(status("Running"))).toBe("");
  expect(await report(pod("theirs", { metadata: { uid: "x" }, status: { phase: "Failed" } }))).toBe("not_found");
  expect(await report(pod("mine", { status: { phase: "Failed" } }))).toBe("invalid_argument");
  const replaced = pod("mine", { metadata: { uid: "older", name: "mine", namespace: "default" } });
  expect(await report(replaced)).toBe("not_found");
  expect(await report(status("Sleeping"))).toBe("invalid_argument");
  const restarted = { containerStatuses: [{ name: "main", restartCount: 2 }] };
  expect(await report(status("Running", restarted))).toBe("");
  expect(await report(status("Running", { containerStatuses: [{ name: "main", restartCount: 1 }] }))).toBe(
    "failed_precondition",
  );
  expect(await report(status("Succeeded", restarted))).toBe("");
  expect(await report(status("Running", restarted))).toBe("failed_precondition");
  const last = await bench.get("Pod", "default", "mine");
  expect(last?.kind === "Pod" && last.object.status).toMatchObject({ phase: "Succeeded", qosClass: "BestEffort" });
});

test("a node's report keeps the conditions of others and writes nothing beside the status", async () => {
  bench = await openApiBench();
  const created = await bench.create(pod("mine", { spec: { nodeName: "node-a" } }));
  const uid = created.object.metadata?.uid ?? "";
  const scheduled = { conditions: [{ type: "PodScheduled", status: "True" }] };
  const named = { metadata: { uid, name: "mine", namespace: "default" } };
  expect(await report(pod("mine", { ...named, status: { phase: "Pending", ...scheduled } }), ADMIN)).toBe("");
  const mine = pod("mine", {
    metadata: { ...named.metadata, labels: { stolen: "yes" } },
    status: { phase: "Running", conditions: [{ type: "Ready", status: "True" }] },
    spec: { nodeName: "node-b" },
  });
  expect(await report(mine)).toBe("");
  const after = await bench.get("Pod", "default", "mine");
  expect(after?.object.metadata?.labels).toEqual({});
  expect(after?.kind === "Pod" && after.object.spec?.nodeName).toBe("node-a");
  expect(after?.kind === "Pod" && after.object.status?.conditions.map(({ type }) => type)).toEqual([
    "PodScheduled",
    "Ready",
  ]);
});

test("one object of a status batch fails for itself, and the same object twice ends with the last", async () => {
  bench = await openApiBench();
  const created = await bench.create(pod("mine", { spec: { nodeName: "node-a" } }));
  const metadata = { uid: created.object.metadata?.uid ?? "", name: "mine", namespace: "default" };
  const objects = [
    bytes(pod("mine", { metadata, status: { phase: "Pending", message: "first" } })),
    Buffer.from("nonsense"),
    bytes(pod("mine", { metadata, status: { phase: "Running" } })),
  ];
  const { results } = await bench.api.updateStatus({ objects }, bench.as(NODE_A));
  expect(results.map(({ code }) => code)).toEqual(["", "invalid_argument", ""]);
  const after = await bench.get("Pod", "default", "mine");
  expect(after?.kind === "Pod" && after.object.status).toMatchObject(
    PodStatus.fromPartial({ phase: "Running", qosClass: "BestEffort" }),
  );
});

test("a pod that runs is marked and goes when its node says so; one that is not bound goes at once", async () => {
  bench = await openApiBench();
  await bench.create(pod("waiting"));
  await remove("Pod", "waiting");
  expect(await bench.get("Pod", "default", "waiting")).toBeUndefined();
  const bound = await bench.create(pod("bound", { spec: { nodeName: "node-a" } }));
  const uid = bound.object.metadata?.uid ?? "";
  await expect(remove("Pod", "bound", { uid, gracePeriodSeconds: 0 }, NODE_A)).rejects.toThrow(
    refused("failed_precondition"),
  );
  const marked = await remove("Pod", "bound");
  expect(marked.object.metadata).toMatchObject({
    deletionTimestamp: "2023-11-14T22:13:50Z",
    deletionGracePeriodSeconds: 30,
  });
  const shorter = await remove("Pod", "bound", { gracePeriodSeconds: 5 });
  expect(shorter.object.metadata?.deletionGracePeriodSeconds).toBe(5);
  const node: Identity = { role: "node", name: "node-b" };
  await expect(remove("Pod", "bound", { uid, gracePeriodSeconds: 0 }, node)).rejects.toThrow(refused("not_found"));
  await expect(remove("Pod", "bound", { uid: "older", gracePeriodSeconds: 0 }, NODE_A)).rejects.toThrow(
    refused("not_found"),
  );
  await remove("Pod", "bound", { uid, gracePeriodSeconds: 0 }, NODE_A);
  expect(await bench.get("Pod", "default", "bound")).toBeUndefined();
});

test("an operator removes a bound pod at once with a grace of zero", async () => {
  bench = await openApiBench();
  await bench.create(pod("bound", { spec: { nodeName: "node-gone" } }));
  await remove("Pod", "bound", { gracePeriodSeconds: 0 });
  expect(await bench.get("Pod", "default", "bound")).toBeUndefined();
});

test("foreground and orphan are finalizers, and the object goes with its last one", async () => {
  bench = await openApiBench();
  await bench.create(config("a"));
  const marked = await remove("ConfigMap", "a", { propagation: "foreground" });
  expect(marked.object.metadata?.finalizers).toEqual(["foregroundDeletion"]);
  const added: Typed = {
    kind: "ConfigMap",
    object: ConfigMap.fromPartial({
      metadata: { ...marked.object.metadata, finalizers: ["foregroundDeletion", "mine"] },
    }),
  };
  await expect(update(added)).rejects.toThrow(/metadata\.finalizers: the object is being deleted/);
  await update(config("a"));
  expect(await bench.get("ConfigMap", "default", "a")).toBeUndefined();
  await expect(remove("ConfigMap", "a", { propagation: "sideways" })).rejects.toThrow(refused("invalid_argument"));
});

test("a namespace that is being deleted takes nothing new, and those that the cluster needs stay", async () => {
  bench = await openApiBench();
  await bench.create({ kind: "Namespace", object: Namespace.fromPartial({ metadata: { name: "shop" } }) });
  const marked = await remove("Namespace", "shop");
  expect(marked.kind === "Namespace" && marked.object.status?.phase).toBe("Terminating");
  const late: Typed = {
    kind: "ConfigMap",
    object: ConfigMap.fromPartial({ metadata: { name: "a", namespace: "shop" } }),
  };
  await expect(bench.create(late)).rejects.toThrow(refused("failed_precondition"));
  expect((await bench.apply([late])).results[0]?.code).toBe("failed_precondition");
  for (const name of ["default", "kube-system"])
    await expect(remove("Namespace", name)).rejects.toThrow(refused("failed_precondition"));
});

test("a replica whose cache is behind decides on what the store says", async () => {
  bench = await openApiBench();
  const late = await openApiBench({ etcd: bench.etcd, seed: 2 });
  late.cacheLink.setReachable(false);
  const object = bytes(config("a", { k: "1" }));
  await bench.api.create({ object, dryRun: false }, bench.as(ADMIN));
  await expect(late.api.create({ object, dryRun: false }, late.as(ADMIN))).rejects.toThrow(refused("already_exists"));
  await late.api.update({ object: bytes(config("a", { k: "2" })), dryRun: false }, late.as(ADMIN));
  const name = { kind: "ConfigMap", namespace: "default", name: "a" };
  await bench.api.delete(DeleteRequest.fromPartial({ name }), bench.as(ADMIN));
  await expect(late.api.delete(DeleteRequest.fromPartial({ name }), late.as(ADMIN))).rejects.toThrow(
    refused("not_found"),
  );
  await late.api.create({ object, dryRun: false }, late.as(ADMIN));
  expect(late.cache.view.list("ConfigMap")).toEqual([]);
  late.close();
});

test("reads wait for the revision that the caller has seen, and say so when it does not come", async () => {
  bench = await openApiBench();
  const item = await bench.api.create({ object: bytes(config("a")), dryRun: false }, bench.as(ADMIN));
  const name = { kind: "ConfigMap", namespace: "default", name: "a" };
  const read = await bench.api.get({ name, minRevision: item.revision }, bench.as(ADMIN));
  expect(read.revision).toBe(item.revision);
  const waiting = bench.api.get({ name, minRevision: item.revision + 100 }, bench.as(ADMIN));
  const failed = expect(waiting).rejects.toThrow(refused("too_new"));
  await bench.clock.advance(1_000);
  await failed;
});

test("lists select by namespace, labels and fields, in order, and a node sees only its own pods", async () => {
  bench = await openApiBench();
  await bench.create(pod("b", { metadata: { labels: { app: "web" } }, spec: { nodeName: "node-a" } }));
  await bench.create(pod("a", { metadata: { labels: { app: "db" } }, spec: { nodeName: "node-b" } }));
  await bench.create(pod("c", { metadata: { labels: { app: "web" } } }));
  const names = async (selection: Parameters<ApiBench["list"]>[0], identity: Identity = ADMIN) =>
    (await bench.list({ kind: "Pod", ...selection }, identity)).map(({ object }) => object.metadata?.name);
  expect(await names({})).toEqual(["a", "b", "c"]);
  expect(await names({ labels: "app=web" })).toEqual(["b", "c"]);
  expect(await names({ labels: "app!=web", namespace: "default" })).toEqual(["a"]);
  expect(await names({ fields: "spec.nodeName=node-b" })).toEqual(["a"]);
  expect(await names({ fields: "spec.nodeName=" })).toEqual(["c"]);
  expect(await names({ fields: "metadata.name=b", namespace: "default" })).toEqual(["b"]);
  expect(await names({ namespace: "kube-system" })).toEqual([]);
  expect(await names({}, NODE_A)).toEqual(["b"]);
  expect(await names({ fields: "spec.nodeName=node-b" }, NODE_A)).toEqual([]);
  await expect(names({ kind: "Secret" }, NODE_A)).rejects.toThrow(refused("forbidden"));
});
