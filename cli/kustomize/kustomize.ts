import { posix } from "node:path";
import { problemText } from "../../kinds/problem.js";
import type { ParsedYaml } from "../../kinds/yaml/parsed.js";
import { printTree } from "../../kinds/yaml/print.js";
import { TallshipError } from "../../lib/errors.js";
import { EXIT } from "../exit-codes.js";
import type { Shell } from "../shell.js";
import { toldAlready } from "../verb.js";
import { type Built, buildKustomization } from "./build.js";
import { loadFiles } from "./load.js";

/** Builds the kustomization of a folder; reads only what it names. */
async function build(shell: Shell, folder: string): Promise<Built> {
  const dir = posix.normalize(folder).replace(/(.)\/+$/, "$1");
  if ((await shell.files.find(dir)).is !== "folder")
    throw new TallshipError("invalid_argument", `read ${folder}: a kustomization is a folder, and there is none`);
  return buildKustomization(dir, await loadFiles(shell.files, dir));
}

/** The objects of a kustomization as if they stood in one file; each part of them still knows the file it came from. */
export async function readKustomization(shell: Shell, folder: string): Promise<ParsedYaml> {
  const { objects, sources, problems, warnings } = await build(shell, folder);
  for (const warning of warnings) await shell.stderr.write(`warning: ${problemText(warning)}\n`);
  return { source: sources.whole, documents: objects, problems };
}

/** Prints what a kustomization makes, or writes it to a file; checked as far as kustomize checks. */
export async function runKustomize(folder: string, shell: Shell, output: string | undefined): Promise<number> {
  const { documents, problems } = await readKustomization(shell, folder);
  for (const problem of problems) await shell.stderr.write(`error: ${problemText(problem)}\n`);
  const [first] = problems;
  if (first !== undefined) throw toldAlready(first.code);
  const text = documents.map(printTree).join("---\n");
  if (output === undefined) await shell.stdout.write(text);
  else await shell.files.write(output, text);
  return EXIT.ok;
}
