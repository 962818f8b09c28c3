import { expect, test } from "vitest";
import { deletionOf } from "../../kinds/deletion.js";
import { encodeObject, metaOf, storeKey } from "../../kinds/object.js";
import { isDeleting } from "../../kinds/pod-state.js";
import { ConfigMap } from "../../proto/gen/tallship/v1/configmap.js";
import { Event } from "../../proto/gen/tallship/v1/event.js";
import { Namespace } from "../../proto/gen/tallship/v1/namespace.js";
import { Node } from "../../proto/gen/tallship/v1/node.js";
import { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { type ControlWorld, namesOf } from "../../test/kit/control-world.js";
import { worldOfTest } from "../../test/kit/world-of-test.js";
import { namespace } from "./namespace.js";
import { podCollector } from "./pod-collector.js";

async function newWorld(): Promise<ControlWorld> {
  const world = await worldOfTest();
  world.run([namespace, podCollector]);
  await world.put({
    kind: "Namespace",
    object: Namespace.fromPartial({ metadata: { name: "team" }, spec: { finalizers: ["kubernetes"] } }),
  });
  return world;
}

const inTeam = (name: string) => ({ name, namespace: "team", uid: `uid-${name}` });
const putMap = (world: ControlWorld, name: string): Promise<void> =>
  world.put({ kind: "ConfigMap", object: ConfigMap.fromPartial({ metadata: inTeam(name) }) });

async function deleteTeam(world: ControlWorld): Promise<void> {
  const object = world.view.get("Namespace", "", "team") ?? Namespace.fromPartial({});
  const deletion = deletionOf({ kind: "Namespace", object }, { nowMs: world.clock.nowMs() });
  if (deletion.is === "mark") await world.put(deletion.typed);
}

test("a namespace goes once everything in it is gone, pods with their grace, events last", async () => {
  const world = await newWorld();
  await world.put({ kind: "Node", object: Node.fromPartial({ metadata: { name: "node-a" } }) });
  for (let at = 0; at < 150; at += 1) await putMap(world, `map-${at}`);
  await world.put({ kind: "Pod", object: Pod.fromPartial({ metadata: inTeam("web"), spec: { nodeName: "node-a" } }) });
  await world.put({ kind: "Event", object: Event.fromPartial({ metadata: inTeam("said") }) });
  await world.put({
    kind: "ConfigMap",
    object: ConfigMap.fromPartial({ metadata: { name: "elsewhere", namespace: "default" } }),
  });
  await deleteTeam(world);
  await world.converge();
  expect(namesOf(world.view.list("ConfigMap"))).toEqual(["elsewhere"]);
  expect(world.view.get("Pod", "team", "web")).toSatisfy(isDeleting);
  expect(world.view.get("Namespace", "", "team")?.status).toMatchObject({
    phase: "Terminating",
    conditions: [{ type: "NamespaceContentRemaining", status: "True", message: "Pod/web" }],
  });
  expect(world.view.list("Event", "team")).toHaveLength(1);
  await world.drop({ kind: "Pod", namespace: "team", name: "web" });
  await world.converge();
  expect(world.view.list("Event", "team")).toHaveLength(0);
  expect(world.view.get("Namespace", "", "team")).toBeUndefined();
});

test("what comes late goes too", async () => {
  const world = await newWorld();
  await world.put({
    kind: "ConfigMap",
    object: ConfigMap.fromPartial({ metadata: { ...inTeam("held"), finalizers: ["example.com/hold"] } }),
  });
  await deleteTeam(world);
  await world.converge();
  await putMap(world, "late");
  await world.converge();
  expect(world.view.get("ConfigMap", "team", "late")).toBeUndefined();
  expect(world.view.get("ConfigMap", "team", "held")).toSatisfy(isDeleting);
  await world.drop({ kind: "ConfigMap", namespace: "team", name: "held" });
  await world.converge();
  expect(world.view.get("Namespace", "", "team")).toBeUndefined();
});

test("somebody else's finalizer holds an empty namespace", async () => {
  const world = await newWorld();
  await world.edit("Namespace", "team", (team) => ({
    ...team,
    metadata: { ...metaOf(team), finalizers: ["example.com/hold"] },
  }));
  await deleteTeam(world);
  await world.converge();
  expect(world.view.get("Namespace", "", "team")).toMatchObject({ spec: { finalizers: [] } });
  const { revision } = world.view;
  await world.clock.advance(60_000);
  expect(world.view.revision).toBe(revision);
  await world.edit("Namespace", "team", (team) => ({ ...team, metadata: { ...metaOf(team), finalizers: [] } }));
  await world.converge();
  expect(world.view.get("Namespace", "", "team")).toBeUndefined();
});

test("pods of a node that was deleted are removed at once, those of other nodes stay", async () => {
  const world = await newWorld();
  for (const name of ["node-a", "node-b"])
    await world.put({ kind: "Node", object: Node.fromPartial({ metadata: { name } }) });
  const putPod = (name: string, nodeName: string): Promise<void> =>
    world.put({
      kind: "Pod",
      object: Pod.fromPartial({ metadata: inTeam(name), spec: { nodeName }, status: { phase: "Running" } }),
    });
  await putPod("a", "node-a");
  await putPod("b", "node-b");
  await world.drop({ kind: "Node", namespace: "", name: "node-a" });
  await world.converge();
  expect(namesOf(world.view.list("Pod"))).toEqual(["b"]);
  await putPod("lost", "no-such-node");
  await world.converge();
  expect(namesOf(world.view.list("Pod"))).toEqual(["b"]);
});

test("of the finished pods only so many are kept, the youngest", async () => {
  const world = await newWorld();
  for (let at = 0; at < 12_503; at += 1) {
    const creationTimestamp = `2030-01-01T${String(Math.floor(at / 3600)).padStart(2, "0")}:${String(Math.floor(at / 60) % 60).padStart(2, "0")}:${String(at % 60).padStart(2, "0")}Z`;
    const metadata = { ...inTeam(`pod-${at}`), creationTimestamp };
    void world.store.transact({
      checks: [],
      writes: [
        {
          op: "put",
          key: storeKey({ kind: "Pod", namespace: "team", name: `pod-${at}` }),
          value: encodeObject({ kind: "Pod", object: Pod.fromPartial({ metadata, status: { phase: "Succeeded" } }) }),
        },
      ],
    });
  }
  await world.clock.advance(31_000);
  expect(world.view.list("Pod")).toHaveLength(12_500);
  expect(["pod-0", "pod-1", "pod-2"].map((name) => world.view.get("Pod", "team", name))).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});
