import { expect, test } from "vitest";
import { Container } from "../../proto/gen/tallship/v1/container.js";
import { oomScoreRefused } from "../oci/oom-score.js";
import { rightsConditions } from "./rights-condition.js";

test("a node that may do everything says nothing", () =>
  expect(rightsConditions({ oomScoreFloor: -998, hardLimits: undefined })).toEqual([]));

test("what the rights at hand refuse is a condition of the node, and a warning of the pod that loses by it", () => {
  expect(rightsConditions({ oomScoreFloor: 0, hardLimits: new Map() as never })).toMatchObject([
    {
      type: "RightsLimited",
      status: "True",
      message:
        "the agent has no CAP_SYS_RESOURCE: oom_score_adj below 0 cannot be set; limits of processes cannot be raised above the agent's own",
    },
  ]);
  const container = Container.fromPartial({ name: "web" });
  const host = { memoryBytes: 2 ** 33, floor: 0 };
  expect(oomScoreRefused("Guaranteed", container, host)).toBe(
    "oom_score_adj -997 of container web is refused by the kernel: it is 0",
  );
  expect(oomScoreRefused("BestEffort", container, host)).toBeUndefined();
  expect(oomScoreRefused("Guaranteed", container, { ...host, floor: -998 })).toBeUndefined();
});
