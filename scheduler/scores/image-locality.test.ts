import { expect, test } from "vitest";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { Pod as PodMessage } from "../../proto/gen/tallship/v1/pod.js";
import { nodeOf, podOf, snapshotOf } from "../../test/kit/schedule-world.js";
import type { HeldImage } from "../held-images.js";
import { schedule } from "../schedule.js";
import type { Snapshot } from "../snapshot.js";
import { imageLocality } from "./image-locality.js";

const MIB = 2 ** 20;
const NODES = ["a", "b", "c", "d"];

/** A pod that is like others but for what its containers run. */
function running(images: readonly string[], init: readonly string[] = [], owner = "web"): Pod {
  const containers = (names: readonly string[]) => names.map((image, at) => ({ name: `c${at}`, image }));
  const plain = podOf({ owner });
  return PodMessage.fromPartial({
    ...plain,
    spec: { ...plain.spec, containers: containers(images), initContainers: containers(init) },
  });
}

function cluster(images: Readonly<Record<string, HeldImage>>, names: readonly string[] = NODES): Snapshot {
  const snapshot = snapshotOf(
    names.map((name) => nodeOf({ name, allocatable: { cpu: "100", memory: "400Gi", pods: "500" } })),
  );
  for (const [name, image] of Object.entries(images)) snapshot.images.set(name, image);
  return snapshot;
}

const held = (sizeMib: number, ...holders: readonly string[]): HeldImage => ({
  sizeBytes: sizeMib * MIB,
  holders: new Set(holders),
});

const APP = "docker.io/library/app:v1";
const SIDE = "registry.example/team/side@sha256:".concat("a".repeat(64));

test.each([
  // One node of four: a quarter of the size counts, between 23 and 1000 MiB.
  { title: "one holder", images: { [APP]: held(2_000, "b") }, pod: running(["app:v1"]), points: [0, 488_229, 0, 0] },
  // A node that shares the image with another counts for more: 1000 MiB is the most.
  {
    title: "two holders",
    images: { [APP]: held(2_000, "b", "c") },
    pod: running(["app:v1"]),
    points: [0, 1e6, 1e6, 0],
  },
  // Fetching it takes no time worth a thought.
  { title: "a small image", images: { [APP]: held(90, "b") }, pod: running(["app:v1"]), points: undefined },
  // The more containers there are, the more has to be there for all points; init containers count too.
  {
    title: "an init container",
    images: { [APP]: held(4_000, "b"), [SIDE]: held(400, "b") },
    pod: running([SIDE], ["app:v1"]),
    points: [0, 544_764, 0, 0],
  },
  { title: "another tag", images: { [APP]: held(2_000, "b") }, pod: running(["app:v2"]), points: undefined },
  // What stands there names no image: the pod will not start, but it is placed.
  { title: "no name", images: { [APP]: held(2_000, "b") }, pod: running(["App!"]), points: undefined },
  {
    title: "a holder that is no node",
    images: { [APP]: held(2_000, "z") },
    pod: running(["app:v1"]),
    points: undefined,
  },
])("$title: points by the bytes that are there and by the share of nodes that have them", ({ images, pod, points }) => {
  const snapshot = cluster(images);
  const scorer = imageLocality.prepare(snapshot.shapeOf(pod), snapshot);
  expect(scorer && NODES.map((_, slot) => scorer.at(slot))).toEqual(points);
});

test("replicas are as far apart as ever, whatever their image weighs, and the first go where it is", () => {
  const snapshot = cluster({ [APP]: held(20_000, "b", "d") });
  const shape = snapshot.shapeOf(running(["app:v1"]));
  const pending = Array.from({ length: 4 * NODES.length }, (_, at) => ({ id: `pod-${at}`, shape }));
  const nodes = schedule(snapshot, pending).bindings.map(({ nodeName }) => nodeName);
  expect(nodes.slice(0, 4)).toEqual(["b", "d", "a", "c"]);
  for (let round = 0; round < 4; round += 1) expect(nodes.slice(4 * round, 4 * round + 4).toSorted()).toEqual(NODES);
});

test("packed replicas stay where the image is", () => {
  const snapshot = cluster({ [APP]: held(20_000, "b", "d") });
  const pod = running(["app:v1"]);
  const shape = snapshot.shapeOf(
    PodMessage.fromPartial({
      ...pod,
      metadata: { ...pod.metadata, annotations: { "tallship.dev/placement": "pack" } },
    }),
  );
  const pending = Array.from({ length: 5 }, (_, at) => ({ id: `pod-${at}`, shape }));
  expect(schedule(snapshot, pending).bindings.map(({ nodeName }) => nodeName)).toEqual(["b", "b", "b", "b", "b"]);
});

test("nodes that came or went are counted anew, and so are images that changed", () => {
  const snapshot = cluster({ [APP]: held(2_000, "b") });
  const shape = snapshot.shapeOf(running(["app:v1"]));
  const points = (): readonly number[] | undefined => {
    snapshot.layOut();
    const scorer = imageLocality.prepare(shape, snapshot);
    return scorer && snapshot.records.map((_, slot) => scorer.at(slot));
  };
  expect(points()).toEqual([0, 488_229, 0, 0]);
  snapshot.removeNode("a");
  snapshot.removeNode("c");
  expect(points()).toEqual([1e6, 0]);
  snapshot.images.set(APP, held(2_000, "d"));
  expect(points()).toEqual([0, 1e6]);
  snapshot.images.set(APP, undefined);
  expect(points()).toBeUndefined();
});
