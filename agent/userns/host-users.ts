// Edge: the host's user ids and user namespaces.
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { writeFileAtomic } from "../../lib/atomic-file.js";
import { TallshipError } from "../../lib/errors.js";
import { readText } from "../../lib/read-text.js";
import { netnsPath } from "../../net/node-network.js";
import type { Launcher } from "../launcher/launcher.js";
import { shellWord } from "../launcher/shell-words.js";
import { mappableScript } from "./mapped-mount.js";
import { inNewUserNamespace, pinScript, unpinScript } from "./namespace-script.js";
import { type HeldIds, type IdRange, nodeIdRange } from "./pod-ids.js";
import type { UserEdges } from "./pod-namespaces.js";
import { usersPath } from "./pod-users.js";

/** What user namespaces are made with. */
export interface HostUsersOptions {
  readonly dataDir: string;
  readonly runDir: string;
  readonly launcher: Launcher;
  /** Such as crun://1.8.1. */
  readonly runtimeVersion: string;
}

/** User namespaces of this host; who has which ids is kept in `dataDir`/user-ids.json. What the host refuses is found out by trying. */
export async function openHostUsers(options: HostUsersOptions): Promise<UserEdges> {
  const { dataDir, runDir } = options;
  const file = `${dataDir}/user-ids.json`;
  const common = {
    load: () => loadIds(file),
    save: (held: HeldIds) => writeFileAtomic(file, JSON.stringify(Object.fromEntries(held)), 0o600),
    // In this process's own mount namespace, as network namespaces: what is pinned there shows where the jobs are.
    pin: (uid: string, ids: IdRange) => run(pinScript(usersPath(runDir, uid), netnsPath(runDir, uid), ids)),
    unpin: (uid: string) => run(unpinScript(usersPath(runDir, uid), netnsPath(runDir, uid))),
  };
  try {
    const range = nodeIdRange(readText("/etc/subuid"), readText("/etc/subgid"));
    return { ...common, range, refusal: await refusalOf(options, range) };
  } catch (error) {
    const refusal = error instanceof Error ? error.message : String(error);
    return { ...common, range: { first: 0, count: 0 }, refusal };
  }
}

async function refusalOf({ dataDir, runDir, launcher, runtimeVersion }: HostUsersOptions, range: IdRange) {
  if (!runtimeVersion.startsWith("crun://")) return `${runtimeVersion} does not map the ids of volumes: crun does`;
  await run(procScript(`${runDir}/userns/proc`)).catch(() => undefined); // What is tried below says why.
  const tried = [
    inNewUserNamespace(range, ["net"], "true"),
    MOUNTS_PROC,
    ...[`${dataDir}/probe`, `${runDir}/userns/probe`].map((folder) =>
      inNewUserNamespace(range, [], mappableScript("/proc/$pid/ns/user", folder)),
    ),
  ];
  const { exitCode, output } = await launcher.run(tried.join(" && "));
  return exitCode === 0 ? undefined : `the kernel refuses: ${output.trim().split("\n").at(0)}`;
}

/** Fails where a user namespace may not mount /proc. */
const MOUNTS_PROC =
  "unshare --user --map-root-user --pid --fork --mount --propagation private mount -t proc proc /proc";

/**
 * A user namespace may mount /proc only where it sees one that nothing is mounted over, lest it uncovers what the host has covered. On a host that has, a /proc nobody else gets to is
 * put beside: what a container must not see of it is covered in its own, with or without a user namespace.
 */
function procScript(at: string): string {
  const path = shellWord(at);
  const make = `mkdir -p -m 700 ${path} && { mountpoint -q ${path} || mount -t proc -o nosuid,nodev,noexec proc ${path}; }`;
  return `${MOUNTS_PROC} 2>/dev/null || { ${make}; }`;
}

function run(script: string): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile("sh", ["-c", script], { encoding: "utf8" }, (error, _, said) => {
      if (error === null) resolve();
      else reject(new TallshipError("kernel_failed", `user namespace: ${said.trim() || error.message}`));
    });
  });
}

/** Written whole or not at all; no file, or one of another hand, is as none. */
function loadIds(file: string): HeldIds {
  try {
    // A parser: this very program wrote the file.
    const entries = Object.entries(JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>);
    return new Map(entries.flatMap(([uid, first]) => (typeof first === "number" ? [[uid, first] as const] : [])));
  } catch {
    return new Map();
  }
}
