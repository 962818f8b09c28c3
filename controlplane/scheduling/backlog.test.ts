import fc from "fast-check";
import { expect, test } from "vitest";
import { Bulks, NO_BULK } from "../../scheduler/bulk.js";
import { Snapshot } from "../../scheduler/snapshot.js";
import { PLAIN_TENURE } from "../../scheduler/tenant.js";
import { nodeOf, podOf } from "../../test/kit/schedule-world.js";
import { Backlog, type WaitingPod } from "./backlog.js";

const snapshot = new Snapshot();
const shapes = ["100m", "200m", "300m"].map((cpu) => snapshot.shapeOf(podOf({ requests: { cpu } })));
const shapeAt = (at: number) => shapes[at % shapes.length] ?? snapshot.shapeOf(podOf());

const podNamed = (name: string, parts: Partial<WaitingPod> = {}): WaitingPod => ({
  id: name,
  key: { kind: "Pod", namespace: "default", name },
  shape: shapeAt(0),
  tenure: PLAIN_TENURE,
  preempts: true,
  group: "",
  queue: "",
  createdAt: "2030-01-01T00:00:00Z",
  bulk: NO_BULK,
  seenAtMs: 0,
  ...parts,
});

const ids = (pods: readonly WaitingPod[]): readonly string[] => pods.map(({ id }) => id);

test("pods come by priority, then age, then name", () => {
  const backlog = new Backlog();
  backlog.add(podNamed("young", { createdAt: "2030-01-01T00:00:05Z" }));
  backlog.add(podNamed("b"));
  backlog.add(podNamed("a"));
  backlog.add(podNamed("urgent", { tenure: { ...PLAIN_TENURE, priority: 10 }, createdAt: "2030-01-01T00:00:09Z" }));
  expect(ids(backlog.take(3))).toEqual(["urgent", "a", "b"]);
  expect(ids(backlog.take(3))).toEqual(["young"]);
});

test("of pods of one second the bulkier come first; an older or more important one is never passed", () => {
  const backlog = new Backlog();
  backlog.add(podNamed("a-small", { bulk: { value: 0.1 } }));
  backlog.add(podNamed("b-large", { bulk: { value: 0.9 } }));
  backlog.add(podNamed("huge-and-young", { bulk: { value: 1 }, createdAt: "2030-01-01T00:00:01Z" }));
  backlog.add(podNamed("tiny-and-urgent", { bulk: { value: 0 }, tenure: { ...PLAIN_TENURE, priority: 1 } }));
  expect(ids(backlog.take(4))).toEqual(["tiny-and-urgent", "b-large", "a-small", "huge-and-young"]);
});

test("a node that is larger than all before changes who is the bulkier, of pods that wait already too", () => {
  const bulks = new Bulks(snapshot);
  const backlog = new Backlog();
  const add = (name: string, requests: Readonly<Record<string, string>>): void => {
    const shape = snapshot.shapeOf(podOf({ requests }));
    backlog.add(podNamed(name, { shape, bulk: bulks.of(shape) }));
  };
  add("b-cpu", { cpu: "2" });
  add("a-memory", { memory: "4Gi" });
  const first = (): string | undefined => {
    const [pod] = backlog.take(1);
    if (pod !== undefined) backlog.putBack(pod.id);
    return pod?.id;
  };
  expect(first()).toBe("a-memory");
  for (const [allocatable, want] of [
    [{ cpu: "2", memory: "8Gi" }, "b-cpu"],
    [{ cpu: "8", memory: "8Gi" }, "a-memory"],
  ] as const) {
    if (bulks.takeNode(nodeOf({ allocatable }))) backlog.reorder();
    expect(first()).toBe(want);
  }
  expect(bulks.takeNode(nodeOf({ allocatable: { cpu: "8" } }))).toBe(false);
});

test("refused pods wait for hope, and are then tried a few at a time, as long as they find a place", () => {
  const backlog = new Backlog();
  for (let at = 0; at < 100; at += 1) backlog.add(podNamed(`pod-${String(at).padStart(3, "0")}`));
  for (const { id } of backlog.take(1_000)) backlog.refuse(id);
  expect([backlog.queued, backlog.refused]).toEqual([0, 100]);
  backlog.raiseHope(shapeAt(0));
  const first = backlog.take(1_000);
  expect(first).toHaveLength(32);
  expect(first[0]?.id).toBe("pod-000");
  for (const { id } of first) backlog.remove(id);
  const second = backlog.take(1_000);
  expect(second).toHaveLength(32);
  for (const { id } of second.slice(0, 5)) backlog.remove(id);
  for (const { id } of second.slice(5)) backlog.refuse(id);
  expect(backlog.take(1_000)).toEqual([]);
  expect([backlog.queued, backlog.refused]).toEqual([0, 63]);
});

test("hope for one shape does not wake another's pods", () => {
  const backlog = new Backlog();
  backlog.add(podNamed("a", { shape: shapeAt(0) }));
  backlog.add(podNamed("b", { shape: shapeAt(1) }));
  for (const { id } of backlog.take(2)) backlog.refuse(id);
  expect(backlog.refusedShapes()).toEqual([shapeAt(0), shapeAt(1)]);
  backlog.raiseHope(shapeAt(1));
  expect(ids(backlog.take(9))).toEqual(["b"]);
});

test("a pod whose shape changed is tried anew, one that is the same is not", () => {
  const backlog = new Backlog();
  backlog.add(podNamed("a"));
  for (const { id } of backlog.take(1)) backlog.refuse(id);
  backlog.add(podNamed("a"));
  expect(backlog.take(1)).toEqual([]);
  backlog.add(podNamed("a", { shape: shapeAt(1) }));
  expect(ids(backlog.take(9))).toEqual(["a"]);
  expect(backlog.refusedShapes()).toEqual([]);
});

type Step = { readonly do: "add" | "remove" | "take" | "putBack" | "refuse" | "hope"; readonly at: number };
const step = fc.record({
  do: fc.constantFrom<Step["do"]>("add", "remove", "take", "putBack", "refuse", "hope"),
  at: fc.nat({ max: 8 }),
});

test("whatever the order, every pod is in exactly one place and the counts say so", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const backlog = new Backlog();
      const places = new Map<string, "queued" | "out" | "refused">();
      const others = (id: string): boolean => places.get(id) === "out";
      for (const { do: what, at } of steps) {
        const id = `pod-${at}`;
        if (what === "add" && !places.has(id)) {
          backlog.add(podNamed(id, { shape: shapeAt(at) }));
          places.set(id, "queued");
        } else if (what === "remove") {
          backlog.remove(id);
          places.delete(id);
        } else if (what === "take") {
          for (const pod of backlog.take(at)) {
            expect(places.get(pod.id)).not.toBe("out");
            places.set(pod.id, "out");
          }
        } else if (what === "putBack" && others(id)) {
          backlog.putBack(id);
          places.set(id, "queued");
        } else if (what === "refuse" && others(id)) {
          backlog.refuse(id);
          places.set(id, "refused");
        } else if (what === "hope") backlog.raiseHope(shapeAt(at));
        const out = [...places.values()].filter((place) => place === "out").length;
        expect(backlog.queued + backlog.refused + out).toBe(places.size);
        expect(backlog.refusedPods()).toHaveLength(backlog.refused);
      }
      for (const shape of shapes) backlog.raiseHope(shape);
      const out = ids([...places.keys()].filter(others).map((id) => podNamed(id)));
      const rest = ids(backlog.take(100));
      expect([...rest, ...out].sort()).toEqual([...places.keys()].sort());
    }),
    { seed: 13, numRuns: 500 },
  );
});
