import { expect, test } from "vitest";
import { AppliedRevision } from "./applied-revision.js";

test("what all parts reflect is told, once each, and never goes back", () => {
  const told: number[] = [];
  const applied = new AppliedRevision(["rules", "ingress"], (revision) => told.push(revision));
  applied.applied("rules", 5);
  applied.applied("ingress", 3);
  applied.applied("ingress", 2);
  applied.applied("ingress", 7);
  applied.applied("rules", 6);
  expect(told).toEqual([3, 5, 6]);
});
