import type { LogKey } from "./log-path.js";

/** Edge: the files that hold what containers wrote. */
export interface ContainerLogs {
  /** The file of a run, in conmon's k8s-file format. Rotated files stand beside it. */
  path(run: LogKey): string;
  /** Bytes of the file that is written now. */
  size(run: LogKey): number;
  /** Moves the file aside and has the writer open a new one; nothing is lost. */
  rotate(run: LogKey, reopen: (run: LogKey) => Promise<void>): Promise<void>;
  /** Pods that have logs. */
  pods(): readonly string[];
  /** Removes all logs of a pod. */
  remove(podUid: string): Promise<void>;
}
