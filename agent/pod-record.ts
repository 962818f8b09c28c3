import { deepEqual } from "../lib/deep-equal.js";
import type { HookName } from "./actions.js";
import type { ContainerExit } from "./runtime/runtime.js";

/** How a run ended, and what it was. */
export interface EndedRun {
  readonly attempt: number;
  readonly startedAtMs: number;
  readonly exit: ContainerExit;
  readonly imageDigest: string;
}

/** Why something waits, for people: a CamelCase word and a sentence. */
export interface Waiting {
  readonly reason: string;
  readonly message: string;
}

/** What the agent remembers of one container of a pod. */
export interface ContainerRecord {
  /** Number of the run that exists or is to be made next; all before it have ended. */
  readonly attempt: number;
  /** When that run was first seen running; undefined before. */
  readonly startedAtMs: number | undefined;
  /** Digest of the image that run uses; empty before it is made. */
  readonly imageDigest: string;
  /** How the run before it ended. */
  readonly last: EndedRun | undefined;
  /** Ends and failures in a row, for the backoff. */
  readonly failureCount: number;
  /** The next run is not made before. */
  readonly retryAtMs: number;
  /** Why the last try to make or start a run failed; undefined after a success. */
  readonly failed: Waiting | undefined;
}

/** A hook that failed and when it is tried again. */
export interface HookFailure extends Waiting {
  readonly hook: HookName;
  readonly count: number;
  readonly retryAtMs: number;
}

/** How far the stop of a pod has come. */
export interface StopRecord {
  /** When the agent learned of it. */
  readonly sinceMs: number;
  /** When the stop signal was sent. */
  readonly signalledAtMs: number | undefined;
  /** When SIGKILL was last sent. */
  readonly killedAtMs: number | undefined;
}

/** What the agent remembers of a pod over its own death: written to disk before any action that follows from it. */
export interface PodRecord {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  /** When the agent first saw the pod. */
  readonly seenAtMs: number;
  readonly containers: Readonly<Record<string, ContainerRecord>>;
  readonly hookFailure: HookFailure | undefined;
  readonly stop: StopRecord | undefined;
}

const NEW_CONTAINER: ContainerRecord = {
  attempt: 0,
  startedAtMs: undefined,
  imageDigest: "",
  last: undefined,
  failureCount: 0,
  retryAtMs: 0,
  failed: undefined,
};

/** The record of a pod that was never seen before. */
export function newRecord(pod: { uid: string; namespace: string; name: string }, nowMs: number): PodRecord {
  return { ...pod, seenAtMs: nowMs, containers: {}, hookFailure: undefined, stop: undefined };
}

/** What is remembered of a container; a new one has had no run. */
export function containerRecord(record: PodRecord, name: string): ContainerRecord {
  return record.containers[name] ?? NEW_CONTAINER;
}

/** The record with one container's part changed; the same record when nothing differs. */
export function withContainer(record: PodRecord, name: string, change: Partial<ContainerRecord>): PodRecord {
  const before = containerRecord(record, name);
  const after = { ...before, ...change };
  if (record.containers[name] !== undefined && deepEqual(before, after)) return record;
  return { ...record, containers: { ...record.containers, [name]: after } };
}
