import { parseYaml } from "../../kinds/yaml/parse.js";
import { stripBom } from "../../kinds/yaml/source.js";
import { scalarText, type TreeNode } from "../../kinds/yaml/tree.js";
import { TallshipError } from "../../lib/errors.js";
import { LIMITS } from "../../lib/limits.js";
import type { Files } from "../shell.js";
import { FILE_NAMES } from "./declaration.js";
import { nodesAt } from "./fields.js";
import { type FileEntry, isInline, isRemote, leavesFolder, pathIn } from "./files.js";

/** Reads everything that the kustomization of a folder names, and those that it names. What is wrong with it the build tells. */
export async function loadFiles(files: Files, root: string): Promise<ReadonlyMap<string, FileEntry>> {
  const loader = new Loader(files);
  await loader.folder(root);
  return loader.found;
}

/** Fields that name folders or files of objects. */
const RESOURCES = ["resources", "bases", "components"];
/** Fields that name files, with the steps to them. */
const FILES: readonly (readonly string[])[] = [
  ["patches", "path"],
  ["patchesJson6902", "path"],
  ["patchesStrategicMerge"],
  ["replacements", "path"],
  ["transformers"],
  ["configMapGenerator", "files"],
  ["configMapGenerator", "envs"],
  ["configMapGenerator", "env"],
  ["secretGenerator", "files"],
  ["secretGenerator", "envs"],
  ["secretGenerator", "env"],
];

class Loader {
  readonly found = new Map<string, FileEntry>();
  private readonly files: Files;
  private bytes = 0;

  constructor(files: Files) {
    this.files = files;
  }

  /** Reads a folder's kustomization and all it names; a folder that was read is not read again. */
  async folder(dir: string): Promise<void> {
    if (this.found.has(dir)) return;
    this.found.set(dir, { is: "folder" });
    for (const name of FILE_NAMES) {
      const path = pathIn(dir, name);
      const entry = await this.read(path, dir);
      if (entry.is !== "nothing") this.found.set(path, entry);
      if (entry.is === "file") await this.named(dir, Buffer.from(entry.bytes).toString("utf8"));
    }
  }

  private async named(dir: string, text: string): Promise<void> {
    const [root] = parseYaml({ name: dir, text: stripBom(text) }).documents;
    for (const field of RESOURCES) for (const reference of textsAt(root, [field])) await this.resource(dir, reference);
    for (const steps of FILES)
      for (const reference of textsAt(root, steps)) await this.file(dir, reference, steps.at(-1) === "files");
  }

  private async resource(dir: string, reference: string): Promise<void> {
    if (isRemote(reference) || reference.startsWith("/")) return;
    const path = pathIn(dir, reference).replace(/(.)\/+$/, "$1");
    const found = await this.files.find(path);
    if (found.is === "folder") await this.folder(path);
    else if (!leavesFolder(reference)) await this.keep(path, dir);
  }

  private async file(dir: string, reference: string, isEntry: boolean): Promise<void> {
    const path = isEntry ? reference.slice(reference.indexOf("=") + 1) : reference;
    if (!isInline(path) && !leavesFolder(path)) await this.keep(pathIn(dir, path), dir);
  }

  private async keep(path: string, dir: string): Promise<void> {
    if (!this.found.has(path)) this.found.set(path, await this.read(path, dir));
  }

  private async read(path: string, dir: string): Promise<FileEntry> {
    const found = await this.files.find(path);
    if (found.is !== "file") return { is: found.is };
    const [home, realPath] = [await this.files.realPath(dir), await this.files.realPath(path)];
    const isInside = realPath.startsWith(home === "/" || home === "." ? "" : `${home}/`);
    if (!isInside) return { is: "outside", realPath };
    this.bytes += found.bytes;
    if (this.bytes > LIMITS.yamlBytes.value)
      throw new TallshipError(
        "too_large",
        `read ${path}: the files of the kustomization have more than ${LIMITS.yamlBytes.value} bytes`,
      );
    return { is: "file", bytes: await this.files.readBytes(path) };
  }
}

function textsAt(root: TreeNode | undefined, steps: readonly string[]): readonly string[] {
  const nodes = nodesAt(root, steps).flatMap((node) => (node.is === "list" ? node.items : [node]));
  return nodes.flatMap((node) => scalarText(node) ?? []);
}
