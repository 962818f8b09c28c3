import fc from "fast-check";
import { expect, test } from "vitest";
import { LIMITS } from "../../lib/limits.js";
import type { Json } from "../encode.js";
import { applyJsonPatch } from "./json-patch.js";
import { jsonOfTree, treeOfJson } from "./json-tree.js";

function run(target: Json, patch: Json): Json {
  const patched = applyJsonPatch(treeOfJson(target, 0), treeOfJson(patch, 0));
  if (patched.is === "patched") return jsonOfTree(patched.tree);
  return patched.is === "refused" ? patched.why.map(({ message }) => message) : "deleted";
}

// The examples of RFC 6902, appendix A, in our own words.
const rows = [
  { name: "adds a member", at: { a: 1 }, op: "add", path: "/b", value: 2, want: { a: 1, b: 2 } },
  { name: "replaces a member that is added again", at: { a: 1 }, op: "add", path: "/a", value: 2, want: { a: 2 } },
  { name: "inserts before an element", at: [1, 3], op: "add", path: "/1", value: 2, want: [1, 2, 3] },
  { name: "appends at the index behind the last", at: [1], op: "add", path: "/1", value: 2, want: [1, 2] },
  { name: "appends at -", at: [1], op: "add", path: "/-", value: [2], want: [1, [2]] },
  { name: "adds null", at: {}, op: "add", path: "/a", value: null, want: { a: null } },
  { name: "replaces the whole", at: { a: 1 }, op: "add", path: "", value: [], want: [] },
  { name: "removes an element", at: [1, 2, 3], op: "remove", path: "/1", want: [1, 3] },
  { name: "replaces an element", at: [1, 2], op: "replace", path: "/1", value: 3, want: [1, 3] },
  { name: "tells ~01 from /", at: { "~1": 1, "/": 2 }, op: "remove", path: "/~01", want: { "/": 2 } },
  { name: "moves", at: { a: { b: 1 }, c: {} }, op: "move", from: "/a/b", path: "/c/d", want: { a: {}, c: { d: 1 } } },
  { name: "moves to the same place", at: { a: 1 }, op: "move", from: "/a", path: "/a", want: { a: 1 } },
  { name: "copies", at: { a: [1] }, op: "copy", from: "/a", path: "/b", want: { a: [1], b: [1] } },
  {
    name: "tests maps in any order",
    at: { a: { b: 1, c: 2 } },
    op: "test",
    path: "/a",
    value: { c: 2, b: 1 },
    want: { a: { b: 1, c: 2 } },
  },
] as const;

test.each(rows)("a JSON patch $name", ({ name: _, at, want, ...operation }) => {
  expect(run(at, [operation])).toEqual(want);
});

const refusals: readonly { readonly op: Json; readonly want: string }[] = [
  { op: { op: "add", path: "/b/c", value: 1 }, want: "operation 1, add /b: there is no such field" },
  { op: { op: "add", path: "/list/3", value: 1 }, want: "operation 1, add /list/3: the list has 2 elements" },
  {
    op: { op: "add", path: "/list/01", value: 1 },
    want: 'operation 1, add /list/01: want an index of a list, found "01"',
  },
  {
    op: { op: "replace", path: "/list/-", value: 1 },
    want: 'operation 1, replace /list/-: want an index of a list, found "-"',
  },
  { op: { op: "replace", path: "/b", value: 1 }, want: "operation 1, replace /b: there is no such field" },
  { op: { op: "remove", path: "/a/b" }, want: "operation 1, remove /a/b: what holds it is neither a map nor a list" },
  { op: { op: "move", from: "/list", path: "/list/0" }, want: "operation 1, move moves a value into itself" },
  { op: { op: "test", path: "/a", value: "1" }, want: 'operation 1, test finds the number 1, wants the string "1"' },
  {
    op: { op: "add", path: "a", value: 1 },
    want: 'operation 1: path "a" is no JSON pointer: want /a/b, with ~1 for / and ~0 for ~',
  },
  { op: { op: "add", path: "/x" }, want: "operation 1: add needs a value" },
  {
    op: { op: "set", path: "/x" },
    want: 'operation 1: op is one of add, remove, replace, move, copy, test, found "set"',
  },
  { op: { op: "test", path: "/a", valeu: 1 }, want: 'operation 1: unknown field "valeu"' },
];

test.each(refusals)("a JSON patch is refused: $want", ({ op, want }) => {
  expect(run({ a: 1, list: [1, 2] }, [op])).toEqual([want]);
});

test("either all operations of a JSON patch hold or none", () => {
  const target = treeOfJson({ a: 1 }, 0);
  const patch = treeOfJson(
    [
      { op: "add", path: "/b", value: 1 },
      { op: "remove", path: "/c" },
    ],
    0,
  );
  expect(applyJsonPatch(target, patch).is).toBe("refused");
  expect(jsonOfTree(target)).toEqual({ a: 1 });
});

test("a JSON patch cannot double an object again and again", () => {
  const bomb = Array.from({ length: 40 }, (_, at) => ({ op: "copy", from: "", path: `/${at}` }));
  expect(run({ a: [1, 2, 3] }, bomb)).toEqual([`copies add more than ${LIMITS.yamlAliasExpansion.value} values`]);
});

test("what a JSON patch adds, another removes without a trace", () => {
  const objects = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 }));
  fc.assert(
    fc.property(objects, fc.string(), fc.jsonValue({ maxDepth: 2 }), (target, key, value) => {
      fc.pre(!Object.hasOwn(target, key) && key !== "__proto__" && !Object.hasOwn(target, "__proto__"));
      const path = `/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`;
      const steps = [
        { op: "add", path, value },
        { op: "test", path, value },
        { op: "remove", path },
      ];
      // The values are JSON.
      const before = treeOfJson(target as Json, 0);
      const patched = applyJsonPatch(before, treeOfJson(steps as Json, 0));
      expect(patched.is === "patched" && patched.tree).toEqual(before);
    }),
  );
});
