import { expect, test } from "vitest";
import { metaOf } from "../../kinds/object.js";
import { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { viewOf } from "../cache/view-of.js";
import { leastLoss } from "./pod-ranking.js";

interface Parts {
  readonly node?: string;
  readonly phase?: string;
  readonly ready?: string;
  readonly since?: string;
  readonly cost?: string;
  readonly restarts?: number;
  readonly born?: string;
}

const podOf = (name: string, parts: Parts): Pod =>
  Pod.fromPartial({
    metadata: {
      name,
      namespace: "default",
      creationTimestamp: parts.born ?? "2030-01-01T00:00:00Z",
      annotations: parts.cost === undefined ? {} : { "controller.kubernetes.io/pod-deletion-cost": parts.cost },
    },
    spec: { nodeName: parts.node ?? `node-of-${name}` },
    status: {
      phase: parts.phase ?? "Running",
      conditions: [
        { type: "Ready", status: parts.ready ?? "True", lastTransitionTime: parts.since ?? "2030-01-01T00:00:00Z" },
      ],
      containerStatuses: [{ name: "main", restartCount: parts.restarts ?? 0 }],
    },
  });

function goes(pods: Readonly<Record<string, Parts>>, count = 1): readonly string[] {
  const view = viewOf(Object.entries(pods).map(([name, parts]) => ({ kind: "Pod", object: podOf(name, parts) })));
  return leastLoss(view.list("Pod"), count).map(({ object }) => metaOf(object).name);
}

// In each row the pod that goes is the smaller loss by one criterion, and the larger by the one asked next.
const rows: readonly { name: string; goes: Parts; stays: Parts }[] = [
  { name: "not bound before bound", goes: { node: "", phase: "Running" }, stays: { phase: "Pending" } },
  { name: "pending before running", goes: { phase: "Pending", ready: "True" }, stays: { ready: "False" } },
  { name: "unknown before running", goes: { phase: "Unknown", ready: "True" }, stays: { ready: "False" } },
  { name: "not ready before ready", goes: { ready: "False", cost: "10" }, stays: { cost: "-10" } },
  { name: "cheap before dear", goes: { cost: "-1", since: "2029-01-01T00:00:00Z" }, stays: {} },
  { name: "ready for a shorter time first", goes: { since: "2030-01-02T00:00:00Z" }, stays: { restarts: 9 } },
  { name: "restarted more often first", goes: { restarts: 3 }, stays: { born: "2030-02-01T00:00:00Z" } },
  { name: "younger first", goes: { born: "2030-01-02T00:00:00Z" }, stays: {} },
];

for (const { name, goes: less, stays } of rows)
  test(`ranking: ${name}`, () => expect(goes({ a: stays, b: less })).toEqual(["b"]));

test("ranking: of equals the lower name", () => expect(goes({ b: {}, a: {} })).toEqual(["a"]));

test("what is left is spread: the most crowded node gives first", () => {
  const pods = {
    a1: { node: "a" },
    a2: { node: "a" },
    a3: { node: "a" },
    b1: { node: "b" },
    b2: { node: "b" },
    c1: { node: "c" },
  };
  expect([...goes(pods, 3)].map((name) => name[0]).sort()).toEqual(["a", "a", "b"]);
});

test("nobody goes when none is asked for", () => expect(goes({ a: {} }, 0)).toEqual([]));
