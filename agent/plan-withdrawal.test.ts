import { expect, test } from "vitest";
import { limit } from "../lib/limits.js";
import { deletedPod, freshRecord as fresh, NOW, podTurn, running, seen, turnPod } from "../test/kit/pod-turns.js";
import { plan } from "./plan.js";
import type { PodRecord } from "./pod-record.js";
import type { PodTurn } from "./pod-turn.js";

const pod = turnPod({ restartPolicy: "Always", containers: [{ name: "web", image: "x" }] });
const deleted = (graceSeconds: number) => deletedPod(graceSeconds, pod);
const toStop: PodRecord = { ...fresh, stop: { sinceMs: NOW - 500 } };
const web = { container: "web", attempt: 0 };

// A pod that was deleted half a second ago, and what its services have done since. It may be stopped once nobody is led there and what was on its way is answered.
const rows: readonly {
  readonly name: string;
  readonly given: Partial<PodTurn>;
  readonly actions: readonly unknown[];
  readonly againMs: number;
}[] = [
  {
    name: "a deleted pod that a service leads to waits for the withdrawal",
    given: { desired: deleted(30), containers: [seen(running)], record: toStop, withdrawal: { is: "serving" } },
    actions: [],
    againMs: limit("withdrawWaitMs") - 500,
  },
  {
    name: "withdrawn, but not yet on every node: it waits",
    given: {
      desired: deleted(30),
      containers: [seen(running)],
      record: toStop,
      withdrawal: { is: "withdrawn", revision: 9 },
      cutOverRevision: 8,
    },
    actions: [],
    againMs: limit("withdrawWaitMs") - 500,
  },
  {
    name: "withdrawn on every node only just: requests on their way are answered first",
    given: {
      desired: deleted(30),
      containers: [seen(running)],
      record: toStop,
      withdrawal: { is: "withdrawn", revision: 9 },
      cutOverRevision: 9,
    },
    actions: [],
    againMs: limit("answerWaitMs"),
  },
  {
    name: "withdrawn on every node for a moment: what was on its way may still be answered",
    given: {
      desired: deleted(30),
      containers: [seen(running)],
      record: { ...toStop, stop: { sinceMs: NOW - 1_900, cutOverAtMs: NOW - 100 } },
      withdrawal: { is: "withdrawn", revision: 9 },
      cutOverRevision: 9,
    },
    actions: [],
    againMs: limit("answerWaitMs") - 100,
  },
  {
    name: "withdrawn on every node: it is stopped",
    given: {
      desired: deleted(30),
      containers: [seen(running)],
      record: { ...toStop, stop: { sinceMs: NOW - 1_000, cutOverAtMs: NOW - limit("answerWaitMs") } },
      withdrawal: { is: "withdrawn", revision: 9 },
      cutOverRevision: 9,
    },
    actions: [{ do: "signal", ...web, signal: "" }],
    againMs: limit("stopAgainMs"),
  },
  {
    name: "the bound of the wait has passed: it is stopped",
    given: {
      desired: deleted(30),
      containers: [seen(running)],
      record: { ...fresh, stop: { sinceMs: NOW - limit("withdrawWaitMs") } },
      withdrawal: { is: "serving" },
    },
    actions: [{ do: "signal", ...web, signal: "" }],
    againMs: limit("stopAgainMs"),
  },
];

for (const { name, given, actions, againMs } of rows) {
  test(name, () => {
    expect(plan(podTurn(pod, given))).toMatchObject({ actions, againMs });
  });
}

test("when all nodes lead elsewhere is noted once, and not any more after the bound of the wait", () => {
  const given = {
    desired: deleted(30),
    containers: [seen(running)],
    withdrawal: { is: "withdrawn", revision: 9 },
  } as const;
  const noted = (record: PodRecord): number | undefined =>
    plan(podTurn(pod, { ...given, record, cutOverRevision: 9 })).record.stop?.cutOverAtMs;
  expect(noted(toStop)).toBe(NOW);
  expect(noted({ ...fresh, stop: { sinceMs: NOW - 500, cutOverAtMs: NOW - 200 } })).toBe(NOW - 200);
  expect(noted({ ...fresh, stop: { sinceMs: NOW - limit("withdrawWaitMs") } })).toBeUndefined();
});
