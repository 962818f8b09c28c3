import { test } from "vitest";
import { asked, expectAllHold, seedsFrom } from "./run-seeds.js";
import { SINGULAR_SEEDS } from "./sim-cluster.js";

test("2,000 further seeds: what must always hold does, and the cluster comes to rest", () =>
  expectAllHold(asked === undefined ? seedsFrom(1_001, 2_000) : [asked]));

test("500 further seeds of singular workloads", () =>
  expectAllHold(asked === undefined ? seedsFrom(SINGULAR_SEEDS + 1_001, 500) : []));
