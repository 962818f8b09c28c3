import { expect, test } from "vitest";
import { problemText } from "../../kinds/problem.js";
import type { Files } from "../shell.js";
import { buildKustomization } from "./build.js";
import { loadFiles } from "./load.js";

/** Files in memory; a text that starts with -> is a link. */
function filesOf(texts: Readonly<Record<string, string>>, read: string[] = []): Files {
  const isFolder = (path: string): boolean => Object.keys(texts).some((name) => name.startsWith(`${path}/`));
  const real = (path: string): string =>
    texts[path]?.startsWith("->") === true ? texts[path].slice(2) : `/home/${path}`;
  return {
    find: async (path) => {
      const text = texts[path];
      if (text !== undefined) return { is: "file", bytes: text.length };
      return { is: isFolder(path) ? "folder" : "nothing" };
    },
    read: async (path) => texts[path] ?? "",
    readBytes: async (path) => {
      read.push(path);
      return Buffer.from(texts[path] ?? "");
    },
    chunks: async function* (path) {
      yield Buffer.from(texts[path] ?? "");
    },
    writeChunks: async () => undefined,
    realPath: async (path) => real(path),
    list: async () => [],
    write: async () => undefined,
  };
}

test("only what kustomizations name is read, once, and never from outside of their folders", async () => {
  const read: string[] = [];
  const files = filesOf(
    {
      "app/kustomization.yaml":
        "resources: [../base, ../base/, ../secret.yaml, a.yaml]\nconfigMapGenerator: [{name: c, files: [k=conf/x, link], envs: [e]}]\npatches: [{path: p.yaml}, {patch: '{a: b}'}]",
      "app/a.yaml": "",
      "app/conf/x": "",
      "app/link": "->/etc/shadow",
      "app/e": "",
      "app/p.yaml": "",
      "app/unnamed.yaml": "",
      "base/kustomization.yaml": "resources: [b.yaml]",
      "base/b.yaml": "{apiVersion: v1, kind: ConfigMap, metadata: {name: b}}",
      "secret.yaml": "",
    },
    read,
  );
  const found = await loadFiles(files, "app");
  expect(read.sort()).toEqual([
    "app/a.yaml",
    "app/conf/x",
    "app/e",
    "app/kustomization.yaml",
    "app/p.yaml",
    "base/b.yaml",
    "base/kustomization.yaml",
  ]);
  expect(found.get("app/link")).toEqual({ is: "outside", realPath: "/etc/shadow" });
  const problems = buildKustomization("app", found).problems.map(problemText);
  expect(problems.find((text) => text.includes("/etc/shadow"))).toMatch(
    /^app\/kustomization\.yaml:2:\d+: link is a link to \/etc\/shadow, outside of app$/,
  );
  expect(problems).toContain(
    "app/kustomization.yaml:1:32: ../secret.yaml is outside of app: files stand in the folder of their kustomization or below",
  );
});
