import fc from "fast-check";
import { expect, test } from "vitest";
import { COPY_OF } from "../../../kinds/config-copies.js";
import { metaOf } from "../../../kinds/object.js";
import { isDeleting } from "../../../kinds/pod-state.js";
import { ConfigMap } from "../../../proto/gen/tallship/v1/configmap.js";
import type { Pod } from "../../../proto/gen/tallship/v1/pod.js";
import { Secret } from "../../../proto/gen/tallship/v1/secret.js";
import { type ControlWorld, namesOf } from "../../../test/kit/control-world.js";
import {
  active,
  change,
  condition,
  deploymentOf,
  finish,
  newWorld,
  type Parts,
  sets,
} from "../../../test/kit/deployment-world.js";
import { ownerCollector } from "../owner-collector.js";

const fromKey = (name: string, key: string): object => ({
  env: [{ name: "V", valueFrom: { configMapKeyRef: { name, key } } }],
});
const whole = { volumes: [{ name: "v", configMap: { name: "web" } }] };
const mount = (subPath: string): object => ({ volumeMounts: [{ name: "v", mountPath: "/etc/web", subPath }] });

async function configure(world: ControlWorld, data: Readonly<Record<string, string>>, name = "web"): Promise<void> {
  const metadata = { name, namespace: "default", uid: `${name}-config` };
  await world.put({ kind: "ConfigMap", object: ConfigMap.fromPartial({ metadata, data }) });
}

async function deployed(parts: Parts, data: Readonly<Record<string, string>> = { key: "one" }): Promise<ControlWorld> {
  const world = await newWorld([ownerCollector()]);
  await configure(world, data);
  await world.put({ kind: "Deployment", object: deploymentOf({ ...parts, replicas: 2 }) });
  await finish(world);
  return world;
}

const copies = (world: ControlWorld): readonly string[] =>
  namesOf(world.view.list("ConfigMap").filter(({ object }) => COPY_OF in metaOf(object).labels));

/** The value of `key` that a pod gets: from the config that it names, not from the one that its template names. */
function valueIn(world: ControlWorld, pod: Pod): string | undefined {
  const container = pod.spec?.containers[0];
  const name =
    container?.env[0]?.valueFrom?.configMapKeyRef?.name ??
    container?.envFrom[0]?.configMapRef?.name ??
    pod.spec?.volumes[0]?.configMap?.name ??
    "";
  return world.view.get("ConfigMap", "default", name)?.data["key"];
}

const values = (world: ControlWorld): readonly (string | undefined)[] =>
  active(world).map((pod) => valueIn(world, pod));

// How pods use the config, and whether they must be replaced to see a change of the key, and of another key.
const rows = [
  { name: "one key in the environment", parts: { container: fromKey("web", "key") }, rolls: true, byOther: false },
  {
    name: "all keys in the environment",
    parts: { container: { envFrom: [{ configMapRef: { name: "web" } }] } },
    rolls: true,
    byOther: true,
  },
  { name: "a path of a volume", parts: { ...whole, container: mount("key") }, rolls: true, byOther: true },
  { name: "a whole volume", parts: { ...whole, container: mount("") }, rolls: false, byOther: false },
  {
    name: "the environment, with live changes",
    parts: { container: fromKey("web", "key"), annotations: { "tallship.dev/config-change": "live" } },
    rolls: false,
    byOther: false,
  },
  {
    name: "the environment, without changes",
    parts: { container: fromKey("web", "key"), annotations: { "tallship.dev/config-change": "none" } },
    rolls: false,
    byOther: false,
  },
];

for (const { name, parts, rolls, byOther } of rows)
  test(`a changed config used as ${name} ${rolls ? "rolls" : "does not roll"}`, async () => {
    const world = await deployed(parts);
    expect(values(world)).toEqual(["one", "one"]);
    await configure(world, { key: "one", other: "two" });
    await finish(world);
    expect(sets(world)).toHaveLength(byOther ? 2 : 1);
    await configure(world, { key: "two", other: "two" });
    await finish(world);
    expect(sets(world)).toHaveLength(1 + Number(byOther) + Number(rolls));
    if (rolls) expect(values(world)).toEqual(["two", "two"]);
    expect(condition(world, "Progressing")?.reason).toBe("NewReplicaSetAvailable");
  });

test("the template in the replica set stays the user's, and the event says which config changed", async () => {
  const world = await deployed({ container: fromKey("web", "key") });
  await configure(world, { key: "two" });
  await finish(world);
  for (const set of sets(world))
    expect(set.spec?.template?.spec?.containers[0]?.env[0]?.valueFrom?.configMapKeyRef?.name).toBe("web");
  expect(world.notices.filter(({ reason }) => reason === "ConfigChanged").map(({ message }) => message)).toEqual([
    "Rolling out the changed content of ConfigMap/web",
  ]);
});

test("content that returns to what ran before runs from the set that ran it", async () => {
  const world = await deployed({ container: fromKey("web", "key") });
  await configure(world, { key: "two" });
  await finish(world);
  await configure(world, { key: "one" });
  await finish(world);
  expect(values(world)).toEqual(["one", "one"]);
  expect(sets(world)).toHaveLength(2);
  expect(copies(world)).toHaveLength(2);
});

test("pods that are made anew get the content of their revision while a bad one is rolled out, and after its rollback", async () => {
  const world = await deployed({ container: fromKey("web", "key"), spec: { progressDeadlineSeconds: 60 } });
  const works = (pod: Pod): boolean => valueIn(world, pod) !== "bad";
  await configure(world, { key: "bad" });
  await finish(world, works);
  expect(values(world)).toContain("bad");
  await world.clock.advance(70_000);
  await finish(world, works);
  const serving = active(world).filter(works);
  expect(serving.map((pod) => valueIn(world, pod))).toEqual(["one", "one"]);
  await world.drop({ kind: "Pod", namespace: "default", name: metaOf(serving[0] ?? {}).name });
  await finish(world, works);
  expect(active(world).filter(works)).toHaveLength(2);
  expect(condition(world, "RolledBack")?.status).toBe("True");
  await configure(world, { key: "good" });
  await finish(world, works);
  expect(values(world)).toEqual(["good", "good"]);
  expect(condition(world, "RolledBack")).toBeUndefined();
});

test("a config that appears after the pods that wait for it replaces none of them", async () => {
  const world = await deployed({ container: fromKey("late", "key") });
  await configure(world, { key: "one" }, "late");
  await finish(world);
  expect(sets(world)).toHaveLength(1);
  expect(sets(world)[0]?.metadata?.annotations["tallship.dev/config-pins"]).toMatch(/^ConfigMap\/late=late-/);
  await configure(world, { key: "two" }, "late");
  await finish(world);
  expect(values(world)).toEqual(["two", "two"]);
});

test("a config that goes away replaces no pods, and those made later still get what theirs was", async () => {
  const world = await deployed({ container: fromKey("web", "key") });
  await world.drop({ kind: "ConfigMap", namespace: "default", name: "web" });
  await finish(world);
  await change(world, { replicas: 3, container: fromKey("web", "key") });
  await finish(world);
  expect(sets(world)).toHaveLength(1);
  expect(values(world)).toEqual(["one", "one", "one"]);
});

test("copies go with the last replica set that was made with them, and with the deployment", async () => {
  const world = await deployed({ container: fromKey("web", "key"), spec: { revisionHistoryLimit: 1 } });
  for (const key of ["two", "three", "four"]) {
    await configure(world, { key });
    await finish(world);
  }
  expect(sets(world)).toHaveLength(2);
  expect(copies(world)).toHaveLength(2);
  await world.drop({ kind: "Deployment", namespace: "default", name: "web" });
  await finish(world);
  expect(copies(world)).toEqual([]);
  expect(world.view.get("ConfigMap", "default", "web")?.data).toEqual({ key: "four" });
});

test("secrets are copied as secrets, of their type and with the keys that are used alone", async () => {
  const world = await newWorld();
  const metadata = { name: "login", namespace: "default", uid: "login-uid" };
  const data = { user: Buffer.from("ann"), password: Buffer.from("sea") };
  await world.put({ kind: "Secret", object: Secret.fromPartial({ metadata, data, type: "Opaque" }) });
  const container = { env: [{ name: "P", valueFrom: { secretKeyRef: { name: "login", key: "password" } } }] };
  await world.put({ kind: "Deployment", object: deploymentOf({ container }) });
  await finish(world);
  const name = active(world)[0]?.spec?.containers[0]?.env[0]?.valueFrom?.secretKeyRef?.name ?? "";
  const copy = world.view.get("Secret", "default", name);
  expect(name).toMatch(/^login-[0-9a-f]{16}$/);
  expect(Object.entries(copy?.data ?? {}).map(([key, value]) => [key, Buffer.from(value).toString()])).toEqual([
    ["password", "sea"],
  ]);
  expect(copy).toMatchObject({ type: "Opaque", immutable: true });
  expect(copy?.metadata?.ownerReferences).toMatchObject([{ kind: "ReplicaSet" }]);
});

test("somebody else's object under a copy's name is not taken for the content", async () => {
  const first = await deployed({ container: fromKey("web", "key") });
  const [taken = ""] = copies(first);
  const world = await newWorld();
  await configure(world, { key: "foreign" }, taken);
  await configure(world, { key: "one" });
  await world.put({ kind: "Deployment", object: deploymentOf({ container: fromKey("web", "key") }) });
  await finish(world);
  expect(values(world)).toEqual(["one", "one", "one"]);
  expect(world.view.get("ConfigMap", "default", taken)?.data).toEqual({ key: "foreign" });
});

test("whatever the content goes through, with every number of pods: in the end all have the last one and nothing is written", async () => {
  const step = fc.record({ key: fc.constantFrom("one", "two", "three"), replicas: fc.nat({ max: 4 }) });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 8 }), async (steps) => {
      const container = fromKey("web", "key");
      const world = await deployed({ container });
      for (const { key, replicas } of steps) {
        await configure(world, { key });
        await change(world, { replicas, container });
        await world.converge();
      }
      await finish(world);
      const { key = "one", replicas = 2 } = steps.at(-1) ?? {};
      expect(values(world)).toEqual(Array.from({ length: replicas }, () => key));
      expect(sets(world).filter((set) => !isDeleting(set)).length).toBeLessThanOrEqual(3);
      const { revision } = world.view;
      await world.clock.advance(700_000);
      expect(world.view.revision).toBe(revision);
      world.stop.abort();
    }),
    { seed: 9, numRuns: 40 },
  );
});
