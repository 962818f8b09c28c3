import { expect, test } from "vitest";
import { toJson } from "../encode.js";
import type { Typed } from "../object.js";
import { problemText } from "../problem.js";
import { readObjects } from "../read.js";
import { parseYaml } from "../yaml/parse.js";
import { type PatchForm, patchObject } from "./patch-object.js";

const LIVE = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: default, labels: {app: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: web:1}]
`;

function live(): Typed {
  const { objects } = readObjects([parseYaml({ name: "live", text: LIVE })], {
    namespace: "default",
    isNamespaceAsked: false,
  });
  const [first] = objects;
  if (first === undefined) throw new Error("no object");
  return first.typed;
}

function patch(form: PatchForm, text: string): unknown {
  const source = { name: "patch", text };
  const [tree] = parseYaml(source).documents;
  if (tree === undefined) throw new Error("an empty patch");
  const patched = patchObject(live(), { form, tree, source });
  return patched.is === "patched" ? toJson(patched.typed)["spec"] : patched.problems.map(problemText);
}

test("each form of patch changes a typed object", () => {
  expect(patch("merge", "{spec: {replicas: 3}}")).toMatchObject({ replicas: 3 });
  expect(
    patch("json", '[{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "web:2"}]'),
  ).toMatchObject({
    template: { spec: { containers: [{ name: "web", image: "web:2" }] } },
  });
  expect(patch("strategic", "{spec: {template: {spec: {containers: [{name: side, image: s}]}}}}")).toMatchObject({
    template: {
      spec: {
        containers: [
          { name: "web", image: "web:1" },
          { name: "side", image: "s" },
        ],
      },
    },
  });
});

test("what a patch gets wrong is told at its place", () => {
  expect(patch("merge", "spec:\n  replicsa: 3")).toEqual([
    'patch:2:3: spec.replicsa: unknown field "replicsa", did you mean "replicas"?',
  ]);
  expect(patch("strategic", "spec:\n  replicas: many")).toEqual([
    'patch:2:13: spec.replicas: want a whole number, found the string "many"',
  ]);
  expect(patch("json", "- {op: remove, path: /spec/paused}")).toEqual([
    "patch:1:3: operation 1, remove /spec/paused: there is no such field",
  ]);
  expect(patch("merge", "{metadata: {name: other}}")).toEqual([
    "patch:1:1: a patch cannot make Deployment/default/other of Deployment/default/web",
  ]);
  expect(patch("strategic", "{$patch: delete}")).toEqual(["patch:1:1: a patch does not delete a whole object"]);
});
