import fc from "fast-check";
import { expect, test } from "vitest";
import { HorizontalPodAutoscalerSpec } from "../../../proto/gen/tallship/v1/horizontalpodautoscaler.js";
import { type Dated, stepTowards } from "./behavior.js";

const NOW_MS = 10_000_000;
const ago = (seconds: number, replicas: number): Dated => ({ atMs: NOW_MS - seconds * 1_000, replicas });

type Behavior = NonNullable<Parameters<typeof HorizontalPodAutoscalerSpec.fromPartial>[0]["behavior"]>;

interface Row {
  readonly name: string;
  readonly behavior?: Behavior;
  readonly current: number;
  readonly desired: number;
  readonly recommendations?: readonly Dated[];
  readonly changes?: readonly Dated[];
  readonly want: number;
  readonly reason: string;
}

function step(row: Omit<Row, "name" | "want" | "reason">) {
  const spec = HorizontalPodAutoscalerSpec.fromPartial({ minReplicas: 1, maxReplicas: 100, behavior: row.behavior });
  const history = { recommendations: row.recommendations ?? [], changes: row.changes ?? [] };
  return stepTowards(row.desired, row.current, { spec, history, nowMs: NOW_MS });
}

// The defaults and every example of Kubernetes' page on scaling behaviour.
const rows: readonly Row[] = [
  { name: "up: 4 pods in 15 s from few", current: 2, desired: 90, want: 6, reason: "ScaleUpLimit" },
  { name: "up: doubled in 15 s from many", current: 20, desired: 90, want: 40, reason: "ScaleUpLimit" },
  {
    name: "up: what was added in the period counts",
    current: 6,
    desired: 90,
    changes: [ago(10, 4)],
    want: 6,
    reason: "ScaleUpLimit",
  },
  {
    name: "up: what was added before does not",
    current: 6,
    desired: 90,
    changes: [ago(20, 4)],
    want: 12,
    reason: "ScaleUpLimit",
  },
  { name: "up: never beyond the most", current: 80, desired: 500, want: 100, reason: "TooManyReplicas" },
  {
    name: "down: at once when nothing higher was recommended for 5 minutes",
    current: 50,
    desired: 5,
    recommendations: [ago(301, 50)],
    want: 5,
    reason: "DesiredWithinRange",
  },
  {
    name: "down: the highest recommendation of 5 minutes",
    current: 50,
    desired: 5,
    recommendations: [ago(299, 30), ago(10, 5)],
    want: 30,
    reason: "DesiredWithinRange",
  },
  { name: "down: never below the least", current: 5, desired: 0, want: 1, reason: "TooFewReplicas" },
  {
    name: "down: the policy of the larger change, 10 % of 80",
    behavior: {
      scaleDown: {
        stabilizationWindowSeconds: 0,
        policies: [
          { type: "Pods", value: 4, periodSeconds: 60 },
          { type: "Percent", value: 10, periodSeconds: 60 },
        ],
      },
    },
    current: 80,
    desired: 10,
    want: 72,
    reason: "ScaleDownLimit",
  },
  {
    name: "down: the policy of the larger change, 4 pods of 30",
    behavior: {
      scaleDown: {
        stabilizationWindowSeconds: 0,
        policies: [
          { type: "Pods", value: 4, periodSeconds: 60 },
          { type: "Percent", value: 10, periodSeconds: 60 },
        ],
      },
    },
    current: 30,
    desired: 10,
    want: 26,
    reason: "ScaleDownLimit",
  },
  {
    name: "down: with Min the policy of the smaller change",
    behavior: {
      scaleDown: {
        stabilizationWindowSeconds: 0,
        selectPolicy: "Min",
        policies: [
          { type: "Pods", value: 5, periodSeconds: 60 },
          { type: "Percent", value: 10, periodSeconds: 60 },
        ],
      },
    },
    current: 30,
    desired: 10,
    want: 27,
    reason: "ScaleDownLimit",
  },
  {
    name: "down: disabled",
    behavior: { scaleDown: { stabilizationWindowSeconds: 0, selectPolicy: "Disabled" } },
    current: 30,
    desired: 10,
    want: 30,
    reason: "ScaleDownLimit",
  },
  {
    name: "up: the lowest recommendation of a window",
    behavior: {
      scaleUp: { stabilizationWindowSeconds: 60, policies: [{ type: "Percent", value: 900, periodSeconds: 60 }] },
    },
    current: 2,
    desired: 9,
    recommendations: [ago(30, 4)],
    want: 4,
    reason: "DesiredWithinRange",
  },
];

for (const row of rows)
  test(row.name, () => {
    const { replicas, scalingLimited } = step(row);
    expect({ replicas, reason: scalingLimited.reason }).toEqual({ replicas: row.want, reason: row.reason });
    expect(scalingLimited.status).toBe(row.reason === "DesiredWithinRange" ? "False" : "True");
  });

test("what holds the number back is said", () => {
  const recommendations = [ago(10, 50)];
  expect(step({ current: 50, desired: 5, recommendations }).ableToScale.reason).toBe("ScaleDownStabilized");
  const behavior = { scaleUp: { stabilizationWindowSeconds: 60 } };
  expect(step({ behavior, current: 2, desired: 5, recommendations: [ago(10, 2)] }).ableToScale.reason).toBe(
    "ScaleUpStabilized",
  );
  expect(step({ current: 5, desired: 5 }).ableToScale.reason).toBe("ReadyForNewScale");
});

test("whatever was and is asked for: a step goes towards it or nowhere, and stays within the bounds", () => {
  const replicas = fc.integer({ min: 1, max: 100 });
  const dated = fc.array(fc.record({ atMs: fc.integer({ min: NOW_MS - 400_000, max: NOW_MS }), replicas }), {
    maxLength: 5,
  });
  fc.assert(
    fc.property(replicas, fc.nat({ max: 200 }), dated, dated, (current, desired, recommendations, changes) => {
      const { replicas } = step({ current, desired, recommendations, changes });
      expect(replicas).toBeGreaterThanOrEqual(Math.min(current, Math.max(1, desired)));
      expect(replicas).toBeLessThanOrEqual(Math.max(current, Math.min(100, desired)));
    }),
    { seed: 3 },
  );
});
