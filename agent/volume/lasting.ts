// Edge: volumes that outlive pods.
import { chmodSync, chownSync, existsSync, mkdirSync, statSync } from "node:fs";
import { rm } from "node:fs/promises";
import { dirname } from "node:path";
import { TallshipError } from "../../lib/errors.js";
import type { Launcher } from "../launcher/launcher.js";
import { shellWords } from "../launcher/shell-words.js";
import type { VolumePlan } from "./wanted-volume.js";

/** A server that does not answer holds a pod back this long, and no more. */
const mountSeconds = 60;

/** Folder of a host that volumes of class local are made in. */
export function localVolumesFolder(dataDir: string): string {
  return `${dataDir}/volumes`;
}

/** Makes Tallship's own folder when it is missing; any other must be there. Whose it is stays; with a group of its own, the group may write. */
export function localFolder(
  { name, path, isMade, fsGroup }: Extract<VolumePlan, { is: "local" }>,
  dataDir: string,
): void {
  if (isMade && !isOwn(path, dataDir))
    throw new TallshipError(
      "failed_precondition",
      `volume ${name}: ${path} is not below ${localVolumesFolder(dataDir)}`,
    );
  if (isMade && !existsSync(path)) {
    mkdirSync(path, { recursive: true });
    chmodSync(path, fsGroup === undefined ? 0o777 : 0o2777);
  }
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isDirectory() !== true)
    throw new TallshipError("failed_precondition", `volume ${name}: local path ${path} is no folder`);
  if (fsGroup === undefined || found.gid === fsGroup) return;
  chownSync(path, found.uid, fsGroup);
  chmodSync(path, (found.mode & 0o7777) | 0o2070);
}

/** Mounts the export, unless it is mounted. */
export async function mountNfs(
  { name, export: source, options }: Extract<VolumePlan, { is: "nfs" }>,
  path: string,
  launcher: Launcher,
): Promise<void> {
  mkdirSync(path, { recursive: true });
  const flags = options.length === 0 ? [] : ["-o", options.join(",")];
  const mount = shellWords(["timeout", `${mountSeconds}`, "mount", "-t", "nfs", ...flags, "--", source, path]);
  const { exitCode, output } = await launcher.run(`mountpoint -q ${shellWords([path])} || ${mount}`);
  if (exitCode !== 0) throw new TallshipError("kernel_failed", `volume ${name}: mount nfs ${source}: ${output.trim()}`);
}

/** Removes a folder that Tallship made, and never anything else. */
export async function removeLocalFolder(path: string, dataDir: string): Promise<void> {
  if (!isOwn(path, dataDir))
    throw new TallshipError("failed_precondition", `remove ${path}: it is not below ${localVolumesFolder(dataDir)}`);
  await rm(path, { recursive: true, force: true });
}

/** True for a folder that stands directly in that of the volumes. */
function isOwn(path: string, dataDir: string): boolean {
  const [name] = path.split("/").slice(-1);
  return dirname(path) === localVolumesFolder(dataDir) && name !== "" && name !== "." && name !== "..";
}
