import { expect, test } from "vitest";
import { DeploymentSpec } from "../../../proto/gen/tallship/v1/deployment.js";
import { boundsOf } from "./bounds.js";

const count = (value: number) => ({ value: { $case: "intVal", value } as const });
const text = (value: string) => ({ value: { $case: "strVal", value } as const });

// Kubernetes rounds the surge up and the missing down; 7 % of 100 is where binary fractions slip.
const rows = [
  { replicas: 4, surge: undefined, unavailable: undefined, want: [1, 1] },
  { replicas: 3, surge: undefined, unavailable: undefined, want: [1, 0] },
  { replicas: 10, surge: text("25%"), unavailable: text("25%"), want: [3, 2] },
  { replicas: 100, surge: text("7%"), unavailable: text("7%"), want: [7, 7] },
  { replicas: 3, surge: count(2), unavailable: count(0), want: [2, 0] },
  { replicas: 3, surge: count(0), unavailable: text("10%"), want: [0, 1] },
  { replicas: 2, surge: count(0), unavailable: count(5), want: [0, 2] },
  { replicas: 0, surge: text("25%"), unavailable: text("25%"), want: [0, 1] },
];

for (const { replicas, surge, unavailable, want } of rows) {
  test(`${replicas} replicas with surge ${surge?.value.value} and unavailable ${unavailable?.value.value}`, () => {
    const rollingUpdate = { maxSurge: surge, maxUnavailable: unavailable };
    const spec = DeploymentSpec.fromPartial({ replicas, strategy: { type: "RollingUpdate", rollingUpdate } });
    const bounds = boundsOf(spec);
    expect([bounds.surge, bounds.unavailable]).toEqual(want);
  });
}

test("a recreation may miss all and has no surplus", () => {
  const spec = DeploymentSpec.fromPartial({ replicas: 3, strategy: { type: "Recreate" } });
  expect(boundsOf(spec)).toEqual({ replicas: 3, surge: 0, unavailable: 3 });
});
