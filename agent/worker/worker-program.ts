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
  const bundle = bundleOf(path);
  return bundle === undefined
    ? undefined
    : { command: [process.execPath, bundle, "worker"], folders: [dirname(bundle)] };
}

/** Words of the program that copies into containers, found in the same way. */
export function copierOf(path: string): readonly string[] {
  return [process.execPath, bundleOf(path) ?? path, "copy-tree"];
}

function bundleOf(path: string): string | undefined {
  if (!existsSync(path)) return undefined;
  const bundle = join(dirname(dirname(realpathSync(path))), "dist", "tallshipd.js");
  return existsSync(bundle) ? bundle : undefined;
}
