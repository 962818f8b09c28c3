import type { LogKey } from "./log-path.js";

/** Edge: the files that hold what containers wrote. */
export interface ContainerLogs {
  /** The file of a run, in conmon's k8s-file format. Rotated files stand beside it. */
  path(run: LogKey): string;
  /** Removes all logs of a pod. */
  remove(podUid: string): Promise<void>;
}
