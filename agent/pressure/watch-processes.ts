import type { Clock } from "../../lib/clock.js";
import { asTallshipError } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import type { Log } from "../../lib/log.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { activePods, type PressedNode } from "./watch-pressure.js";

/** How many processes a pod has, and how many it may have; that is read only when it is asked for, infinity where nobody bounds them. */
export interface ProcessCount {
  readonly count: number;
  readonly most: () => number;
}

/** What was found of a pod. */
interface Found {
  readonly count: number;
  readonly isFull: boolean;
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
  let found: ReadonlyMap<string, Found> = new Map();
  while (!signal.aborted) {
    try {
      found = lookAtProcesses(parts, node, found);
    } catch (error) {
      log.warn("processes of pods could not be counted", { error: asTallshipError(error).message });
    }
    await clock.sleep(limit("processLookMs"), signal).catch(() => undefined);
  }
}

/** One look; returns what it found, by uid. Who was full already is not told of again, and who has as many processes as before stands as before. */
export function lookAtProcesses(
  { log, processesOf }: Pick<ProcessWatchParts, "log" | "processesOf">,
  node: Pick<PressedNode, "pods" | "notify">,
  before: ReadonlyMap<string, Found>,
): ReadonlyMap<string, Found> {
  const all = new Map<string, Found>();
  for (const pod of activePods(node.pods())) {
    const { uid, namespace, name } = pod.metadata ?? { uid: "", namespace: "", name: "" };
    const processes = processesOf(uid);
    if (processes === undefined) continue;
    const { count } = processes;
    const known = before.get(uid);
    const found = known?.count === count ? known : { count, isFull: count >= processes.most() * FULL };
    all.set(uid, found);
    if (!found.isFull || known?.isFull === true) continue;
    node.notify(fullNotice(pod, processes));
    log.warn("a pod has as many processes as it may", { namespace, pod: name, count });
  }
  return all;
}

/** Who keeps starting what dies of it is below the bound now and then. */
const FULL = 0.95;

function fullNotice(pod: Pod, { count, most }: ProcessCount) {
  const message = `The pod has ${count} processes of the ${most()} that it may have: it cannot start more`;
  return { pod, container: "", type: "Warning", reason: "TooManyProcesses", message } as const;
}
