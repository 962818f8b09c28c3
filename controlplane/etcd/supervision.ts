import { basename } from "node:path";
import type { BackoffLimits } from "../../lib/backoff.js";

/** A process that holds the member's data directory. */
export interface Holder {
  readonly pid: number;
  /** Its command line, the program first. */
  readonly args: readonly string[];
}

/** What a supervisor knows when it decides. */
export interface Observed {
  readonly holder: Holder | undefined;
  /** The process it already tends. */
  readonly tendedPid: number | undefined;
  /** The arguments that etcd shall run with. */
  readonly wanted: readonly string[];
  /** Before this an etcd that failed is not started again, milliseconds of the monotonic clock. */
  readonly notBeforeMs: number;
  readonly nowMs: number;
}

/** What a supervisor does next. */
export type Step =
  | { readonly do: "keep" }
  | { readonly do: "start" }
  | { readonly do: "wait" }
  | { readonly do: "adopt"; readonly pid: number }
  /** It runs with other arguments than it should: it is stopped, and started by a later step. */
  | { readonly do: "replace"; readonly pid: number }
  /** Something that is no etcd of ours holds the directory: two writers would destroy it. */
  | { readonly do: "refuse"; readonly pid: number; readonly program: string };

/** Decides what to do about the member's process. Level-triggered: a first start, a restart of either side and a crash are one case. */
export function nextStep(observed: Observed): Step {
  const { holder, wanted } = observed;
  if (holder === undefined) return { do: observed.nowMs < observed.notBeforeMs ? "wait" : "start" };
  const [program = "", ...args] = holder.args;
  if (basename(program) !== "etcd") return { do: "refuse", pid: holder.pid, program };
  const isAsWanted = args.length === wanted.length && args.every((argument, at) => argument === wanted[at]);
  if (!isAsWanted) return { do: "replace", pid: holder.pid };
  return holder.pid === observed.tendedPid ? { do: "keep" } : { do: "adopt", pid: holder.pid };
}

/** How often etcd failed in a row: an etcd that ran long enough failed for the first time. */
export function failuresAfterExit(failures: number, ranMs: number, resetMs: number): number {
  return ranMs >= resetMs ? 1 : failures + 1;
}

/** The wait before a start after so many failures in a row; the first restart comes at once. */
export function restartLimits(failures: number, bounds: BackoffLimits): BackoffLimits {
  return failures <= 1 ? { firstMs: 0, maxMs: 0 } : bounds;
}
