import { type Problem, problemText } from "../../kinds/problem.js";
import { type ReadObject, readObjects } from "../../kinds/read.js";
import { parseLazily } from "../../kinds/yaml/parse-lazily.js";
import type { Cluster } from "../cluster.js";
import type { Shell } from "../shell.js";
import { toldAlready, usageError } from "../verb.js";
import { type FileFlags, readSources } from "./files.js";

/** Where objects that name no namespace belong. */
export type Home = Pick<Cluster, "namespace" | "isNamespaceAsked">;

/** How strictly files are read. */
export interface ReadFlags extends FileFlags {
  /** What is accepted without effect is an error too. */
  readonly strict?: boolean;
  /** Say what is accepted without effect. */
  readonly warn?: boolean;
}

/** Every object in the files. Whatever is wrong in any of them is told, all at once, and then this throws. */
export async function readInput(shell: Shell, flags: ReadFlags, home: Home): Promise<readonly ReadObject[]> {
  if (flags.filename.length === 0) throw usageError("name the files: -f FILE");
  const sources = await readSources(shell, flags);
  const parsed = await Promise.all(sources.map(parseLazily));
  const { objects, problems, warnings } = readObjects(parsed, { ...home, isNameNeeded: true });
  if (flags.warn === true && flags.strict !== true)
    for (const warning of warnings) await shell.stderr.write(`warning: ${problemText(warning)}\n`);
  const refused = flags.strict === true ? [...problems, ...warnings.map(asRefusal)] : problems;
  if (refused.length === 0) return objects;
  for (const problem of refused) await shell.stderr.write(`error: ${problemText(problem)}\n`);
  await shell.stderr.write(
    `${countText(refused.length, "error")} in ${countText(sources.length, "file")}, nothing was sent\n`,
  );
  throw toldAlready("invalid_argument");
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
