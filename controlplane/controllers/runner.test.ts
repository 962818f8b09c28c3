import { expect, test } from "vitest";
import { keyOf, type ObjectKey } from "../../kinds/object.js";
import { TallshipError } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import { ConfigMap } from "../../proto/gen/tallship/v1/configmap.js";
import type { ControlWorld } from "../../test/kit/control-world.js";
import { worldOfTest } from "../../test/kit/world-of-test.js";
import type { View } from "../cache/view.js";
import type { Controller, Outcome } from "./controller.js";
import { create, replace } from "./writes.js";

async function newWorld(): Promise<ControlWorld> {
  const world = await worldOfTest();
  return world;
}

const mapOf = (name: string, data: Record<string, string> = {}): ConfigMap =>
  ConfigMap.fromPartial({ metadata: { name, namespace: "default" }, data });

const put = (world: ControlWorld, name: string, data?: Record<string, string>): Promise<void> =>
  world.put({ kind: "ConfigMap", object: mapOf(name, data) });

const seenOf = (world: ControlWorld, name: string): string | undefined =>
  world.view.get("ConfigMap", "default", name)?.data["seen"];

/** Copies `want` to `seen` in every ConfigMap. */
function copier(parts: Partial<Controller> = {}): Controller & { readonly calls: string[] } {
  const calls: string[] = [];
  const reconcile = (key: ObjectKey, view: View): Outcome => {
    calls.push(key.name);
    const cached = view.cached("ConfigMap", key.namespace, key.name);
    const want = cached?.object.data["want"];
    if (cached === undefined || want === undefined || cached.object.data["seen"] === want) return { writes: [] };
    return { writes: [replace(cached, mapOf(key.name, { want, seen: want }))] };
  };
  return { name: "copier", keysFor: ({ key }) => (key.kind === "ConfigMap" ? [key] : []), reconcile, ...parts, calls };
}

test("what stood there before the start and what comes later are both seen", async () => {
  const world = await newWorld();
  await put(world, "before", { want: "1" });
  world.run([copier()]);
  await put(world, "after", { want: "2" });
  await world.converge();
  expect([seenOf(world, "before"), seenOf(world, "after")]).toEqual(["1", "2"]);
});

test("a controller that has written sees its own write before it is asked again", async () => {
  const world = await newWorld();
  const base = copier();
  const stale: number[] = [];
  const written = new Map<string, string>();
  const careful = copier({
    reconcile: (key, view, context) => {
      const seen = view.get("ConfigMap", key.namespace, key.name)?.data["seen"];
      if (written.has(key.name) && written.get(key.name) !== seen) stale.push(1);
      const outcome = base.reconcile(key, view, context);
      for (const write of outcome.writes)
        if (write.op === "put" && write.typed.kind === "ConfigMap")
          written.set(keyOf(write.typed).name, write.typed.object.data["seen"] ?? "");
      return outcome;
    },
  });
  world.run([careful]);
  for (let value = 0; value < 20; value += 1) {
    written.delete("a");
    await put(world, "a", { want: `${value}`, seen: seenOf(world, "a") ?? "" });
    await world.clock.advance(value);
  }
  await world.converge();
  expect(seenOf(world, "a")).toBe("19");
  expect(stale).toEqual([]);
});

test("a burst of changes of one object is reconciled once", async () => {
  const world = await newWorld();
  const controller = copier();
  world.run([controller]);
  for (let change = 0; change < 50; change += 1) await put(world, "a", { other: `${change}` });
  await world.converge();
  expect(controller.calls.length).toBeLessThanOrEqual(2);
});

test("a conflict is reread and tried again", async () => {
  const world = await newWorld();
  let conflicts = 3;
  world.gate.before = ({ checks }) => {
    conflicts -= 1;
    return conflicts >= 0 ? { is: "conflict", conflicts: checks } : undefined;
  };
  world.run([copier()]);
  await put(world, "a", { want: "1" });
  await world.converge(1_000);
  expect(seenOf(world, "a")).toBe("1");
  expect(await world.metrics.controllerErrorsTotal.get()).toMatchObject({
    values: [{ value: 3, labels: { controller: "copier", code: "version_conflict" } }],
  });
});

test("a store that is away is tried again with a growing backoff, and what is wanted happens once it is back", async () => {
  const world = await newWorld();
  const triedAtMs: number[] = [];
  let isAway = true;
  world.gate.before = () => {
    triedAtMs.push(world.clock.monotonicMs());
    if (isAway) throw new TallshipError("store_unavailable", "transact: etcd does not answer");
    return undefined;
  };
  world.run([copier()]);
  await put(world, "a", { want: "1" });
  await world.clock.advance(60_000);
  expect(triedAtMs.length).toBeGreaterThan(8);
  expect(triedAtMs.length).toBeLessThan(16);
  isAway = false;
  await world.clock.advance(limit("controllerRetryMaxMs"));
  expect(seenOf(world, "a")).toBe("1");
});

test("a key that cannot be reconciled does not hold up the others", async () => {
  const world = await newWorld();
  const base = copier();
  const failing = copier({
    reconcile: (key, view, context) => {
      if (key.name === "bad") throw new TallshipError("invalid_argument", "reconcile: broken object");
      return base.reconcile(key, view, context);
    },
  });
  world.run([failing]);
  await put(world, "bad", { want: "1" });
  await put(world, "good", { want: "1" });
  await world.converge();
  expect(seenOf(world, "good")).toBe("1");
});

test("a deposed leader's writes fail and it says so", async () => {
  const world = await newWorld();
  await world.store.transact({ checks: [], writes: [{ op: "delete", key: world.guard.key }] });
  world.run([copier()]);
  await put(world, "a", { want: "1" });
  await world.converge();
  expect(seenOf(world, "a")).toBeUndefined();
  expect(world.depositions()).toBe(1);
});

test("after its signal aborted, nothing is written and no timer is left", async () => {
  const world = await newWorld();
  world.run([copier({ reconcile: () => ({ writes: [], againMs: 50 }) }), copier()]);
  await put(world, "a");
  await world.clock.advance(500);
  world.stop.abort();
  await world.clock.advance(0);
  const { revision } = world.view;
  await put(world, "a", { want: "1" });
  await world.clock.advance(60_000);
  expect(world.clock.timerCount).toBe(0);
  expect((await world.store.list("/tallship/")).revision).toBe(revision + 1);
});

test("an outcome larger than a transaction is cut in its order", async () => {
  const world = await newWorld();
  const sizes: number[] = [];
  world.gate.before = ({ writes }) => {
    sizes.push(writes.length);
    return undefined;
  };
  const many: Controller = {
    name: "many",
    keysFor: ({ key }) => (key.name === "start" ? [key] : []),
    reconcile: (_key, view) => {
      const names = Array.from({ length: 250 }, (_, at) => `child-${String(at).padStart(3, "0")}`);
      const missing = names.filter((name) => view.get("ConfigMap", "default", name) === undefined);
      return { writes: missing.map((name) => create("ConfigMap", mapOf(name))) };
    },
  };
  world.run([many]);
  await put(world, "start");
  await world.converge();
  expect(sizes).toEqual([100, 100, 50]);
  expect(world.view.list("ConfigMap")).toHaveLength(251);
});

test("large objects are cut by their bytes", async () => {
  const world = await newWorld();
  const sizes: number[] = [];
  world.gate.before = ({ writes }) => {
    sizes.push(writes.length);
    return undefined;
  };
  const large = "x".repeat(400_000);
  const controller: Controller = {
    name: "large",
    keysFor: ({ key }) => (key.name === "start" ? [key] : []),
    reconcile: (_key, view) => ({
      writes: ["a", "b", "c", "d", "e"]
        .filter((name) => view.get("ConfigMap", "default", name) === undefined)
        .map((name) => create("ConfigMap", mapOf(name, { large }))),
    }),
  };
  world.run([controller]);
  await put(world, "start");
  await world.converge();
  expect(sizes).toEqual([3, 2]);
});

test("controllers hear of keys from outside the view, until they are stopped", async () => {
  const world = await newWorld();
  let want: (key: ObjectKey) => void = () => undefined;
  let isListening = false;
  const calls: string[] = [];
  const listener: Controller = {
    name: "listener",
    keysFor: () => [],
    reconcile: ({ name }) => {
      calls.push(name);
      return { writes: [] };
    },
    listen: (wanted) => {
      isListening = true;
      want = wanted;
      return () => {
        isListening = false;
      };
    },
  };
  world.run([listener]);
  want({ kind: "Node", namespace: "", name: "node-a" });
  await world.converge();
  expect(calls).toEqual(["node-a"]);
  world.stop.abort();
  expect(isListening).toBe(false);
});
