import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { expect, test } from "vitest";
import { jsonOfTree } from "../../kinds/patch/json-tree.js";
import { problemText } from "../../kinds/problem.js";
import { parseGeneralYaml } from "../../kinds/yaml/general-reader.js";
import { buildKustomization } from "./build.js";
import type { FileEntry } from "./files.js";

// What is expected was made by kustomize itself: see the README there. Objects are compared as values, in their order.
const root = join(import.meta.dirname, "testdata");

const files = new Map<string, FileEntry>(
  readdirSync(root, { recursive: true, encoding: "utf8" }).map((path) => {
    const isFile = statSync(join(root, path)).isFile();
    return [path, isFile ? { is: "file", bytes: readFileSync(join(root, path)) } : { is: "folder" }];
  }),
);
const folders = [...files.keys()].filter((path) => path.endsWith("/expected.yaml")).map((path) => join(path, ".."));

for (const folder of folders.sort()) {
  test(`${folder} becomes what kustomize makes of it`, () => {
    const { objects, problems } = buildKustomization(folder, files);
    expect(problems.map(problemText)).toEqual([]);
    const text = readFileSync(join(root, folder, "expected.yaml"), "utf8");
    const wanted = parseGeneralYaml({ name: relative(root, folder), text });
    expect(wanted.problems).toEqual([]);
    expect(objects.map(jsonOfTree)).toEqual(wanted.documents.map(jsonOfTree));
  });
}
