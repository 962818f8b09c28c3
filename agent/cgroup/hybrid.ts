// Edge: mount namespaces.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import type { Hierarchy } from "./hierarchies.js";

/**
 * The words that put a command into a mount namespace without cgroup version 2, for hosts that have it beside version 1: crun refuses the
 * mixture. The namespace is pinned below `runDir`, so that an agent that was restarted enters the one in which its containers' roots are
 * mounted. What the host mounts below `runDir`, such as network namespaces, shows in it; what is mounted in it stays in it. This replaced
 * an agent that re-executed itself in the namespace: only what the runtime sees needs to be different.
 */
export function enterWithoutUnified(runDir: string, hierarchies: readonly Hierarchy[]): readonly string[] {
  const unified = hierarchies.filter(({ version }) => version === 2).map(({ mountPoint }) => mountPoint);
  const folder = `${runDir}/mount-ns`;
  const pin = `${folder}/ns`;
  const entry = ["nsenter", `--mount=${pin}`, "--"];
  if (existsSync(pin) && isUsable(entry)) return entry;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  sh('mountpoint -q "$0" || mount --bind "$0" "$0"; mount --make-rshared "$0"', runDir);
  // A mount namespace can be pinned only on a mount that is private.
  sh('mount --bind "$0" "$0" && mount --make-private "$0"', folder);
  writeFileSync(pin, "");
  // What is mounted in it shows in the containers that ask for it, and what those mount in each other.
  const script = 'umount "$@" && mount --make-rshared /';
  execFileSync("unshare", [`--mount=${pin}`, "--propagation", "slave", "sh", "-c", script, "sh", ...unified]);
  return entry;
}

function sh(script: string, argument: string): void {
  execFileSync("sh", ["-c", script, argument], { stdio: "ignore" });
}

function isUsable(entry: readonly string[]): boolean {
  try {
    execFileSync(entry[0] ?? "", [...entry.slice(1), "true"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** Takes the pinned namespace away; for hosts that leave the cluster, and for tests. */
export function removeMountNamespace(runDir: string): void {
  if (existsSync(`${runDir}/mount-ns`)) sh('umount -l "$0/mount-ns/ns" "$0/mount-ns" "$0"; true', runDir);
}
