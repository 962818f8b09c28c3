// Edge: network namespaces for tests, pinned in a folder of their own.
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const exec = promisify(execFile);

/** A network namespace that only this test knows. */
export interface TestNamespace {
  /** File that the namespace is pinned on. */
  readonly path: string;
  /** Folder that goes with the namespace. */
  readonly folder: string;
  /** Words that start a program inside. */
  readonly enter: readonly string[];
  /** Runs a shell script inside; its standard output. Throws when it fails. */
  run(script: string): Promise<string>;
  /** Unpins everything below the folder and deletes it. What still runs inside keeps the namespace alive. */
  dispose(): Promise<void>;
}

/** Makes a namespace with nothing in it but a loopback device that is down. */
export async function makeNamespace(name: string): Promise<TestNamespace> {
  const folder = await mkdtemp(join(tmpdir(), `tallship-${name}-`));
  const path = join(folder, "netns");
  await exec("sh", ["-c", `: > '${path}' && unshare --net='${path}' true`]);
  const enter = ["nsenter", `--net=${path}`];
  return {
    path,
    folder,
    enter,
    run: async (script) => (await exec("nsenter", [`--net=${path}`, "sh", "-ec", script])).stdout,
    dispose: async () => {
      await exec("sh", ["-c", `umount -l '${path}' '${folder}'/run/netns/* 2>/dev/null; true`]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}
