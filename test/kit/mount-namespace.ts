// Edge: a mount namespace held by a process.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "./shell.js";

/** A mount namespace of a test's own. */
export interface MountNamespace {
  /** A folder in it, by a path that this process can use. */
  readonly folder: string;
  /** Runs a command in it, from a folder given by such a path. */
  run(cwd: string, command: string, args: readonly string[]): Promise<string>;
  /** Ends it, and with it all its mounts. */
  close(): Promise<void>;
}

/** What the folder is on: the machine's file system, a btrfs of its own, or one of a megabyte. */
export type TestFileSystem = "host" | "btrfs" | "tiny";

/** Makes a mount namespace with a folder. */
export async function openMountNamespace(fileSystem: TestFileSystem): Promise<MountNamespace> {
  const real = mkdtempSync(join(tmpdir(), "tallship-mounts-"));
  const image = join(real, "disk.img");
  const target = join(real, "mounted");
  const mounts: Readonly<Record<TestFileSystem, string>> = {
    host: "true",
    btrfs: `truncate -s 1G ${image} && mkfs.btrfs -q ${image} >/dev/null && mount -o loop ${image} ${target}`,
    tiny: `mount -t tmpfs -o size=1m tmpfs ${target}`,
  };
  const script = `mkdir ${target}; ${mounts[fileSystem]} && echo ready && exec sleep 3600`;
  const child = spawn("unshare", ["--mount", "--propagation", "private", "sh", "-c", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await Promise.race([once(child.stdout, "data"), once(child, "exit").then(() => Promise.reject(new Error(script)))]);
  const seen = `/proc/${child.pid}/root`;
  return {
    folder: `${seen}${target}`,
    run: (cwd, command, args) => {
      const inside = (path: string): string => path.replaceAll(seen, "");
      const enter = [`--target=${child.pid}`, "--mount", `--wd=${cwd}`, "--", command, ...args.map(inside)];
      return run("nsenter", enter);
    },
    close: async () => {
      child.kill("SIGKILL");
      await once(child, "exit");
      rmSync(real, { recursive: true, force: true });
    },
  };
}
