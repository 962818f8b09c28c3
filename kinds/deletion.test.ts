import { expect, test } from "vitest";
import { Pod } from "../proto/gen/tallship/v1/pod.js";
import { deletionOf, FOREGROUND_FINALIZER, isReleased, ORPHAN_FINALIZER, withoutFinalizer } from "./deletion.js";
import { metaOf, type Typed } from "./object.js";
import { KINDS } from "./registry.js";

const nowMs = Date.parse("2030-01-01T00:00:00Z");

function pod(parts: { nodeName?: string; phase?: string; grace?: number; finalizers?: string[] } = {}): Typed {
  const object = Pod.fromPartial({
    metadata: { name: "web-0", namespace: "default", finalizers: parts.finalizers ?? [] },
    spec: { nodeName: parts.nodeName ?? "", terminationGracePeriodSeconds: parts.grace ?? 30 },
    status: { phase: parts.phase ?? "Running" },
  });
  return { kind: "Pod", object };
}

const config = (finalizers: string[] = []): Typed => ({
  kind: "ConfigMap",
  object: KINDS.ConfigMap.create({
    metadata: metaOf({ metadata: { ...metaOf(pod().object), name: "settings", finalizers } }),
  }),
});

const namespace: Typed = {
  kind: "Namespace",
  object: KINDS.Namespace.create({ metadata: metaOf(pod().object) }),
};

// Each row is one reason to stay or to go.
const rows = [
  { name: "a config map goes at once", typed: config(), want: "remove" },
  { name: "a finalizer holds it", typed: config(["example.com/hold"]), want: "mark" },
  { name: "a pod that is not bound goes at once", typed: pod(), want: "remove" },
  { name: "a bound pod waits for its agent", typed: pod({ nodeName: "a" }), want: "mark" },
  { name: "a finished pod goes at once", typed: pod({ nodeName: "a", phase: "Failed" }), want: "remove" },
  { name: "a pod without grace still waits for its agent", typed: pod({ nodeName: "a", grace: 0 }), want: "mark" },
  { name: "an explicit grace of 0 removes at once", typed: pod({ nodeName: "a" }), grace: 0, want: "remove" },
  { name: "a namespace waits until it is empty", typed: namespace, grace: 0, want: "mark" },
];

for (const { name, typed, grace, want } of rows) {
  test(`deletion: ${name}`, () => expect(deletionOf(typed, { nowMs, graceSeconds: grace }).is).toBe(want));
}

function marked(typed: Typed, options: Partial<Parameters<typeof deletionOf>[1]> = {}): Typed {
  const deletion = deletionOf(typed, { nowMs, ...options });
  if (deletion.is !== "mark") throw new Error(`wanted a mark, got ${deletion.is}`);
  return deletion.typed;
}

test("the mark says by when the pod shall be gone, and a second delete changes nothing", () => {
  const once = marked(pod({ nodeName: "a", grace: 10 }));
  expect(metaOf(once.object).deletionTimestamp).toBe("2030-01-01T00:00:10Z");
  expect(metaOf(once.object).deletionGracePeriodSeconds).toBe(10);
  expect(deletionOf(once, { nowMs: nowMs + 5_000 }).is).toBe("unchanged");
});

test("grace only shrinks", () => {
  const once = marked(pod({ nodeName: "a", grace: 10 }));
  expect(deletionOf(once, { nowMs, graceSeconds: 20 }).is).toBe("unchanged");
  const sooner = marked(once, { graceSeconds: 3 });
  expect(metaOf(sooner.object).deletionTimestamp).toBe("2030-01-01T00:00:03Z");
  expect(deletionOf(sooner, { nowMs, graceSeconds: 0 }).is).toBe("remove");
});

test("propagation sets its finalizer and replaces the other one, without moving the time", () => {
  const foreground = marked(config(), { propagation: "foreground" });
  expect(metaOf(foreground.object).finalizers).toEqual([FOREGROUND_FINALIZER]);
  expect(deletionOf(foreground, { nowMs, propagation: "foreground" }).is).toBe("unchanged");
  const orphan = marked(foreground, { propagation: "orphan", nowMs: nowMs + 9_000 });
  expect(metaOf(orphan.object).finalizers).toEqual([ORPHAN_FINALIZER]);
  expect(metaOf(orphan.object).deletionTimestamp).toBe(metaOf(foreground.object).deletionTimestamp);
  expect(deletionOf(orphan, { nowMs, propagation: "background" }).is).toBe("remove");
});

test("an object goes with its last finalizer, a bound pod only once its agent has let go", () => {
  const held = marked(config(["a", "b"]));
  const first = withoutFinalizer(held, "a");
  expect(first.is).toBe("mark");
  expect(first.is === "mark" && withoutFinalizer(first.typed, "b").is).toBe("remove");
  expect(withoutFinalizer(config(["a"]), "a").is).toBe("mark");
  expect(withoutFinalizer(config(["a"]), "c").is).toBe("unchanged");
  const running = marked(pod({ nodeName: "a", finalizers: ["a"] }));
  expect(withoutFinalizer(running, "a").is).toBe("mark");
  const stopped = marked(running, { graceSeconds: 0 });
  expect(isReleased(stopped)).toBe(false);
  expect(withoutFinalizer(stopped, "a").is).toBe("remove");
});
