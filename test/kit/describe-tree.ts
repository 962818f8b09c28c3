// Edge: reads a folder.
import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";

/** One line per path below a folder: type, mode, owner, links, time and content. Equal trees have equal lines. */
export function describeTree(root: string, path = ""): readonly string[] {
  const at = path === "" ? root : `${root}/${path}`;
  const found = lstatSync(at);
  const kind = found.isSymbolicLink()
    ? `-> ${readlinkSync(at)}`
    : found.isFile()
      ? createHash("sha256").update(readFileSync(at)).digest("hex").slice(0, 16)
      : found.isDirectory()
        ? "directory"
        : `node ${found.rdev}`;
  const time = Math.floor(found.mtimeMs / 1_000);
  const own = `${path} ${found.mode.toString(8)} ${found.uid}:${found.gid} ${found.isFile() ? found.nlink : "-"} ${time} ${kind}`;
  if (!found.isDirectory()) return [own];
  const names = readdirSync(at).sort();
  return [own, ...names.flatMap((name) => describeTree(root, path === "" ? name : `${path}/${name}`))];
}
