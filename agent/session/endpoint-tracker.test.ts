import { expect, test } from "vitest";
import { EndpointSlice } from "../../proto/gen/tallship/v1/endpointslice.js";
import { EndpointTracker } from "./endpoint-tracker.js";
import type { WatchUpdate } from "./watch-objects.js";

type Endpoints = readonly { readonly uid: string; readonly ready?: boolean; readonly node?: string }[];

function update(
  revision: number,
  slices: Readonly<Record<string, Endpoints | undefined>>,
  isWhole = false,
): WatchUpdate {
  const changes = Object.entries(slices).map(([name, endpoints]) => ({
    key: `EndpointSlice/default/${name}`,
    typed: endpoints === undefined ? undefined : ({ kind: "EndpointSlice", object: sliceOf(endpoints) } as const),
  }));
  return { changes, revision, isWhole };
}

function sliceOf(endpoints: Endpoints): EndpointSlice {
  return EndpointSlice.fromPartial({
    endpoints: endpoints.map(({ uid, ready, node = "node-a" }) => ({
      conditions: { ready },
      nodeName: node,
      targetRef: { kind: "Pod", uid },
    })),
  });
}

test("a pod is serving while any slice has it ready, and withdrawn at the revision of the last change", () => {
  const tracker = new EndpointTracker("node-a");
  expect(tracker.of("u1")).toEqual({ is: "none" });
  tracker.take(update(5, { web: [{ uid: "u1", ready: true }], api: [{ uid: "u1", ready: true }] }, true));
  expect(tracker.of("u1")).toEqual({ is: "serving" });
  expect(tracker.take(update(6, { web: [{ uid: "u1", ready: false }] }))).toEqual([]);
  expect(tracker.of("u1")).toEqual({ is: "serving" });
  expect(tracker.take(update(7, { api: undefined }))).toEqual(["u1"]);
  expect(tracker.of("u1")).toEqual({ is: "withdrawn", revision: 7 });
});

test("a pod that comes back into a service is serving again, and forgotten ones leave nothing", () => {
  const tracker = new EndpointTracker("node-a");
  tracker.take(update(1, { web: [{ uid: "u1", ready: true }] }));
  tracker.take(update(2, { web: [] }));
  tracker.take(update(3, { web: [{ uid: "u1", ready: true }] }));
  expect(tracker.of("u1")).toEqual({ is: "serving" });
  tracker.take(update(4, { web: [] }));
  tracker.forget("u1");
  expect(tracker.of("u1")).toEqual({ is: "none" });
});

test("of a pod that left the node before its slices nothing is kept", () => {
  const tracker = new EndpointTracker("node-a");
  tracker.take(update(1, { web: [{ uid: "u1", ready: true }] }));
  tracker.forget("u1");
  expect(tracker.take(update(2, { web: [] }))).toEqual([]);
  expect(tracker.of("u1")).toEqual({ is: "none" });
});

test("readiness that is not said counts as ready; other nodes' pods are not looked at", () => {
  const tracker = new EndpointTracker("node-a");
  tracker.take(update(1, { web: [{ uid: "u1" }, { uid: "u2", node: "node-b" }] }));
  expect([tracker.of("u1"), tracker.of("u2")]).toEqual([{ is: "serving" }, { is: "none" }]);
});

test("after a relist, pods whose slices are gone are withdrawn at its revision", () => {
  const tracker = new EndpointTracker("node-a");
  tracker.take(update(1, { web: [{ uid: "u1", ready: true }], api: [{ uid: "u2", ready: true }] }));
  expect(tracker.take(update(9, { api: [{ uid: "u2", ready: true }] }, true))).toEqual(["u1"]);
  expect([tracker.of("u1"), tracker.of("u2")]).toEqual([{ is: "withdrawn", revision: 9 }, { is: "serving" }]);
});
