import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { toJson } from "../../kinds/encode.js";
import { type Problem, problemText } from "../../kinds/problem.js";
import { parseGeneralYaml } from "../../kinds/yaml/general-reader.js";
import { printYaml } from "../../kinds/yaml/print.js";
import { composeProject } from "./compose.js";
import type { FolderFile, Looked } from "./load/lookup.js";

// One folder is one construct: compose files in, `expected` out: objects as YAML, then notes and problems with their places. After a change
// that is meant, `WRITE_GOLDEN=1` writes them anew; read the difference before it is committed.
const root = join(import.meta.dirname, "testdata");

function look(path: string): Looked {
  if (!existsSync(path)) return { is: "nothing" };
  const isExecutable = (name: string): boolean => (statSync(name).mode & 0o100) !== 0;
  if (statSync(path).isFile()) return { is: "file", bytes: readFileSync(path), isExecutable: isExecutable(path) };
  const names = readdirSync(path, { recursive: true, encoding: "utf8" }).sort();
  const files = names
    .filter((name) => statSync(join(path, name)).isFile())
    .map(
      (name): FolderFile => ({
        path: name,
        bytes: readFileSync(join(path, name)),
        isExecutable: isExecutable(join(path, name)),
      }),
    );
  return { is: "folder", files };
}

// What the schema says is not honoured yet changes with the schema: its notes stand in docs/fields.md.
function isOurs({ path, message }: Problem): boolean {
  return !path.startsWith("spec.") && !message.startsWith("accepted, not enforced: kind ");
}

function translated(name: string): string {
  const folder = join(root, name);
  const files = ["compose.yaml", "compose.override.yaml"].filter((file) => existsSync(join(folder, file)));
  const parsed = files.map((file) => parseGeneralYaml({ name: file, text: readFileSync(join(folder, file), "utf8") }));
  const known = new Map<string, Looked>();
  const environment = new Map([
    ["HOME", "/home/ann"],
    ["FROM_SHELL", "shell value"],
    ["COMPOSE_PROFILES", name === "profiles" ? "debug" : ""],
  ]);
  const input = { parsed, folder: ".", absoluteFolder: folder, environment, envFiles: [], projectName: undefined };
  for (;;) {
    const project = composeProject({ ...input, profiles: [], named: [], namespace: undefined, known });
    if (project.wanted.size === 0) {
      const told = [
        ...project.problems.map((each) => `# error: ${problemText(each)}`),
        ...project.notes.filter(isOurs).map((each) => `# note: ${problemText(each)}`),
      ];
      return `${project.objects.map(({ typed }) => printYaml(toJson(typed))).join("---\n")}${told.map((line) => `${line}\n`).join("")}`;
    }
    for (const path of project.wanted) known.set(path, look(join(folder, path)));
  }
}

for (const name of readdirSync(root).sort()) {
  test(`compose: ${name} becomes what is expected`, () => {
    const path = join(root, name, "expected");
    const result = translated(name);
    if (process.env["WRITE_GOLDEN"] === "1") writeFileSync(path, result);
    expect(result).toBe(readFileSync(path, "utf8"));
  });
}
