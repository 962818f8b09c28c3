// Edge: volumes on the host's disk and in its memory.
import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, type Stats, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { assertNever, TallshipError } from "../../lib/errors.js";
import type { Launcher } from "../launcher/launcher.js";
import { shellWord, shellWords } from "../launcher/shell-words.js";
import { removeFolder } from "../remove-folder.js";
import { writeConfigFiles } from "./config-files.js";
import { VolumeFiller } from "./fill.js";
import { mountImage } from "./image-volume.js";
import { localFolder, mountNfs, removeLocalFolder } from "./lasting.js";
import { Pins } from "./pins.js";
import type { PodDisk } from "./pod-disk.js";
import { openBelow } from "./safe-path.js";
import { unmountBelow } from "./unmount-below.js";
import type { VolumePlan } from "./wanted-volume.js";

/** Where volumes stand. */
export interface HostDiskOptions {
  /** On disk, such as /var/lib/tallship. */
  readonly dataDir: string;
  /** Cleared by a reboot, such as /run/tallship. */
  readonly runDir: string;
  readonly launcher: Launcher;
}

/** Volumes below `dataDir`/pods, secrets below `runDir`/secrets, which is made a tmpfs so that no secret reaches a disk. */
export function openHostDisk(options: HostDiskOptions): PodDisk {
  const secrets = `${options.runDir}/secrets`;
  mkdirSync(secrets, { recursive: true, mode: 0o700 });
  // In this process's own mount namespace, where the files are written.
  const mount = 'mountpoint -q "$0" || mount -t tmpfs -o mode=700,nosuid,nodev,noexec tmpfs "$0"';
  execFileSync("sh", ["-c", mount, secrets], { stdio: "ignore" });
  const pins = new Pins(`${options.runDir}/binds`, options.launcher);
  const filler = new VolumeFiller(options.launcher);
  const folderOf = (uid: string): string => `${options.dataDir}/pods/${uid}`;
  const filesOf = (uid: string): string => `${options.runDir}/pods/${uid}/files`;
  return {
    prepare: async (uid, { plans, files }) => {
      mkdirSync(filesOf(uid), { recursive: true, mode: 0o755 });
      for (const [name, text] of Object.entries(files)) writeFileSync(`${filesOf(uid)}/${name}`, text, { mode: 0o644 });
      const paths = new Map<string, string>();
      for (const plan of plans)
        paths.set(plan.name, await make(plan, { folder: folderOf(uid), secrets: `${secrets}/${uid}`, options }));
      return paths;
    },
    refresh: async (uid, plans) => {
      for (const plan of plans) await make(plan, { folder: folderOf(uid), secrets: `${secrets}/${uid}`, options });
    },
    filePath: (uid, name) => `${filesOf(uid)}/${name}`,
    bindSource: async (volumePath, subPath) => {
      if (subPath === "") return { path: volumePath, release: async () => undefined };
      // Volumes that are mounted are so where the jobs are.
      return pins.pin(openBelow(`${options.launcher.root}${volumePath}`, subPath));
    },
    fill: async (fill) => {
      if (fill.volumePath.startsWith(`${options.dataDir}/`)) await filler.fill(fill);
    },
    pods: () => [...namesIn(`${options.dataDir}/pods`), ...namesIn(secrets)],
    remove: async (uid) => {
      for (const folder of [`${folderOf(uid)}/volumes`, `${secrets}/${uid}`])
        await unmountBelow(folder, options.launcher);
      for (const folder of [folderOf(uid), `${secrets}/${uid}`, filesOf(uid)]) await removeFolder(folder);
    },
    removeLocal: (path) => removeLocalFolder(path, options),
  };
}

function namesIn(folder: string): readonly string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

interface Place {
  /** The pod's folder on disk and, for secrets, in memory. */
  readonly folder: string;
  readonly secrets: string;
  readonly options: HostDiskOptions;
}

async function make(plan: VolumePlan, { folder, secrets, options }: Place): Promise<string> {
  const path = `${folder}/volumes/${plan.name}`;
  switch (plan.is) {
    case "folder":
      makeFolder(path, plan.fsGroup);
      return path;
    case "memory":
      await mountMemory(plan, path, options.launcher);
      return path;
    case "hostPath":
      checkHostPath(plan);
      return plan.path;
    case "local":
      await localFolder(plan, options);
      return plan.path;
    case "image":
      await mountImage(plan, { path, links: `${folder}/images/${plan.name}` }, options.launcher);
      return path;
    case "nfs":
      await mountNfs(plan, path, options.launcher);
      return path;
    case "files": {
      const place = plan.isSecret ? `${secrets}/${plan.name}` : path;
      writeConfigFiles(place, plan.files, plan.fsGroup);
      return place;
    }
    default:
      return assertNever(plan);
  }
}

/** Anybody in the pod may write; with a group of its own, whoever has the group, and what is made in it belongs to the group. */
function makeFolder(path: string, fsGroup: number | undefined): void {
  const isNew = !existsSync(path);
  mkdirSync(path, { recursive: true });
  if (fsGroup !== undefined) chownSync(path, 0, fsGroup);
  if (isNew) chmodSync(path, fsGroup === undefined ? 0o777 : 0o2777);
}

async function mountMemory(
  { sizeBytes, fsGroup, pageBytes }: Extract<VolumePlan, { is: "memory" }>,
  path: string,
  launcher: Launcher,
): Promise<void> {
  mkdirSync(path, { recursive: true });
  const size = sizeBytes === undefined ? [] : [`size=${sizeBytes}`];
  const group = fsGroup === undefined ? ["mode=1777"] : ["mode=2777", `gid=${fsGroup}`];
  const pages = pageBytes === undefined ? [] : [`pagesize=${pageBytes}`];
  const options = ["nosuid", "nodev", ...pages, ...size, ...group].join(",");
  const type = pageBytes === undefined ? "tmpfs" : "hugetlbfs";
  const mount = shellWords(["mount", "-t", type, "-o", options, type, path]);
  await mustRun(launcher, `mountpoint -q ${shellWord(path)} || ${mount}`);
}

async function mustRun(launcher: Launcher, script: string): Promise<void> {
  const { exitCode, output } = await launcher.run(script);
  if (exitCode !== 0) throw new TallshipError("kernel_failed", `mount or unmount a volume: ${output.trim()}`);
}

const HOST_PATH_CHECKS: Readonly<Record<string, (found: Stats) => boolean>> = {
  Directory: (found) => found.isDirectory(),
  DirectoryOrCreate: (found) => found.isDirectory(),
  File: (found) => found.isFile(),
  FileOrCreate: (found) => found.isFile(),
  Socket: (found) => found.isSocket(),
  CharDevice: (found) => found.isCharacterDevice(),
  BlockDevice: (found) => found.isBlockDevice(),
};

function checkHostPath({ name, path, type }: Extract<VolumePlan, { is: "hostPath" }>): void {
  if (!existsSync(path)) createHostPath(path, type);
  const found = statSync(path, { throwIfNoEntry: false });
  const wanted = HOST_PATH_CHECKS[type];
  const isWanted = found !== undefined && (wanted === undefined || wanted(found));
  if (isWanted) return;
  const what = found === undefined ? "does not exist" : `is no ${type}`;
  throw new TallshipError("failed_precondition", `volume ${name}: hostPath ${path} ${what}`);
}

function createHostPath(path: string, type: string): void {
  if (type === "DirectoryOrCreate" || type === "") mkdirSync(path, { recursive: true, mode: 0o755 });
  if (type !== "FileOrCreate") return;
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  writeFileSync(path, "", { mode: 0o644, flag: "a" });
}
