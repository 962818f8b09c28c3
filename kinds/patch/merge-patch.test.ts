import fc from "fast-check";
import { expect, test } from "vitest";
import type { Json } from "../encode.js";
import { jsonOfTree, treeOfJson } from "./json-tree.js";
import { applyMergePatch } from "./merge-patch.js";

function merge(target: Json, patch: Json): Json {
  return jsonOfTree(applyMergePatch(treeOfJson(target, 0), treeOfJson(patch, 0)));
}

// The table of RFC 7386, appendix A.
const rows: readonly (readonly [Json, Json, Json])[] = [
  [{ a: "b" }, { a: "c" }, { a: "c" }],
  [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
  [{ a: "b" }, { a: null }, {}],
  [{ a: "b", b: "c" }, { a: null }, { b: "c" }],
  [{ a: ["b"] }, { a: "c" }, { a: "c" }],
  [{ a: "c" }, { a: ["b"] }, { a: ["b"] }],
  [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
  [{ a: [{ b: "c" }] }, { a: [1] }, { a: [1] }],
  [
    ["a", "b"],
    ["c", "d"],
    ["c", "d"],
  ],
  [{ a: "b" }, ["c"], ["c"]],
  [{ a: "foo" }, null, null],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [[1, 2], { a: "b", c: null }, { a: "b" }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
];

test.each(rows)("the merge patch of %j by %j gives %j", (target, patch, want) => {
  expect(merge(target, patch)).toEqual(want);
});

test("a merge patch that is applied twice is applied once, and all it sets holds", () => {
  const values = fc.jsonValue({ maxDepth: 3 });
  fc.assert(
    fc.property(values, values, (target, patch) => {
      // The values are JSON.
      const once = applyMergePatch(treeOfJson(target as Json, 0), treeOfJson(patch as Json, 0));
      const twice = applyMergePatch(once, treeOfJson(patch as Json, 0));
      expect(jsonOfTree(twice)).toEqual(jsonOfTree(once));
    }),
  );
});
