// Edge: copies a layer's files over those of the layers below.
import { lstat, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { RunCommand } from "../run-command.js";

/** What a layer hides of the layers below. */
export interface Hidden {
  /** Folders of which nothing lower is seen. */
  readonly opaque: readonly string[];
  /** Paths that are deleted. */
  readonly whiteouts: readonly string[];
}

/**
 * Makes a folder what it would look like with the layer stacked on it. Names come from images: every folder that is descended
 * into was seen to be one and is not a symbolic link, on both sides. Contents are shared with the layer (reflinks).
 */
export async function flattenLayer(layerPath: string, target: string, hidden: Hidden, run: RunCommand): Promise<void> {
  for (const path of hidden.opaque) await emptyFolder(join(target, path), target);
  for (const path of hidden.whiteouts) await removeBelow(target, path);
  await clearConflicts(layerPath, target);
  const flags = ["--archive", "--reflink=auto", "--remove-destination", "--no-target-directory"];
  await run("cp", [...flags, layerPath, target]);
  // The devices by which overlayfs knows whiteouts were copied too.
  for (const path of hidden.whiteouts) await removeBelow(target, path);
}

/** Removes whatever is a folder on one side and something else on the other. */
async function clearConflicts(layer: string, target: string): Promise<void> {
  for (const entry of await readdir(layer, { withFileTypes: true })) {
    const at = join(target, entry.name);
    const below = await lstat(at).catch(() => undefined);
    if (below === undefined) continue;
    if (below.isDirectory() !== entry.isDirectory()) await rm(at, { recursive: true });
    else if (entry.isDirectory()) await clearConflicts(join(layer, entry.name), at);
  }
}

async function emptyFolder(path: string, root: string): Promise<void> {
  if (!(await isRealFolder(root, path))) return;
  for (const name of await readdir(path)) await rm(join(path, name), { recursive: true });
}

async function removeBelow(root: string, path: string): Promise<void> {
  const at = join(root, path);
  if (await isRealFolder(root, join(at, ".."))) await rm(at, { recursive: true, force: true });
}

/** True when the path and every folder on the way to it from the root are folders and no links. */
async function isRealFolder(root: string, path: string): Promise<boolean> {
  if (path !== root && !(await isRealFolder(root, join(path, "..")))) return false;
  return (await lstat(path).catch(() => undefined))?.isDirectory() ?? false;
}
