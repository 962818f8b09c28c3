import { limit } from "../lib/limits.js";
import { type ContainerRecord, containerRecord, type EndedRun, type PodRecord, withContainer } from "./pod-record.js";
import type { PodTurn } from "./pod-turn.js";
import type { ContainerExit, ObservedContainer } from "./runtime/runtime.js";

/**
 * What there is to remember of what the machine shows: runs that began, and runs that ended with their exit. Pure and idempotent: it is
 * written to disk before the ended run's traces are removed, so that no exit is lost or counted twice.
 */
export function noteContainers({ record, containers, nowMs }: PodTurn): PodRecord {
  const noted = containers.reduce((soFar, seen) => noteSeen(soFar, seen, nowMs), record);
  return Object.keys(noted.containers).reduce((soFar, name) => noteVanished(soFar, name, containers, nowMs), noted);
}

function noteSeen(record: PodRecord, seen: ObservedContainer, nowMs: number): PodRecord {
  const { container, attempt, state } = seen;
  const known = containerRecord(record, container);
  if (attempt < known.attempt) return record;
  switch (state.is) {
    case "creating":
    case "created":
      return attempt === known.attempt ? record : withContainer(record, container, { attempt, startedAtMs: undefined });
    case "running":
      return withContainer(record, container, { attempt, startedAtMs: state.startedAtMs, failed: undefined });
    case "exited":
      return noteEnd(record, seen, state.exit, state.startedAtMs);
    case "broken":
      if (state.startedAtMs === undefined && known.startedAtMs === undefined) return record;
      return noteEnd(record, seen, { is: "lost", finishedAtMs: nowMs }, state.startedAtMs ?? nowMs);
  }
}

/** A run that was seen running and left no trace, as after a reboot, has ended with a lost exit. */
function noteVanished(
  record: PodRecord,
  name: string,
  containers: readonly ObservedContainer[],
  nowMs: number,
): PodRecord {
  const known = containerRecord(record, name);
  if (known.startedAtMs === undefined || containers.some(({ container }) => container === name)) return record;
  return noteEnd(
    record,
    { container: name, attempt: known.attempt },
    { is: "lost", finishedAtMs: nowMs },
    known.startedAtMs,
  );
}

function noteEnd(
  record: PodRecord,
  { container, attempt }: { readonly container: string; readonly attempt: number },
  exit: ContainerExit,
  startedAtMs: number,
): PodRecord {
  const known = containerRecord(record, container);
  const last: EndedRun = { attempt, startedAtMs, exit, imageDigest: known.imageDigest };
  return withContainer(record, container, {
    ...afterEnd(known, last),
    last,
    attempt: attempt + 1,
    startedAtMs: undefined,
  });
}

/** The wait before the next run: doubles with each end in a row; a run that lasted long enough starts anew. */
function afterEnd(known: ContainerRecord, { startedAtMs, exit }: EndedRun): Partial<ContainerRecord> {
  const ranMs = exit.finishedAtMs - startedAtMs;
  const failureCount = ranMs >= limit("containerRestartResetMs") ? 0 : known.failureCount;
  return {
    failureCount: failureCount + 1,
    retryAtMs: exit.finishedAtMs + restartDelayMs(failureCount),
    failed: undefined,
  };
}

/** Milliseconds before the next run after this many ends in a row. Without jitter: a node's containers do not act in step. */
export function restartDelayMs(failureCount: number): number {
  return Math.min(limit("containerRestartMaxMs"), limit("containerRestartFirstMs") * 2 ** Math.min(failureCount, 30));
}
