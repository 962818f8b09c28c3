import { type ClusterContext, type ContextFile, formatContextFile } from "../../lib/context-file.js";
import { TallshipError } from "../../lib/errors.js";
import { type ContextFlags, type FoundContextFile, readContextFile } from "../context.js";
import type { Shell } from "../shell.js";
import { formatTable } from "../table.js";

/** The contexts as a table, without their keys. */
export function contextsTable(file: ContextFile, contexts: readonly ClusterContext[], withHeadings: boolean): string {
  const rows = contexts.map(({ name, servers, namespace }) => [
    name === file.current ? "*" : "",
    name,
    servers.join(","),
    namespace ?? "default",
  ]);
  return formatTable(withHeadings ? [["CURRENT", "NAME", "SERVERS", "NAMESPACE"], ...rows] : rows);
}

/** The context of a name; throws not_found. */
export function contextNamed({ path, file }: FoundContextFile, name: string): ClusterContext {
  const found = file.contexts.find((context) => context.name === name);
  if (found !== undefined) return found;
  throw new TallshipError("not_found", `context "${name}" is not in ${path}`);
}

/** Reads the context file, changes it and writes it. */
export async function changeContexts(
  shell: Shell,
  flags: ContextFlags,
  change: (found: FoundContextFile) => ContextFile,
): Promise<FoundContextFile> {
  const found = await readContextFile(shell, flags);
  const file = change(found);
  await shell.files.write(found.path, formatContextFile(file));
  return { path: found.path, file };
}
