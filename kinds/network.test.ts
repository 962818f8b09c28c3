import { expect, test } from "vitest";
import { NetworkSpec } from "../proto/gen/tallship/v1/network.js";
import { FURTHER_NETWORKS, NETWORKS, networksError, networksOf, slicePrefixLength, subnetError } from "./network.js";

const meta = (annotations: Readonly<Record<string, string>>) => ({ namespace: "shop", annotations });

// annotation, its text, the networks that it means
const lists = [
  [NETWORKS, "front, back", ["front", "back"]],
  [NETWORKS, "default,back", ["default", "back"]],
  [NETWORKS, "none", []],
  [FURTHER_NETWORKS, "back", ["default", "back"]],
  [FURTHER_NETWORKS, "shop/back", ["default", "back"]],
  [FURTHER_NETWORKS, '[{"name":"back","namespace":"shop"},{"name":"admin"}]', ["default", "back", "admin"]],
] as const;

for (const [annotation, text, want] of lists)
  test(`${annotation}: ${text}`, () => {
    expect(networksOf(meta({ [annotation]: text }))).toEqual(want);
    expect(networksError(meta({ [annotation]: text }), false)).toBeUndefined();
  });

test("a pod without annotations is on the cluster's own network", () => {
  expect(networksOf(meta({}))).toEqual(["default"]);
});

// What cannot be meant is told.
const mistakes = [
  [NETWORKS, "", "want names of networks"],
  [NETWORKS, "a,a", "a stands twice"],
  [NETWORKS, "a,none", "none stands alone"],
  [NETWORKS, "A_b", 'found "A_b"'],
  [FURTHER_NETWORKS, "other/back", 'found "other/back"'],
  [NETWORKS, "a,b,c,d,e,f,g,h,i", "at most 8"],
] as const;

for (const [annotation, text, says] of mistakes)
  test(`${annotation}: ${JSON.stringify(text)} is refused`, () => {
    expect(networksError(meta({ [annotation]: text }), false)?.message).toContain(says);
  });

test("a pod on its host's network joins no other", () => {
  expect(networksError(meta({ [NETWORKS]: "back" }), true)?.message).toContain("joins no other");
});

// Subnet, and the share of a node that follows from it.
for (const [subnet, length] of [
  ["10.64.0.0/20", 26],
  ["172.28.0.0/16", 24],
  ["192.168.5.0/24", 28],
] as const)
  test(`of ${subnet} a node gets a /${length}`, () => {
    expect(slicePrefixLength(NetworkSpec.fromPartial({ subnet }))).toBe(length);
    expect(subnetError(subnet)).toBeUndefined();
  });
