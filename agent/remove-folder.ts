// Edge: folders that are no longer needed.
import { lstatSync, readdirSync, rmdirSync, unlinkSync } from "node:fs";
import { runCommand } from "./image/run-command.js";

/** What a pod leaves behind mostly has fewer entries; unlinking one takes some 10 µs. */
const FEW_ENTRIES = 200;

/**
 * Removes a folder with all that is in it; nothing when it is not there. A few entries go at once, many by a process of their own: neither waits for one thread after the other, nor does
 * a volume of a million files hold the loop up. What is mounted below is left alone and makes it fail with disk_failed.
 */
export async function removeFolder(path: string): Promise<void> {
  if (removeFew(path)) return;
  await runCommand("rm", ["-rf", "--one-file-system", "--", path]);
}

/** Removes the folder when few entries are in it; false when something of it is, or may be, left. */
function removeFew(path: string): boolean {
  try {
    return removeBelow(path, { device: lstatSync(path).dev, left: FEW_ENTRIES });
  } catch {
    // Something else may have gone while this looked at it: only of what is not there itself nothing is left.
    return lstatSync(path, { throwIfNoEntry: false }) === undefined;
  }
}

function removeBelow(path: string, walk: { readonly device: number; left: number }): boolean {
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    walk.left -= 1;
    if (walk.left < 0) return false;
    const below = `${path}/${entry.name}`;
    if (!entry.isDirectory()) unlinkSync(below);
    else if (lstatSync(below).dev !== walk.device || !removeBelow(below, walk)) return false;
  }
  rmdirSync(path);
  return true;
}
