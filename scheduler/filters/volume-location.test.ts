import { expect, test } from "vitest";
import { NodeSelector } from "../../proto/gen/tallship/v1/placement.js";
import { nodeOf, podOf, snapshotOf } from "../../test/kit/schedule-world.js";
import type { VolumeChoice, VolumePlace } from "../volume-demand.js";
import { volumeLocation } from "./volume-location.js";

const on = (zone: string): NodeSelector =>
  NodeSelector.fromPartial({
    nodeSelectorTerms: [{ matchExpressions: [{ key: "zone", operator: "In", values: [zone] }] }],
  });
const here = (volume: string): VolumeChoice => ({ on: on("a"), volume });
const there = (volume: string): VolumeChoice => ({ on: on("b"), volume });
const anywhere = (volume: string): VolumeChoice => ({ on: undefined, volume });

// The node is in zone a. Two claims that each could have the same volume are the case that was once bound for ever.
const rows: readonly { name: string; places: readonly (readonly VolumeChoice[])[]; want: readonly string[] }[] = [
  { name: "one volume here", places: [[here("v1")]], want: [] },
  { name: "one volume elsewhere", places: [[there("v1")]], want: ["cannot mount the volume of claim c0"] },
  {
    name: "two claims, a volume each",
    places: [
      [here("v1"), here("v2")],
      [here("v1"), here("v2")],
    ],
    want: [],
  },
  {
    name: "two claims, one volume here and one elsewhere",
    places: [
      [here("v1"), there("v2")],
      [here("v1"), there("v2")],
    ],
    want: ["no volume is left for claim c1"],
  },
  {
    name: "a volume that any node mounts is taken once, too",
    places: [[anywhere("v1")], [anywhere("v1")]],
    want: ["no volume is left for claim c1"],
  },
  { name: "places that take no volume do not exclude each other", places: [[here("")], [here("")]], want: [] },
];

for (const { name, places, want } of rows)
  test(`volume-location: ${name}`, () => {
    const demand = {
      key: name,
      blocked: "",
      places: places.map((anyOf, at): VolumePlace => ({ claim: `c${at}`, anyOf })),
    };
    const pod = podOf({});
    const snapshot = snapshotOf([nodeOf({ labels: { zone: "a" } })], {}, [pod]);
    const sieve = volumeLocation.prepare(snapshot.shapeOf(pod, demand), snapshot);
    expect(sieve?.why(0).map(({ reason }) => reason)).toEqual(want);
    const fits = new Uint8Array([1]);
    sieve?.sift(fits, 0, 1);
    expect(fits[0]).toBe(want.length === 0 ? 1 : 0);
  });
