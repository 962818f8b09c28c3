import { TallshipError } from "../../lib/errors.js";
import { LIMITS } from "../../lib/limits.js";
import type { Shell } from "../shell.js";
import { type ComposeInput, type ComposeProject, composeProject } from "./compose.js";
import type { FolderFile, Looked } from "./load/lookup.js";

/** Passes of a project whose files name files that name files. */
const MOST_PASSES = 50;

/** Translates compose files, reading what they name until nothing is missing any more. */
export async function readProject(
  shell: Shell,
  input: Omit<ComposeInput, "known" | "environment">,
): Promise<ComposeProject> {
  const known = new Map<string, Looked>();
  const environment = new Map(
    Object.entries(shell.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])),
  );
  for (let pass = 0; pass < MOST_PASSES; pass += 1) {
    const project = composeProject({ ...input, environment, known });
    if (project.wanted.size === 0) return project;
    for (const path of project.wanted) known.set(path, await look(shell, path));
  }
  throw new TallshipError("too_large", `read compose files: files name files more than ${MOST_PASSES} deep`);
}

async function look(shell: Shell, path: string): Promise<Looked> {
  const found = await shell.files.find(path);
  if (found.is === "nothing") return found;
  if (found.is === "file") {
    if (found.bytes > LIMITS.composeCarriedBytes.value) return { is: "too_large", bytes: found.bytes };
    return { is: "file", bytes: await shell.files.readBytes(path), isExecutable: found.isExecutable === true };
  }
  const files: FolderFile[] = [];
  const bytes = await gather(shell, path, "", { files, bytes: 0 });
  return bytes > LIMITS.composeCarriedBytes.value ? { is: "too_large", bytes } : { is: "folder", files };
}

interface Gathered {
  readonly files: FolderFile[];
  readonly bytes: number;
}

/** Everything below a folder; stops once it is more than is carried. Returns the bytes met. */
async function gather(shell: Shell, root: string, below: string, { files, bytes }: Gathered): Promise<number> {
  let sum = bytes;
  for (const name of await shell.files.list(`${root}${below}`)) {
    if (sum > LIMITS.composeCarriedBytes.value) return sum;
    const path = `${below}/${name.replace(/\/$/, "")}`;
    if (name.endsWith("/")) {
      sum = await gather(shell, root, path, { files, bytes: sum });
      continue;
    }
    const found = await shell.files.find(`${root}${path}`);
    if (found.is !== "file") continue;
    sum += found.bytes;
    if (sum > LIMITS.composeCarriedBytes.value) return sum;
    files.push({
      path: path.slice(1),
      bytes: await shell.files.readBytes(`${root}${path}`),
      isExecutable: found.isExecutable === true,
    });
  }
  return sum;
}
