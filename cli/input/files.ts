import { type Source, stripBom } from "../../kinds/yaml/source.js";
import { TallshipError } from "../../lib/errors.js";
import { LIMITS } from "../../lib/limits.js";
import { inOrder } from "../in-order.js";
import type { Shell } from "../shell.js";
import { usageError } from "../verb.js";

/** What the file flags say. */
export interface FileFlags {
  readonly filename: readonly string[];
  readonly recursive: boolean;
  /** Folder of a kustomization, instead of files. */
  readonly kustomize?: string | undefined;
}

/** True when objects are named by files or a kustomization. */
export function namesFiles({ filename, kustomize }: FileFlags): boolean {
  return filename.length > 0 || kustomize !== undefined;
}

/** Reads every file named, and the YAML and JSON files of every folder, in order of name. Too large a file is refused unread. */
export async function readSources(shell: Shell, { filename, recursive }: FileFlags): Promise<readonly Source[]> {
  if (filename.filter((path) => path === "-").length > 1) throw usageError("standard input can be read only once");
  const sources: Source[] = [];
  for (const path of filename) sources.push(...(await readPath(shell, path, recursive)));
  return sources;
}

async function readPath(shell: Shell, path: string, isRecursive: boolean): Promise<readonly Source[]> {
  if (path === "-") return [sourceOf("stdin", await shell.stdin.readAll(LIMITS.yamlBytes.value))];
  if (/^https?:\/\//.test(path))
    throw new TallshipError("not_supported", `read ${path}: files are not fetched from the net; pipe it in with -f -`);
  const found = await shell.files.find(path);
  if (found.is === "nothing")
    throw new TallshipError("invalid_argument", `read ${path}: there is no such file or folder`);
  if (found.is === "file") return [await readFile(shell, path, found.bytes)];
  const sources = await readFolder(shell, path.replace(/(.)\/+$/, "$1"), isRecursive);
  if (sources.length > 0) return sources;
  const deeper = isRecursive ? "" : "; -R takes the folders in it too";
  throw new TallshipError("invalid_argument", `read ${path}: the folder has no .yaml, .yml or .json file${deeper}`);
}

async function readFolder(shell: Shell, folder: string, isRecursive: boolean): Promise<readonly Source[]> {
  const sources: Source[] = [];
  const paths = (await shell.files.list(folder))
    .filter((name) => name.endsWith("/") || /\.(ya?ml|json)$/.test(name))
    .map((name) => `${folder === "/" ? "" : folder}/${name}`);
  await inOrder(paths, FILES_AT_ONCE, {
    work: (path) => readEntry(shell, path, isRecursive),
    take: async (found) => void sources.push(...found),
  });
  return sources;
}

/** Files read at a time: a disk has a queue. */
const FILES_AT_ONCE = 32;

async function readEntry(shell: Shell, path: string, isRecursive: boolean): Promise<readonly Source[]> {
  if (path.endsWith("/")) return isRecursive ? readFolder(shell, path.slice(0, -1), true) : [];
  const found = await shell.files.find(path);
  return found.is === "file" ? [await readFile(shell, path, found.bytes)] : [];
}

async function readFile(shell: Shell, path: string, bytes: number): Promise<Source> {
  const most = LIMITS.yamlBytes.value;
  if (bytes > most)
    throw new TallshipError(
      "too_large",
      `read ${path}: ${bytes} bytes, at most ${most} are read; split it into several files`,
    );
  return sourceOf(path, await shell.files.read(path));
}

/** A file in another encoding would be told as a document that makes no sense. */
function sourceOf(name: string, text: string): Source {
  if (text.includes("\0"))
    throw new TallshipError("invalid_argument", `read ${name}: want text in UTF-8, found other bytes`);
  return { name, text: stripBom(text) };
}
