// Edge: the files that describe devices, the host's /dev, and the node's memory of who has what.
import { existsSync, lstatSync, readdirSync, readFileSync, type Stats, statSync } from "node:fs";
import { join } from "node:path";
import { writeFileAtomic } from "../../lib/atomic-file.js";
import { limit } from "../../lib/limits.js";
import { nodeNumbers } from "../host/host-devices.js";
import type { Allocation } from "./assign-devices.js";
import type { CdiFile } from "./cdi-catalog.js";
import type { HostNode } from "./edit-spec.js";
import type { Allocations, DeviceEdges } from "./node-devices.js";

/** Where the container runtimes of this world look; what stands in the later counts more. */
export const CDI_FOLDERS = ["/etc/cdi", "/var/run/cdi"] as const;

/** Devices by the files of the folders given; who has them is kept in `dataDir`/devices.json. */
export function diskDevices(dataDir: string, folders: readonly string[] = CDI_FOLDERS): DeviceEdges {
  const path = `${dataDir}/devices.json`;
  let seen = "";
  return {
    read: () => {
      const found = folders.flatMap((folder, rank) => filesIn(folder).map((file) => ({ ...file, rank })));
      const now = JSON.stringify(found.map(({ path: at, stats }) => [at, stats?.mtimeMs, stats?.size, stats?.ino]));
      if (now === seen) return undefined;
      seen = now;
      return found.map(({ path: at, rank, stats }) => ({ path: at, rank, content: contentOf(at, stats) }));
    },
    load: () => loadAllocations(path),
    save: (all) => writeFileAtomic(path, JSON.stringify(Object.fromEntries(all)), 0o600),
    findNode,
  };
}

/** The JSON and YAML files of a folder; none when there is no such folder. */
function filesIn(folder: string): readonly { readonly path: string; readonly stats: Stats | undefined }[] {
  // Most hosts have none, and a failure costs ten times as much as this question.
  if (!existsSync(folder)) return [];
  let names: readonly string[];
  try {
    names = readdirSync(folder);
  } catch {
    return []; // It went just now, or is none.
  }
  const described = names.filter((name) => /\.(json|yaml)$/.test(name)).sort();
  return described.slice(0, limit("deviceFiles")).map((name) => {
    const path = join(folder, name);
    return { path, stats: statSync(path, { throwIfNoEntry: false }) };
  });
}

function contentOf(path: string, stats: Stats | undefined): CdiFile["content"] {
  const most = limit("deviceFileBytes");
  if (stats?.isFile() !== true) return { is: "unreadable", why: "it is no file" };
  if (stats.size > most) return { is: "unreadable", why: `it has ${stats.size} bytes, more than ${most}` };
  try {
    return { is: "text", text: readFileSync(path, "utf8") };
  } catch (error) {
    return { is: "unreadable", why: error instanceof Error ? error.message : String(error) };
  }
}

/** Written whole or not at all; no file, or one of another hand, is as none. */
function loadAllocations(path: string): Allocations {
  try {
    // A parser: this very program wrote the file.
    return new Map(Object.entries(JSON.parse(readFileSync(path, "utf8")) as Record<string, Allocation>));
  } catch {
    return new Map();
  }
}

function findNode(path: string): HostNode | undefined {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined || !(stats.isCharacterDevice() || stats.isBlockDevice())) return undefined;
  return { type: stats.isBlockDevice() ? "b" : "c", ...nodeNumbers(stats.rdev) };
}
