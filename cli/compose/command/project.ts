import { dirname, join, resolve } from "node:path";
import { problemText } from "../../../kinds/problem.js";
import { parseGeneralYaml } from "../../../kinds/yaml/general-reader.js";
import type { ParsedYaml } from "../../../kinds/yaml/parsed.js";
import { TallshipError } from "../../../lib/errors.js";
import { CLUSTER_FLAGS, type Flags, type FlagValues } from "../../flags.js";
import { readSources } from "../../input/files.js";
import type { Shell } from "../../shell.js";
import { toldAlready } from "../../verb.js";
import type { ComposeProject } from "../compose.js";
import { readProject } from "../read-project.js";
import { dnsName, projectNameOf } from "../translate/names.js";

/** Flags of every `compose` verb; before the subcommand -f and -p stand for --file and --project-name. */
export const PROJECT_FLAGS = {
  file: { type: "list", value: "FILE", summary: "compose file; may be repeated, each lies over the ones before" },
  projectName: {
    type: "text",
    value: "NAME",
    summary: "name of the project; that of the files or the folder when absent",
  },
  profile: { type: "list", value: "NAME", summary: "profile that is on; may be repeated" },
  envFile: { type: "list", value: "FILE", summary: "file of variables instead of .env" },
  projectDirectory: {
    type: "text",
    value: "FOLDER",
    summary: "folder of relative paths; that of the first file when absent",
  },
  ansi: { type: "text", value: "WHEN", summary: "for docker's sake: there are no colours" },
  progress: { type: "text", value: "TYPE", summary: "for docker's sake: progress is plain" },
  parallel: { type: "number", value: "COUNT", summary: "for docker's sake: the cluster does what it can at once" },
  compatibility: { type: "switch", summary: "for docker's sake: names are as compose has them since version 2" },
  ...CLUSTER_FLAGS,
} as const satisfies Flags;

/** What a `compose` verb was asked of its project. */
export type ProjectFlags = FlagValues<typeof PROJECT_FLAGS>;

/** A project by its name alone. */
export interface ProjectName {
  readonly name: string;
  readonly namespace: string;
}

const NAMES = ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"];
const OVERRIDES = [
  "compose.override.yaml",
  "compose.override.yml",
  "docker-compose.override.yml",
  "docker-compose.override.yaml",
];

/** The project of the files; what is wrong is told, all at once, and then this throws. What has no effect is told when `notes` says so. */
export async function openProject(
  shell: Shell,
  flags: ProjectFlags,
  { named = [], notes = false }: { readonly named?: readonly string[]; readonly notes?: boolean } = {},
): Promise<ComposeProject> {
  const files = await filesOf(shell, flags);
  if (files.length === 0)
    throw new TallshipError("invalid_argument", `there is no ${NAMES[0]} here or in a folder above; name it with -f`);
  const sources = await readSources(shell, { filename: files, recursive: false });
  const parsed: readonly ParsedYaml[] = sources.map(parseGeneralYaml);
  const folder = flags.projectDirectory ?? (files[0] === "-" ? "." : dirname(files[0] ?? "."));
  const project = await readProject(shell, {
    parsed,
    folder,
    absoluteFolder: resolve(cwdOf(shell), folder),
    envFiles: flags.envFile,
    projectName: flags.projectName,
    profiles: flags.profile,
    named,
    namespace: flags.namespace,
  });
  for (const problem of project.problems) await shell.stderr.write(`error: ${problemText(problem)}\n`);
  if (project.problems.length > 0) throw toldAlready("invalid_argument");
  for (const note of notes ? project.notes : []) await shell.stderr.write(`warning: ${problemText(note)}\n`);
  return project;
}

/** The project's name and namespace, without files when it is named. */
export async function nameProject(shell: Shell, flags: ProjectFlags): Promise<ProjectName> {
  const asked = flags.projectName ?? shell.env["COMPOSE_PROJECT_NAME"];
  if (asked === undefined || asked === "") return openProject(shell, flags);
  const name = projectNameOf(asked);
  return { name, namespace: flags.namespace ?? dnsName(name) };
}

function cwdOf(shell: Shell): string {
  return shell.env["PWD"] ?? "/";
}

/** -f, else COMPOSE_FILE, else the file of a known name here or in the nearest folder above, with its override. */
async function filesOf(shell: Shell, flags: ProjectFlags): Promise<readonly string[]> {
  if (flags.file.length > 0) return flags.file;
  const named = shell.env["COMPOSE_FILE"] ?? "";
  if (named !== "") return named.split(shell.env["COMPOSE_PATH_SEPARATOR"] ?? ":");
  const depth = cwdOf(shell)
    .split("/")
    .filter((step) => step !== "").length;
  let folder = flags.projectDirectory ?? ".";
  for (let up = 0; up <= depth; up += 1) {
    const [base] = await present(shell, folder, NAMES);
    if (base !== undefined) return [base, ...(await present(shell, folder, OVERRIDES)).slice(0, 1)];
    folder = join(folder, "..");
  }
  return [];
}

async function present(shell: Shell, folder: string, names: readonly string[]): Promise<readonly string[]> {
  const found: string[] = [];
  for (const name of names)
    if ((await shell.files.find(join(folder, name))).is === "file") found.push(join(folder, name));
  return found;
}
