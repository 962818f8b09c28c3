import { dirname, resolve } from "node:path";
import type { ParsedYaml } from "../../kinds/yaml/parsed.js";
import type { Shell } from "../shell.js";
import type { ComposeProject } from "./compose.js";
import { readProject } from "./read-project.js";

/** Where the project's objects belong: the namespace the user asked for, else one of its own. */
export interface ProjectHome {
  readonly namespace: string;
  readonly isNamespaceAsked: boolean;
}

/** The project that compose files given by name make, as `tsctl compose` would read them; relative paths are seen from the first file's folder. */
export function readComposeFiles(
  shell: Shell,
  parsed: readonly ParsedYaml[],
  { namespace, isNamespaceAsked }: ProjectHome,
): Promise<ComposeProject> {
  const first = parsed[0]?.source.name ?? "stdin";
  const folder = first === "stdin" ? "." : dirname(first);
  return readProject(shell, {
    parsed,
    folder,
    absoluteFolder: resolve(shell.env["PWD"] ?? "/", folder),
    envFiles: [],
    projectName: undefined,
    profiles: [],
    named: [],
    namespace: isNamespaceAsked ? namespace : undefined,
  });
}
