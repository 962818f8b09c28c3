import { afterEach, expect, test } from "vitest";
import { metaOf } from "../../kinds/object.js";
import { isDeleting } from "../../kinds/pod-state.js";
import { Namespace } from "../../proto/gen/tallship/v1/namespace.js";
import { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { PodDisruptionBudget } from "../../proto/gen/tallship/v1/poddisruptionbudget.js";
import { type ControlWorld, controlWorld } from "../../test/kit/control-world.js";
import { nodeOf } from "../../test/kit/schedule-world.js";
import { rebalanceOnce } from "./keep-rebalanced.js";

let world: ControlWorld;
afterEach(() => world.stop.abort());

/** Two nodes, and so many ready pods of one owner on the first. */
async function crowded(owner: string, count: number, annotations: Readonly<Record<string, string>>): Promise<void> {
  world = await controlWorld();
  for (const name of ["node-a", "node-b"]) await world.put({ kind: "Node", object: nodeOf({ name }) });
  const metadata = { name: "default", annotations };
  await world.put({ kind: "Namespace", object: Namespace.fromPartial({ metadata }) });
  for (let at = 0; at < count; at += 1) await putPod(owner, `web-${at}`);
}

const putPod = (owner: string, name: string, more: { readonly nodeName?: string; readonly off?: boolean } = {}) =>
  world.put({
    kind: "Pod",
    object: Pod.fromPartial({
      metadata: {
        name,
        namespace: "default",
        uid: name,
        labels: { app: "web" },
        annotations: more.off === true ? { "tallship.dev/rebalance": "off" } : {},
        ownerReferences: owner === "" ? [] : [{ kind: owner, name: "web", uid: "web", controller: true }],
      },
      spec: { nodeName: more.nodeName ?? "node-a", containers: [{ name: "m", image: "i" }] },
      status: {
        phase: more.nodeName === "" ? "Pending" : "Running",
        conditions: [{ type: "Ready", status: more.nodeName === "" ? "False" : "True" }],
      },
    }),
  });

const look = (): Promise<number> => rebalanceOnce(world.deps, world.stop.signal);
const going = (): readonly string[] =>
  world.view.list("Pod").flatMap(({ object }) => (isDeleting(object) ? [metaOf(object).name] : []));
const on = { "tallship.dev/rebalance": "on" };

test("pods of a namespace that asks for it are moved, two at a time, and not while the first are on their way", async () => {
  await crowded("ReplicaSet", 6, on);
  expect(await look()).toBe(2);
  await world.clock.advance(0);
  expect(going()).toEqual(["web-0", "web-1"]);
  expect(world.notices).toMatchObject([{ reason: "Rebalanced" }, { reason: "Rebalanced" }]);
  expect(await look()).toBe(0);
});

test("without the annotation nothing is moved, nor what says that it stays", async () => {
  await crowded("ReplicaSet", 6, {});
  expect(await look()).toBe(0);
  await crowded("ReplicaSet", 0, on);
  for (const name of ["a", "b", "c"]) await putPod("ReplicaSet", name, { off: true });
  expect(await look()).toBe(0);
});

test.each(["Job", "DaemonSet", ""])("pods of %s are never moved", async (owner) => {
  await crowded(owner, 6, on);
  expect(await look()).toBe(0);
});

test("while a pod waits for a node or a node is away, nothing is moved", async () => {
  await crowded("ReplicaSet", 6, on);
  await putPod("", "waits", { nodeName: "" });
  expect(await look()).toBe(0);
  await world.drop({ kind: "Pod", namespace: "default", name: "waits" });
  await world.put({ kind: "Node", object: nodeOf({ name: "node-c", ready: "Unknown" }) });
  expect(await look()).toBe(0);
});

test("a disruption budget is kept to, and counts what is moved", async () => {
  await crowded("ReplicaSet", 6, on);
  const budget = (disruptionsAllowed: number): PodDisruptionBudget =>
    PodDisruptionBudget.fromPartial({
      metadata: { name: "web", namespace: "default" },
      spec: { selector: { matchLabels: { app: "web" } } },
      status: { disruptionsAllowed, currentHealthy: 6, desiredHealthy: 5 },
    });
  await world.put({ kind: "PodDisruptionBudget", object: budget(0) });
  expect(await look()).toBe(0);
  await world.put({ kind: "PodDisruptionBudget", object: budget(1) });
  expect(await look()).toBe(1);
  await world.clock.advance(0);
  expect(world.view.get("PodDisruptionBudget", "default", "web")?.status?.disruptionsAllowed).toBe(0);
});
