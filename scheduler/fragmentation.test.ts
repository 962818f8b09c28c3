import { expect, test } from "vitest";
import { nodeOf, podOf, snapshotOf } from "../test/kit/schedule-world.js";
import { fragmentation } from "./fragmentation.js";

test("the share of the cluster's pods whose like would not fit any more; nothing where nothing is free", () => {
  const small = podOf({ requests: { cpu: "1", memory: "1Gi" } });
  const large = podOf({ requests: { cpu: "3", memory: "1Gi" } });
  const whole = podOf({ requests: { cpu: "4", memory: "8Gi" } });
  const snapshot = snapshotOf(
    [nodeOf({ name: "a" }), nodeOf({ name: "b" }), nodeOf({ name: "c" }), nodeOf({ name: "d" })],
    { a: [small, small], b: [large], c: [whole], d: [] },
  );
  expect(fragmentation(snapshot)).toEqual([0.5, 0.5, undefined, 0]);
});

test("a cluster without pods is not fragmented: nobody is known who could not use it", () => {
  expect(fragmentation(snapshotOf([nodeOf({})]))).toEqual([undefined]);
});
