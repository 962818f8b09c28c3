// Edge: volumes that outlive pods.
import { chmodSync, existsSync, mkdirSync, statSync } from "node:fs";
import { rm } from "node:fs/promises";
import { dirname } from "node:path";
import { TallshipError } from "../../lib/errors.js";
import type { Launcher } from "../launcher/launcher.js";
import { shellWords } from "../launcher/shell-words.js";
import { unmountBelow } from "./unmount-below.js";
import type { VolumePlan } from "./wanted-volume.js";

/** A server that does not answer holds a pod back this long, and no more. */
const mountSeconds = 60;

/** Folder of a host that volumes of class local are made in. */
export function localVolumesFolder(dataDir: string): string {
  return `${dataDir}/volumes`;
}

/**
 * Makes Tallship's own folder when it is missing; any other must be there. Who owns it stays; with a group of its own, all that is in it
 * belongs to the group, which may write, and so does what is made later.
 */
export async function localFolder(
  { name, path, isMade, group }: Extract<VolumePlan, { is: "local" }>,
  { dataDir, launcher }: { readonly dataDir: string; readonly launcher: Launcher },
): Promise<void> {
  if (isMade && !isOwn(path, dataDir))
    throw new TallshipError(
      "failed_precondition",
      `volume ${name}: ${path} is not below ${localVolumesFolder(dataDir)}`,
    );
  if (isMade && !existsSync(path)) {
    mkdirSync(path, { recursive: true });
    chmodSync(path, group === undefined ? 0o777 : 0o2777);
  }
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isDirectory() !== true)
    throw new TallshipError("failed_precondition", `volume ${name}: local path ${path} is no folder`);
  if (group === undefined) return;
  const isTheirs = found.gid === group.gid && (found.mode & GROUP_BITS) === GROUP_BITS;
  if (group.onlyOnMismatch && isTheirs) return;
  const { exitCode, output } = await launcher.run(ownershipScript(path, group.gid));
  if (exitCode !== 0)
    throw new TallshipError("disk_failed", `volume ${name}: give it to group ${group.gid}: ${output.trim()}`);
}

/** A folder of a group's: it may do all, and what is made in it is its too. */
const GROUP_BITS = 0o2070;

/**
 * Goes through a tree beside the agent: it may be large. Links are never followed; only what differs is changed. The folder at the top comes last, so that a
 * walk that was broken off is seen, and done again.
 */
function ownershipScript(path: string, gid: number): string {
  const find = `find -P ${shellWords([path])}`;
  return [
    `${find} -mindepth 1 ! -gid ${gid} -execdir chown -h :${gid} {} +`,
    `${find} -mindepth 1 -type f ! -perm -060 -execdir chmod g+rw {} +`,
    `${find} -mindepth 1 -type d ! -perm -2070 -execdir chmod g+rwxs {} +`,
    `chown -h ${shellWords([`:${gid}`, path])}`,
    `chmod g+rwxs ${shellWords([path])}`,
  ].join(" && ");
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

/** Removes a folder that Tallship made, and never anything else: what containers mounted in it is let go first. */
export async function removeLocalFolder(
  path: string,
  { dataDir, launcher }: { readonly dataDir: string; readonly launcher: Launcher },
): Promise<void> {
  if (!isOwn(path, dataDir))
    throw new TallshipError("failed_precondition", `remove ${path}: it is not below ${localVolumesFolder(dataDir)}`);
  await unmountBelow(path, launcher);
  await rm(path, { recursive: true, force: true });
}

/** True for a folder that stands directly in that of the volumes. */
function isOwn(path: string, dataDir: string): boolean {
  const [name] = path.split("/").slice(-1);
  return dirname(path) === localVolumesFolder(dataDir) && name !== "" && name !== "." && name !== "..";
}
