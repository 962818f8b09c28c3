import { expect, test } from "vitest";
import { limit } from "../../lib/limits.js";
import { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { ManualClock } from "../../test/kit/manual-clock.js";
import type { CacheChange } from "../cache/view.js";
import { DepartedPods, departureText } from "./departed-pods.js";

const podOf = (name: string, uid: string, nodeName = "n1"): Pod =>
  Pod.fromPartial({ metadata: { name, namespace: "default", uid }, spec: { nodeName } });

function deletion(pod: Pod): CacheChange {
  const { name = "" } = pod.metadata ?? {};
  const key = { kind: "Pod", namespace: "default", name } as const;
  const before = { kind: "Pod", object: pod, revision: 1, bytes: new Uint8Array() } as const;
  return { key, before, after: undefined, revision: 2 };
}

const take = (departed: DepartedPods, ...pods: readonly Pod[]): void =>
  departed.take({ changes: pods.map(deletion), revision: 2 });

test("of a name the last pod that went is remembered, for a while; one that never had a node left nothing to read", async () => {
  const clock = new ManualClock();
  const departed = new DepartedPods(clock);
  take(departed, podOf("a", "1"), podOf("a", "2"), podOf("b", "3", ""));
  expect(departed.find("default", "a")?.pod.metadata?.uid).toBe("2");
  expect(departed.find("default", "b")).toBeUndefined();
  expect(departed.find("other", "a")).toBeUndefined();
  await clock.advance(limit("endedLogsMs") + 1);
  expect(departed.find("default", "a")).toBeUndefined();
});

test("no more are remembered than limits.departedPods, the oldest go", () => {
  const departed = new DepartedPods(new ManualClock());
  const count = limit("departedPods");
  take(departed, ...Array.from({ length: count + 1 }, (_, at) => podOf(`p${at}`, `${at}`)));
  expect(departed.find("default", "p0")).toBeUndefined();
  expect(departed.find("default", `p${count}`)).toBeDefined();
});

test("how it ended is told", () => {
  const end = { terminated: { exitCode: 3, reason: "Error" } };
  const pod = Pod.fromPartial({ ...podOf("a", "1"), status: { containerStatuses: [{ name: "main", state: end }] } });
  expect(departureText({ pod, goneAtMs: 1_000 }, 13_000)).toBe(
    "pod default/a was deleted 12s ago; container main ended with 3 (Error)",
  );
});
