// Edge: files of config volumes on disk.

import { createHash } from "node:crypto";
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import type { VolumeFile } from "./wanted-volume.js";

/**
 * Writes a config volume so that it changes as a whole: the files stand in a folder named for their contents, ..data points to it and the
 * visible names point through ..data. A reader sees the old set or the new one. Writing the same contents again changes nothing.
 */
export function writeConfigFiles(folder: string, files: readonly VolumeFile[], fsGroup: number | undefined): void {
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const target = `..${digestOf(files, fsGroup)}`;
  const before = linkTarget(`${folder}/..data`);
  if (before === target) return;
  rmSync(`${folder}/${target}`, { recursive: true, force: true });
  mkdirSync(`${folder}/${target}`, { mode: 0o755 });
  for (const file of files) writeOne(`${folder}/${target}/${file.path}`, file, fsGroup);
  const names = new Set(files.map(({ path }) => path.split("/")[0] ?? ""));
  for (const name of names) {
    if (linkTarget(`${folder}/${name}`) === undefined) symlinkSync(`..data/${name}`, `${folder}/${name}`);
  }
  rmSync(`${folder}/..data_tmp`, { force: true });
  symlinkSync(target, `${folder}/..data_tmp`);
  renameSync(`${folder}/..data_tmp`, `${folder}/..data`);
  if (before === undefined) return;
  for (const name of readdirSync(folder))
    if (!name.startsWith("..") && !names.has(name)) rmSync(`${folder}/${name}`, { force: true });
  rmSync(`${folder}/${before}`, { recursive: true, force: true });
}

/** With a group of its own, a file that its owner can read the group can read too: the processes run with that group. */
function writeOne(path: string, { bytes, mode }: VolumeFile, fsGroup: number | undefined): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  writeFileSync(path, bytes, { mode: 0o600 });
  if (fsGroup !== undefined) chownSync(path, 0, fsGroup);
  chmodSync(path, fsGroup === undefined ? mode : mode | ((mode & 0o400) >> 3));
}

function digestOf(files: readonly VolumeFile[], fsGroup: number | undefined): string {
  const hash = createHash("sha256").update(`${fsGroup ?? ""}`);
  for (const { path, bytes, mode } of files) hash.update(`\0${path}\0${mode}\0${bytes.length}\0`).update(bytes);
  return hash.digest("hex").slice(0, 24);
}

function linkTarget(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined; // No such link yet.
  }
}
