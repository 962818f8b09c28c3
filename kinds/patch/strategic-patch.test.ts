import fc from "fast-check";
import { expect, test } from "vitest";
import type { Json } from "../encode.js";
import { parseYaml } from "../yaml/parse.js";
import { jsonOfTree, treeOfJson } from "./json-tree.js";
import { applyMergePatch } from "./merge-patch.js";
import { applyStrategicPatch, type StrategicOptions } from "./strategic-patch.js";

function merge(target: string, patch: string, options: Partial<StrategicOptions> = {}): unknown {
  const [left, right] = [target, patch].map((text) => parseYaml({ name: "x", text }).documents[0]);
  if (left === undefined || right === undefined) throw new Error("an empty document");
  const patched = applyStrategicPatch(left, right, { messageName: "Pod", elements: "appended", ...options });
  if (patched.is === "patched") return jsonOfTree(patched.tree);
  return patched.is === "refused" ? patched.why.map(({ path, message }) => `${path}: ${message}`) : "deleted";
}

const pod = (containers: string): string => `{spec: {containers: [${containers}]}}`;
const containersOf = (text: string): unknown =>
  jsonOfTree(parseYaml({ name: "x", text: pod(text) }).documents[0] ?? treeOfJson(null, 0));

const rows = [
  {
    name: "merges an element by its key",
    target: "{name: a, image: x}, {name: b, image: y}",
    patch: "{name: b, image: z}",
    want: "{name: a, image: x}, {name: b, image: z}",
  },
  { name: "appends a new element", target: "{name: a}", patch: "{name: b}", want: "{name: a}, {name: b}" },
  { name: "deletes an element", target: "{name: a}, {name: b}", patch: "{name: a, $patch: delete}", want: "{name: b}" },
  {
    name: "deletes nothing that is not there",
    target: "{name: a}",
    patch: "{name: b, $patch: delete}",
    want: "{name: a}",
  },
  {
    name: "replaces an element",
    target: "{name: a, image: x}",
    patch: "{name: a, $patch: replace, command: [y]}",
    want: "{name: a, command: [y]}",
  },
  {
    name: "replaces the list",
    target: "{name: a}, {name: b}",
    patch: "{$patch: replace}, {name: c}",
    want: "{name: c}",
  },
  {
    name: "replaces a list without a key",
    target: "{name: a, args: [x, y]}",
    patch: "{name: a, args: [z]}",
    want: "{name: a, args: [z]}",
  },
  {
    name: "removes a field by null",
    target: "{name: a, image: x}",
    patch: "{name: a, image: null}",
    want: "{name: a}",
  },
  {
    name: "tells ports apart by both fields",
    target: "{name: a, ports: [{containerPort: 53, protocol: UDP}, {containerPort: 53}]}",
    patch: "{name: a, ports: [{containerPort: 53, protocol: TCP, name: t}]}",
    want: "{name: a, ports: [{containerPort: 53, protocol: UDP}, {containerPort: 53, protocol: TCP, name: t}]}",
  },
  {
    name: "finds the only port of a number",
    target: "{name: a, ports: [{containerPort: 53, protocol: UDP}]}",
    patch: "{name: a, ports: [{containerPort: 53, name: dns}]}",
    want: "{name: a, ports: [{containerPort: 53, protocol: UDP, name: dns}]}",
  },
  {
    name: "merges keyed lists in keyed lists",
    target: "{name: a, env: [{name: A, value: x}]}",
    patch: "{name: a, env: [{name: B, value: y}]}",
    want: "{name: a, env: [{name: A, value: x}, {name: B, value: y}]}",
  },
];

test.each(rows)("a strategic patch $name", ({ target, patch, want }) => {
  expect(merge(pod(target), pod(patch))).toEqual(containersOf(want));
});

test("kustomize's order puts what the patch names first", () => {
  const merged = merge(pod("{name: a}, {name: b}, {name: c}"), pod("{name: c, image: x}, {name: d}"), {
    elements: "first",
  });
  expect(merged).toEqual(containersOf("{name: c, image: x}, {name: d}, {name: a}, {name: b}"));
});

test("a list of a kind that the schema does not have is replaced", () => {
  expect(merge("{l: [{name: a}]}", "{l: [{name: b}]}", { messageName: undefined })).toEqual({ l: [{ name: "b" }] });
});

test("$retainKeys drops what it does not name", () => {
  const target = "{spec: {volumes: [{name: v, emptyDir: {}}]}}";
  const patch = "{spec: {volumes: [{name: v, $retainKeys: [name, hostPath], hostPath: {path: /x}}]}}";
  expect(merge(target, patch)).toEqual({ spec: { volumes: [{ name: "v", hostPath: { path: "/x" } }] } });
});

test("words are added to a set and deleted from it", () => {
  const target = "{metadata: {finalizers: [a/x, b/x]}}";
  expect(merge(target, "{metadata: {finalizers: [c/x, a/x]}}")).toEqual({
    metadata: { finalizers: ["a/x", "b/x", "c/x"] },
  });
  const patch = "{metadata: {$deleteFromPrimitiveList/finalizers: [a/x], $setElementOrder/finalizers: [b/x]}}";
  expect(merge(target, patch)).toEqual({ metadata: { finalizers: ["b/x"] } });
});

test("$setElementOrder orders what it names and leaves what others put in at its place", () => {
  const target = pod("{name: sidecar}, {name: a}, {name: b}");
  const patch = "{spec: {$setElementOrder/containers: [{name: b}, {name: c}, {name: a}], containers: [{name: c}]}}";
  expect(merge(target, patch)).toEqual(containersOf("{name: sidecar}, {name: b}, {name: c}, {name: a}"));
  expect(merge(target, "{spec: {$setElementOrder/containers: [{name: b}, {name: a}]}}")).toEqual(
    containersOf("{name: sidecar}, {name: b}, {name: a}"),
  );
});

test("the whole object can be deleted", () => {
  expect(merge("{metadata: {name: a}}", "{$patch: delete}")).toBe("deleted");
});

test("everything that is wrong with a strategic patch is told with its path", () => {
  const patch = "{spec: {$patch: remove, $retainKeys: x, containers: [{image: y}, z]}}";
  expect(merge(pod("{name: a}"), patch)).toEqual([
    'spec: $patch is merge, replace or delete, found "remove"',
    "spec: $retainKeys wants a list",
    "spec.containers[0]: an element of containers needs its key name",
    "spec.containers[1]: an element of containers needs its key name",
  ]);
});

const names = fc.uniqueArray(fc.constantFrom("a", "b", "c", "d"), { maxLength: 4 });
const container = fc.record({ image: fc.constantFrom("x", "y"), tty: fc.boolean() }, { requiredKeys: [] });
const pods = fc
  .tuple(names, fc.array(container, { minLength: 4, maxLength: 4 }))
  .map(([held, all]): Json => ({ spec: { containers: held.map((name, at) => ({ name, ...all[at] })) } }));

test("a strategic patch that is applied twice is applied once, in either order of elements", () => {
  fc.assert(
    fc.property(pods, pods, fc.constantFrom("appended", "first"), (target, patch, elements) => {
      const apply = (to: Json): Json => {
        const patched = applyStrategicPatch(treeOfJson(to, 0), treeOfJson(patch, 0), { messageName: "Pod", elements });
        return patched.is === "patched" ? jsonOfTree(patched.tree) : "refused";
      };
      const once = apply(target);
      expect(apply(once)).toEqual(once);
    }),
  );
});

test("without keyed lists a strategic patch is a merge patch", () => {
  const maps = fc.dictionary(fc.stringMatching(/^[a-z]{1,2}$/), fc.jsonValue({ maxDepth: 2 }));
  fc.assert(
    fc.property(maps, maps, (target, patch) => {
      // The values are JSON.
      const [left, right] = [treeOfJson(target as Json, 0), treeOfJson(patch as Json, 0)];
      const patched = applyStrategicPatch(left, right, { messageName: undefined, elements: "appended" });
      fc.pre(patched.is === "patched");
      expect(patched.is === "patched" && jsonOfTree(patched.tree)).toEqual(jsonOfTree(applyMergePatch(left, right)));
    }),
  );
});
