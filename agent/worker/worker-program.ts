// Edge: finds the files of this program.
import { existsSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";

/** The program that workers run. */
export interface WorkerProgram {
  readonly command: readonly string[];
  /** Folders that it needs to read. */
  readonly folders: readonly string[];
}

/** The worker of the daemon that was started as `path` (process.argv[1]): the same bundle. Undefined when there is no bundle. */
export function workerOf(path: string): WorkerProgram | undefined {
  if (!existsSync(path)) return undefined;
  const folder = join(dirname(dirname(realpathSync(path))), "dist");
  const bundle = join(folder, "tallshipd.js");
  return existsSync(bundle) ? { command: [process.execPath, bundle, "worker"], folders: [folder] } : undefined;
}
