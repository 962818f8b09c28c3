import type { LogKey } from "./log-path.js";
import type { LogLook } from "./rotate.js";

/** Edge: the files that hold what containers wrote. */
export interface ContainerLogs {
  /** The file of a run, in conmon's k8s-file format. Rotated files stand beside it. */
  path(run: LogKey): string;
  /** The file that is written now. */
  look(run: LogKey): LogLook;
  /** Bytes that were written to all files of the machine since some start: no log can have grown by more meanwhile. Undefined: not known. */
  writtenBytes(): number | undefined;
  /** Holds that file, so that the writer cannot throw it away; again when it is another one. */
  hold(run: LogKey): Promise<void>;
  /** Moves the file aside and has the writer open a new one; nothing is lost. */
  rotate(run: LogKey, reopen: (run: LogKey) => Promise<void>): Promise<void>;
  /** Makes the file that a run may write its last words to, and returns its path. */
  makeLastWords(run: LogKey): string;
  /** A run's last words, at most so many bytes; empty when there are none. */
  lastWords(run: LogKey, bytes: number): string;
  /** The last lines that a run wrote, at most so many bytes. */
  tail(run: LogKey, bytes: number): string;
  /** Removes what is left of the container's runs, but for this one and the one before it. */
  removeOldRuns(run: LogKey): Promise<void>;
  /** Pods that have logs. */
  pods(): readonly string[];
  /** Puts the logs of a pod that is gone aside, where they stay readable for a while. */
  putAside(podUid: string, nowMs: number): Promise<void>;
}
