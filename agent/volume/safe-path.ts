// Edge: opens places in volumes that containers may be changing.
import { closeSync } from "node:fs";
import { openRooted } from "../../lib/rooted/walk.js";
import { entryPath } from "../../lib/tar/entry.js";
import type { BindSource } from "./pod-disk.js";

/** Opens `path` below `root`, out of which nothing leads. The result names the handle in /proc. Folders that are missing are made. */
export function openBelow(root: string, path: string): BindSource {
  const fd = openRooted(root, entryPath(path), { beyond: "refused", makesFolders: true, followsLast: true });
  return { path: `/proc/${process.pid}/fd/${fd}`, release: async () => closeSync(fd) };
}
