import { expect, test } from "vitest";
import { Pod } from "../proto/gen/tallship/v1/pod.js";
import { isPodActive, isPodReady, untilAvailableMs } from "./pod-state.js";

const readySince = "2030-01-01T00:00:00Z";
const nowMs = Date.parse("2030-01-01T00:00:04Z");
const ready = (status: string, lastTransitionTime = readySince): Pod =>
  Pod.fromPartial({ metadata: {}, status: { conditions: [{ type: "Ready", status, lastTransitionTime }] } });

// The edges of minReadySeconds: none, not yet, just now, a time that cannot be read.
const rows = [
  { name: "not ready", pod: ready("False"), seconds: 0, want: Number.POSITIVE_INFINITY },
  { name: "no condition", pod: Pod.fromPartial({}), seconds: 0, want: Number.POSITIVE_INFINITY },
  { name: "no wait asked", pod: ready("True"), seconds: 0, want: 0 },
  { name: "one second left", pod: ready("True"), seconds: 5, want: 1_000 },
  { name: "exactly reached", pod: ready("True"), seconds: 4, want: 0 },
  { name: "malformed time", pod: ready("True", "yesterday"), seconds: 7, want: 7_000 },
];

for (const { name, pod, seconds, want } of rows) {
  test(`until available: ${name}`, () => expect(untilAvailableMs(pod, seconds, nowMs)).toBe(want));
}

test("a pod counts while it neither finished nor is being deleted", () => {
  expect(isPodActive(ready("True"))).toBe(true);
  expect(isPodReady(ready("True"))).toBe(true);
  expect(isPodActive(Pod.fromPartial({ status: { phase: "Succeeded" } }))).toBe(false);
  expect(isPodActive(Pod.fromPartial({ status: { phase: "Failed" } }))).toBe(false);
  expect(isPodActive(Pod.fromPartial({ metadata: { deletionTimestamp: readySince } }))).toBe(false);
});
