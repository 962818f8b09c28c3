import { limit } from "../lib/limits.js";
import type { Pod } from "../proto/gen/tallship/v1/pod.js";
import {
  type ContainerRecord,
  containerRecord,
  type EndedRun,
  NEW_RUN,
  type PodRecord,
  withContainer,
} from "./pod-record.js";
import type { PodTurn } from "./pod-turn.js";
import type { ContainerExit, ObservedContainer } from "./runtime/runtime.js";

/**
 * What there is to remember of what the machine shows: runs that began, and runs that ended with their exit. Pure and idempotent: it is
 * written to disk before the ended run's traces are removed, so that no exit is lost or counted twice.
 */
export function noteContainers({ desired, record, containers, nowMs }: PodTurn): PodRecord {
  const noted = containers.reduce((soFar, seen) => noteSeen(soFar, seen, nowMs), record);
  const names = Object.keys(noted.containers);
  const settled = names.reduce((soFar, name) => noteVanished(soFar, name, containers, nowMs), noted);
  if (settled !== noted && containers.length === 0) return asUninitialized(settled);
  return hasMainRun(desired, containers) ? asInitialized(settled) : settled;
}

/**
 * The record as it stands after the host's boot: what init containers did before it is gone with the host's memory, whether or not anything ran when it
 * went off. A pod that is over stays so.
 */
export function asOfBoot(record: PodRecord, pod: Pod | undefined, bootID: string): PodRecord {
  if (record.bootID === bootID) return record;
  const isOver = pod?.status?.phase === "Succeeded" || pod?.status?.phase === "Failed";
  if (isOver) return { ...record, bootID };
  const inits = (pod?.spec?.initContainers ?? []).filter(({ name }) => record.containers[name] !== undefined);
  const undone = inits.reduce((soFar, { name }) => withContainer(soFar, name, { isComplete: false }), record);
  return { ...undone, isInitialized: false, bootID };
}

/** All runs went without a trace: the host was off, and what the init containers did in its memory is gone with them. */
function asUninitialized(record: PodRecord): PodRecord {
  const names = Object.keys(record.containers);
  const undone = names.reduce((soFar, name) => withContainer(soFar, name, { isComplete: false }), record);
  return { ...undone, isInitialized: false };
}

/** Even without a checkpoint: a container that waits for the init containers, and is there, says that they are done. */
function hasMainRun(pod: Pod | undefined, containers: readonly ObservedContainer[]): boolean {
  const names = new Set((pod?.spec?.containers ?? []).map(({ name }) => name));
  return containers.some(({ container, state }) => names.has(container) && state.is !== "broken");
}

/** The record of a pod whose init containers have done their work. */
export function asInitialized(record: PodRecord): PodRecord {
  return record.isInitialized ? record : { ...record, isInitialized: true };
}

function noteSeen(record: PodRecord, seen: ObservedContainer, nowMs: number): PodRecord {
  const { container, attempt, state } = seen;
  const known = containerRecord(record, container);
  if (attempt < known.attempt) return record;
  switch (state.is) {
    case "creating":
    case "created":
      return attempt === known.attempt ? record : withContainer(record, container, { ...NEW_RUN, attempt });
    case "running": {
      const before = attempt === known.attempt ? {} : NEW_RUN;
      return withContainer(record, container, {
        ...before,
        attempt,
        startedAtMs: state.startedAtMs,
        failed: undefined,
      });
    }
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
  const replaced = known.ending?.isReplacing === true ? ({ isReplaced: true } as const) : {};
  const last: EndedRun = { attempt, startedAtMs, exit, imageDigest: known.imageDigest, ...replaced };
  return withContainer(record, container, {
    ...NEW_RUN,
    ...afterEnd(known, last),
    last,
    attempt: attempt + 1,
    isComplete: exit.is === "code" && exit.exitCode === 0,
  });
}

/** The wait before the next run: doubles with each end in a row; a run that lasted long enough, or of another image, starts anew. */
function afterEnd(known: ContainerRecord, { startedAtMs, exit, isReplaced }: EndedRun): Partial<ContainerRecord> {
  if (isReplaced === true) return { failureCount: 0, retryAtMs: exit.finishedAtMs, failed: undefined };
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
