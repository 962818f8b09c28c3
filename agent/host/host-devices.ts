// Edge: the host's /dev and this process's scores.
import { lstatSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import type { OciDevice } from "../oci/oci-types.js";
import { LEAST_OOM_SCORE } from "../oci/oom-score.js";

/** Folders of /dev that a container has of its own. */
const OWN = new Set(["pts", "shm", "mqueue", "fd"]);

/** Every device node of the host, for privileged containers. */
export function hostDevices(folder = "/dev"): readonly OciDevice[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return OWN.has(entry.name) ? [] : hostDevices(path);
    if (!entry.isCharacterDevice() && !entry.isBlockDevice()) return [];
    return [{ path, type: entry.isBlockDevice() ? "b" : "c", ...nodeNumbers(lstatSync(path).rdev) }];
  });
}

/** Major and minor number of a device, as Linux packs them. */
export function nodeNumbers(rdev: number): { readonly major: number; readonly minor: number } {
  return { major: ((rdev >> 8) & 0xfff) | 0, minor: (rdev & 0xff) | ((rdev >> 12) & 0xfff00) };
}

const SCORE_FILE = "/proc/self/oom_score_adj";

/** The least oom_score_adj that this process may give: its own, where the kernel refuses to lower it. */
export function leastOomScore(): number {
  const own = Number(readFileSync(SCORE_FILE, "utf8"));
  try {
    writeFileSync(SCORE_FILE, `${LEAST_OOM_SCORE}`);
    writeFileSync(SCORE_FILE, `${own}`);
    return LEAST_OOM_SCORE;
  } catch {
    return own; // Without CAP_SYS_RESOURCE.
  }
}
