// Edge: mounts below folders that are to be removed.
import { existsSync } from "node:fs";
import { TallshipError } from "../../lib/errors.js";
import type { Launcher } from "../launcher/launcher.js";
import { shellWord } from "../launcher/shell-words.js";

/**
 * Unmounts everything below a folder, the innermost first, also what containers mounted there (mountPropagation Bidirectional): removing the
 * folder would remove what is mounted. One job, and none for a folder that is not there. The kernel writes odd letters of a path in octal, as printf reads them.
 */
export async function unmountBelow(folder: string, launcher: Launcher): Promise<void> {
  if (!existsSync(folder)) return;
  const points = `grep -F ${shellWord(` ${folder}/`)} /proc/self/mountinfo | cut -d " " -f 5 | tac`;
  const unmount = 'at=$(printf %b "$at"); umount -l "$at" || ! mountpoint -q "$at" || exit 1';
  const { exitCode, output } = await launcher.run(`${points} | while IFS= read -r at; do ${unmount}; done`);
  if (exitCode !== 0) throw new TallshipError("kernel_failed", `unmount what is below ${folder}: ${output.trim()}`);
}
