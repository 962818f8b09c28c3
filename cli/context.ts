import { problemText } from "../kinds/problem.js";
import { parseLazily } from "../kinds/yaml/parse-lazily.js";
import { textsOf } from "../kinds/yaml/tree.js";
import { type ClusterContext, type ContextFile, checkContextFile } from "../lib/context-file.js";
import { asTallshipError, TallshipError } from "../lib/errors.js";
import type { Shell } from "./shell.js";

/** Where contexts are looked for when neither --config nor TSCTL_CONFIG names a file; the first that is there counts. */
const DEFAULT_PATHS = [".tallship/config", "/etc/tallship/admin.yaml"] as const;

/** A context file and where it stands. */
export interface FoundContextFile {
  readonly path: string;
  readonly file: ContextFile;
}

/** The flags that choose a context. */
export interface ContextFlags {
  readonly context?: string | undefined;
  readonly config?: string | undefined;
}

/** Finds and reads the context file; throws failed_precondition that says where it looked. */
export async function readContextFile(shell: Shell, flags: ContextFlags): Promise<FoundContextFile> {
  const path = await contextPath(shell, flags);
  const { documents, problems } = await parseLazily({ name: path, text: await readText(shell, path) });
  const [problem] = problems;
  if (problem !== undefined) throw new TallshipError("invalid_argument", `read ${problemText(problem)}`);
  const [root] = documents;
  return { path, file: checkContextFile(root === undefined ? undefined : textsOf(root), path) };
}

/** The context to use. */
export async function chooseContext(shell: Shell, flags: ContextFlags): Promise<ClusterContext> {
  const { path, file } = await readContextFile(shell, flags);
  const name = flags.context ?? file.current;
  const found = file.contexts.find((context) => context.name === name);
  if (found !== undefined) return found;
  const names = file.contexts.map((context) => context.name).join(", ") || "none";
  throw new TallshipError("not_found", `context "${name}" is not in ${path}, which has ${names}`);
}

async function contextPath(shell: Shell, flags: ContextFlags): Promise<string> {
  const named = flags.config ?? shell.env["TSCTL_CONFIG"];
  if (named !== undefined && named !== "") return named;
  const { HOME = "/root" } = shell.env;
  const paths = DEFAULT_PATHS.map((path) => (path.startsWith("/") ? path : `${HOME}/${path}`));
  for (const path of paths) if ((await shell.files.find(path)).is === "file") return path;
  throw new TallshipError(
    "failed_precondition",
    `no context file: none of TSCTL_CONFIG, ${paths.join(", ")} is there; run tallshipd init on the first host, or copy its /etc/tallship/admin.yaml here`,
  );
}

async function readText(shell: Shell, path: string): Promise<string> {
  try {
    return await shell.files.read(path);
  } catch (cause) {
    const { message } = asTallshipError(cause);
    throw new TallshipError("failed_precondition", `read context file: ${message}`, { cause });
  }
}
