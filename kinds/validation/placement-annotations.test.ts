import { expect, test } from "vitest";
import { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { validate } from "./validate.js";

// A word that nobody reads would leave a pod placed as if nothing had been said.
const rows = [
  { name: "tallship.dev/placement", value: "pack", want: [] },
  { name: "tallship.dev/placement", value: "tight", want: ["want one of spread, pack"] },
  { name: "tallship.dev/utilization-shape", value: "0=0,70=10,100=2", want: [] },
  {
    name: "tallship.dev/utilization-shape",
    value: "70=10,0=0",
    want: ['want percents that grow, found "0=0" after 70'],
  },
  {
    name: "tallship.dev/utilization-shape",
    value: "full",
    want: ['want PERCENT=SCORE of at most 100 and 10, such as 0=0,100=10, found "full"'],
  },
] as const;

for (const { name, value, want } of rows)
  test(`a pod that says ${name}: ${value} is ${want.length === 0 ? "taken" : "refused"}`, () => {
    const object = Pod.fromPartial({
      metadata: { name: "p", namespace: "n", annotations: { [name]: value } },
      spec: { containers: [{ name: "m", image: "i" }] },
    });
    expect(validate({ kind: "Pod", object }).map(({ message }) => message)).toEqual(want);
  });
