import { limit } from "../../../lib/limits.js";
import type { RootFsMount } from "../../image/images.js";
import { shellWords } from "../../launcher/shell-words.js";
import { mappedRoot } from "../../userns/mapped-mount.js";
import { type ContainerKey, type ContainerSpec, containerId } from "../runtime.js";
import { bundleFolder, type DriverPaths, exitFolder, runtimeRoot, socketFolder } from "./paths.js";

/** The programs that a driver uses. */
export interface Programs {
  /** Path of crun or runc. */
  readonly runtime: string;
  readonly conmon: string;
}

/** A run to be made, and the words that make what its pod shares; none when it shares nothing. */
export interface CreateJob {
  readonly spec: ContainerSpec;
  readonly share: string;
}

/**
 * The one job that makes a run: sees to what its pod shares, mounts its root and has conmon create it. Prints conmon's answer, one line of JSON. conmon forks, leaves
 * the job's process group and stays; what it inherits is closed so that it holds nothing of the launcher's.
 */
export function createScript(paths: DriverPaths, programs: Programs, { spec, share }: CreateJob): string {
  const steps: string[] = share === "" ? [] : [share];
  if (spec.rootMount !== undefined) steps.push(mountScript(spec, spec.rootMount));
  steps.push(shellWords(["cd", bundleFolder(paths, spec)]));
  const conmon = `_OCI_SYNCPIPE=3 TALLSHIP_LAUNCHER= ${shellWords(conmonCommand(paths, programs, spec))}`;
  steps.push(`${conmon} 3>&1 >/dev/null 4>&- | { IFS= read -r answer; printf '%s\\n' "$answer"; }`);
  return steps.join(" && ");
}

function mountScript({ users, oci }: ContainerSpec, mount: RootFsMount): string {
  const { path } = oci.root;
  if (users !== undefined) return mappedRoot(users.path, path, mount);
  const source = ["-t", mount.type, mount.source, "-o", mount.options, path];
  return `${shellWords(["cd", mount.cwd])} && ${shellWords(["mount", ...source])}`;
}

function conmonCommand(paths: DriverPaths, programs: Programs, spec: ContainerSpec): readonly string[] {
  const id = containerId(spec);
  const bundle = bundleFolder(paths, spec);
  return [
    programs.conmon,
    ...["--api-version", "1", "-c", id, "-u", id, "-n", id, "-r", programs.runtime, "-b", bundle],
    ...["-p", `${bundle}/pid`, "-P", `${bundle}/conmon.pid`, "-l", `k8s-file:${spec.logPath}`],
    ...["--exit-dir", exitFolder(paths), "--socket-dir-path", socketFolder(paths), "--no-sync-log"],
    ...[
      "--log-size-max",
      `${limit("logRunawayBytes")}`,
      "--log-level",
      "error",
      "--runtime-arg",
      `--root=${runtimeRoot(paths)}`,
    ],
    ...(spec.stdin === "none" ? [] : ["-i"]),
    ...(spec.stdin === "open" ? ["--leave-stdin-open"] : []),
    ...(spec.oci.process.terminal ? ["-t"] : []),
  ];
}

/**
 * The job that takes a run from the runtime and unmounts its root. Fails when the root is still mounted after it; whether the runtime let
 * go shows in its own folder.
 */
export function removeScript(paths: DriverPaths, programs: Programs, key: ContainerKey, rootPath: string): string {
  const remove = [programs.runtime, `--root=${runtimeRoot(paths)}`, "delete", "--force", containerId(key)];
  if (rootPath === "") return `${shellWords(remove)}; true`;
  const root = shellWords([rootPath]);
  return `${shellWords(remove)}; umount -l ${root} || ! mountpoint -q ${root}`;
}
