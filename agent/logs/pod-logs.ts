// Edge: logs of pods, also of those that are gone from the node.
import type { Clock } from "../../lib/clock.js";
import { TallshipError } from "../../lib/errors.js";
import type { LogsChunk, LogsRequest } from "../../proto/gen/tallship/v1/streams.js";
import { containerRecord, type PodRecord } from "../pod-record.js";
import { endedRun } from "./ended-logs.js";
import { logPath } from "./log-path.js";
import { readLogs } from "./read-logs.js";

/** What logs are found by. */
export interface PodLogsParts {
  readonly loop: { get(podUid: string): { readonly record: PodRecord } | undefined };
  readonly dataDir: string;
  readonly clock: Clock;
}

/**
 * What a container of a pod wrote. A pod that goes is known to the loop until nothing of it is left, and its logs are put aside before that: they are looked for there as soon as they may be, so that who asks in
 * between finds them too.
 */
export async function* podLogs(
  parts: PodLogsParts,
  podUid: string,
  request: LogsRequest,
  signal: AbortSignal,
): AsyncGenerator<LogsChunk> {
  const { loop, dataDir, clock } = parts;
  const pod = loop.get(podUid);
  const isAside = (): boolean =>
    endedRun(dataDir, { podUid, container: request.container, isPrevious: request.previous }) !== undefined;
  if (pod === undefined || isAside()) {
    yield* ended(parts, podUid, request, signal);
    return;
  }
  const { attempt, startedAtMs, last } = containerRecord(pod.record, request.container);
  // While no run is there, the last one that ended is the present one.
  const isBetween = startedAtMs === undefined && last !== undefined;
  const shown = isBetween ? last.attempt : attempt;
  const wanted = request.previous ? shown - 1 : shown;
  if (wanted < 0)
    throw new TallshipError("not_found", `logs: container ${request.container} has had no run before this one`);
  const key = { podUid, container: request.container, attempt: wanted };
  const isOpen = (): boolean => {
    const now = loop.get(podUid);
    return now !== undefined && containerRecord(now.record, request.container).attempt <= wanted;
  };
  let hasFound = false;
  for await (const chunk of readLogs({ path: logPath(dataDir, key), isOpen }, request, { clock, signal })) {
    hasFound = true;
    yield chunk;
  }
  // Put aside while it was being opened.
  if (!hasFound && isAside()) yield* ended(parts, podUid, request, signal);
}

/** What a pod that is gone from the node has left. */
async function* ended(
  { dataDir, clock }: PodLogsParts,
  podUid: string,
  request: LogsRequest,
  signal: AbortSignal,
): AsyncGenerator<LogsChunk> {
  const { container, previous: isPrevious } = request;
  const run = endedRun(dataDir, { podUid, container, isPrevious });
  if (run === undefined)
    throw new TallshipError("not_found", `logs: pod ${podUid} is not on this node, and what it wrote is not kept`);
  yield* readLogs({ path: run.path, isOpen: () => false }, request, { clock, signal });
}
