import { matchesSelector } from "../../kinds/label-selector.js";
import { metaOf } from "../../kinds/object.js";
import { type Problem, problemText } from "../../kinds/problem.js";
import { type ReadObject, type ReadOptions, type ReadResult, readObjects } from "../../kinds/read.js";
import { parseLabelSelector } from "../../kinds/selector-text.js";
import { parseLazily } from "../../kinds/yaml/parse-lazily.js";
import type { ParsedYaml } from "../../kinds/yaml/parsed.js";
import { entryOf } from "../../kinds/yaml/tree.js";
import type { Cluster } from "../cluster.js";
import type { Shell } from "../shell.js";
import { toldAlready, usageError } from "../verb.js";
import { type FileFlags, namesFiles, readSources } from "./files.js";

/** Where objects that name no namespace belong. */
export type Home = Pick<Cluster, "namespace" | "isNamespaceAsked">;

/** How strictly files are read. */
export interface ReadFlags extends FileFlags {
  /** What is accepted without effect is an error too. */
  readonly strict?: boolean;
  /** Say what is accepted without effect. */
  readonly warn?: boolean;
  /** Objects may leave their names to the server. */
  readonly allowsGeneratedNames?: boolean;
  /** Only objects with these labels; what is wrong with others is told all the same. */
  readonly selector?: string | undefined;
}

/** Every object in the files. Whatever is wrong in any of them is told, all at once, and then this throws. */
export async function readInput(shell: Shell, flags: ReadFlags, home: Home): Promise<readonly ReadObject[]> {
  const parsed = await parseInput(shell, flags);
  const { objects, problems, warnings } = await readAll(shell, parsed, {
    ...home,
    isNameNeeded: flags.allowsGeneratedNames !== true,
  });
  if (flags.warn === true && flags.strict !== true)
    for (const warning of warnings) await shell.stderr.write(`warning: ${problemText(warning)}\n`);
  const refused = flags.strict === true ? [...problems, ...warnings.map(asRefusal)] : problems;
  if (refused.length === 0) return selected(objects, flags.selector);
  for (const problem of refused) await shell.stderr.write(`error: ${problemText(problem)}\n`);
  await shell.stderr.write(
    `${countText(refused.length, "error")} in ${countText(
      parsed.reduce(
        (sum, { source }) => sum + (source.spans?.filter((span) => span.source.text !== "").length ?? 1),
        0,
      ),
      "file",
    )}, nothing was sent\n`,
  );
  throw toldAlready("invalid_argument");
}

function selected(objects: readonly ReadObject[], text: string | undefined): readonly ReadObject[] {
  if (text === undefined) return objects;
  const selector = parseLabelSelector(text);
  return objects.filter(({ typed }) => matchesSelector(selector, metaOf(typed.object).labels));
}

async function parseInput(shell: Shell, flags: ReadFlags): Promise<readonly ParsedYaml[]> {
  if (!namesFiles(flags)) throw usageError("name the files: -f FILE, or a kustomization: -k FOLDER");
  if (flags.kustomize === undefined) return Promise.all((await readSources(shell, flags)).map(parseLazily));
  if (flags.filename.length > 0) throw usageError("name files with -f or a kustomization with -k, not both");
  const { readKustomization } = await import("../kustomize/kustomize.js");
  return [await readKustomization(shell, flags.kustomize)];
}

/** Compose files are known by what is in them; all of them together are one project. */
async function readAll(shell: Shell, parsed: readonly ParsedYaml[], home: ReadOptions): Promise<ReadResult> {
  const composed = parsed.filter(isComposeFile);
  const others = parsed.filter((each) => !composed.includes(each));
  const read = readObjects(others, home);
  if (composed.length === 0) return read;
  const { readComposeFiles } = await import("../compose/read-files.js");
  const project = await readComposeFiles(shell, composed, home);
  return {
    objects: [...project.objects, ...read.objects],
    problems: [...project.problems, ...read.problems],
    warnings: [...project.notes, ...read.warnings],
  };
}

function isComposeFile({ documents }: ParsedYaml): boolean {
  const [root] = documents;
  if (root?.is !== "map" || documents.length !== 1) return false;
  const has = (key: string): boolean => entryOf(root, key) !== undefined;
  return (has("services") || has("include")) && !has("apiVersion") && !has("kind");
}

function asRefusal(warning: Problem): Problem {
  return {
    ...warning,
    message: warning.message.replace(/^accepted, not enforced/, "not enforced, refused by --strict"),
  };
}

function countText(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
