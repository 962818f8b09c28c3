import type { Clock } from "../../lib/clock.js";
import { asTallshipError } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import type { Log } from "../../lib/log.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { activePods, type PressedNode } from "./watch-pressure.js";

/** How many processes a pod has, and how many it may have. */
export interface ProcessCount {
  readonly count: number;
  readonly most: number;
}

/** What watching takes beside the node. */
export interface ProcessWatchParts {
  readonly clock: Clock;
  readonly log: Log;
  /** Undefined where nobody counts. */
  readonly processesOf: (uid: string) => ProcessCount | undefined;
}

/** Names pods that have reached their bound of processes, until the signal aborts. The kernel holds them to it, and tells nobody. */
export async function watchProcesses(
  parts: ProcessWatchParts,
  node: Pick<PressedNode, "pods" | "notify">,
  signal: AbortSignal,
): Promise<void> {
  const { clock, log } = parts;
  let full: ReadonlySet<string> = new Set();
  while (!signal.aborted) {
    try {
      full = lookAtProcesses(parts, node, full);
    } catch (error) {
      log.warn("processes of pods could not be counted", { error: asTallshipError(error).message });
    }
    await clock.sleep(limit("processLookMs"), signal).catch(() => undefined);
  }
}

/** One look; returns the pods that are full now. Who was full already is not told of again. */
export function lookAtProcesses(
  { log, processesOf }: Pick<ProcessWatchParts, "log" | "processesOf">,
  node: Pick<PressedNode, "pods" | "notify">,
  before: ReadonlySet<string>,
): ReadonlySet<string> {
  const full = new Set<string>();
  for (const pod of activePods(node.pods())) {
    const { uid, namespace, name } = pod.metadata ?? { uid: "", namespace: "", name: "" };
    const found = processesOf(uid);
    if (found === undefined || found.count < found.most * FULL) continue;
    full.add(uid);
    if (before.has(uid)) continue;
    node.notify(fullNotice(pod, found));
    log.warn("a pod has as many processes as it may", { namespace, pod: name, count: found.count });
  }
  return full;
}

/** Who keeps starting what dies of it is below the bound now and then. */
const FULL = 0.95;

function fullNotice(pod: Pod, { count, most }: ProcessCount) {
  const message = `The pod has ${count} processes of the ${most} that it may have: it cannot start more`;
  return { pod, container: "", type: "Warning", reason: "TooManyProcesses", message } as const;
}
