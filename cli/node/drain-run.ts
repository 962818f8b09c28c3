import type { ChangeFlags, Changes } from "../change/each.js";
import type { Shell } from "../shell.js";
import type { NodeChoice } from "./chosen-nodes.js";

/** What `drain` was asked. */
export interface DrainFlags extends Omit<ChangeFlags, "output">, NodeChoice {
  readonly force: boolean;
  readonly ignoreDaemonsets: boolean;
  readonly deleteEmptydirData: boolean;
  readonly disableEviction: boolean;
  readonly gracePeriod: number | undefined;
  readonly timeout: number | undefined;
  readonly podSelector: string | undefined;
  readonly skipWaitForDeleteTimeout: number | undefined;
}

/** A drain that runs. */
export interface DrainRun {
  readonly shell: Shell;
  readonly changes: Changes;
  readonly flags: DrainFlags;
}
