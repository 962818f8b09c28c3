import { test } from "vitest";
import { asked, expectAllHold, seedsFrom } from "./run-seeds.js";
import { SINGULAR_SEEDS } from "./sim-cluster.js";

// Stateful sets, daemon sets and jobs: of their pods none may be there twice.
test("60 seeds of singular workloads: what must always hold does, and the cluster comes to rest", () =>
  expectAllHold(asked === undefined ? seedsFrom(SINGULAR_SEEDS + 1, 60) : []));
