import { expect, test } from "vitest";
import { type ObjectKey, parseStoreKey, storeKey } from "./object.js";

// The name of an image is a path: its store key must have as many parts as any other, or lists would not find it.
const keys: readonly (readonly [ObjectKey, string])[] = [
  [{ kind: "Pod", namespace: "default", name: "web-0" }, "/tallship/core/Pod/default/web-0"],
  [{ kind: "Node", namespace: "", name: "host1" }, "/tallship/core/Node/_/host1"],
  [
    { kind: "Image", namespace: "", name: "reg.example:5000/team/app:v1" },
    "/tallship/tallship.dev/Image/_/reg.example:5000%2Fteam%2Fapp:v1",
  ],
];

test.each(keys)("%o is kept as %s, and found again", (key, text) => {
  expect(storeKey(key)).toBe(text);
  expect(parseStoreKey(text)).toEqual(key);
});
