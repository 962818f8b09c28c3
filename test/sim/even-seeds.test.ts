import { test } from "vitest";
import { asked, expectAllHold, seedsFrom } from "./run-seeds.js";

// A file of its own, so that the seeds run on two cores.
test("100 even seeds: what must always hold does, and the cluster comes to rest", () =>
  expectAllHold(asked === undefined ? seedsFrom(2, 100, 2) : []));
