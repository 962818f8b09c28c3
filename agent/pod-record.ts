import type { ResizableAmounts } from "../kinds/resize.js";
import { deepEqual } from "../lib/deep-equal.js";
import type { HookName } from "./actions.js";
import type { ContainerExit } from "./runtime/runtime.js";

/** How a run ended, and what it was. */
export interface EndedRun {
  readonly attempt: number;
  readonly startedAtMs: number;
  readonly exit: ContainerExit;
  readonly imageDigest: string;
  /** It was ended to make way for a run of another image: that comes at once, whatever the restart policy says. */
  readonly isReplaced?: true | undefined;
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
  /** What the spec called that image when the run was made; absent: not known. */
  readonly image?: string | undefined;
  /** How the run before it ended. */
  readonly last: EndedRun | undefined;
  /** Ends and failures in a row, for the backoff. */
  readonly failureCount: number;
  /** The next run is not made before. */
  readonly retryAtMs: number;
  /** Why the last try to make or start a run failed; undefined after a success. */
  readonly failed: Waiting | undefined;
  /** Whether the run's postStart hook has ended well. */
  readonly isPosted: boolean;
  /** Whether the run's startup probe has passed. */
  readonly isStartupPassed: boolean;
  /** What the run's readiness probe last came to. A restarted agent goes on from it: a ready pod stays ready until a probe says otherwise. */
  readonly isReady: boolean;
  /** Of an init container: it has done its work since the pod's namespaces were made. */
  readonly isComplete: boolean;
  /** How far the end of the run has come; undefined while it shall run. */
  readonly ending: Ending | undefined;
  /** Amounts of cpu and memory that the run was made with, or resized to since; the next run has them too. */
  readonly inForce?: ResizableAmounts | undefined;
  /** Other amounts that the node has granted, and that are not in force yet. */
  readonly allocated?: ResizableAmounts | undefined;
  /** Why they could not be brought about, and when it is tried again. */
  readonly resizeFailure?: { readonly message: string; readonly retryAtMs: number } | undefined;
}

/** A hook that failed and when it is tried again. */
export interface HookFailure extends Waiting {
  readonly hook: HookName;
  readonly count: number;
  readonly retryAtMs: number;
}

/** How far the end of a run has come: its preStop hook, the stop signal, SIGKILL. */
export interface Ending {
  /** Why, for people: a container that is unhealthy, a pod that is deleted. */
  readonly why: string;
  readonly sinceMs: number;
  /** From `sinceMs`, hook included; without a hook from the signal. */
  readonly graceMs: number;
  /** Whether the preStop hook has ended, well or not. */
  readonly isHookOver: boolean;
  /** When the stop signal was sent. */
  readonly signalledAtMs: number | undefined;
  /** When SIGKILL was last sent. */
  readonly killedAtMs: number | undefined;
  /** A run of another image is to take its place. */
  readonly isReplacing?: true | undefined;
}

/** Why a pod as a whole is to end for good. */
export interface PodFailure extends Waiting {
  /** Its containers' grace, if it is not the pod's own. */
  readonly graceMs?: number;
  /** It ends through no fault of its own, as when the node lacks something: a job's podFailurePolicy may ask. */
  readonly isDisruption?: boolean;
}

/** The pod's containers are being ended for good. */
export interface StopRecord {
  /** When the agent learned that they shall be. */
  readonly sinceMs: number;
  /** When it learned that no node leads anybody to the pod any more, if that was within limits.withdrawWaitMs. */
  readonly cutOverAtMs?: number;
}

/** What the agent remembers of a pod over its own death: written to disk before any action that follows from it. */
export interface PodRecord {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  /** The host's boot that the record is of: after another one nothing of the pod is in memory. */
  readonly bootID: string;
  /** When the agent first saw the pod. */
  readonly seenAtMs: number;
  readonly containers: Readonly<Record<string, ContainerRecord>>;
  readonly hookFailure: HookFailure | undefined;
  /** Whether the init containers have done their work, so that they are not asked for again. A reboot takes it back. */
  readonly isInitialized: boolean;
  /** Why the pod as a whole has failed, such as DeadlineExceeded; its containers end then. */
  readonly failure: PodFailure | undefined;
  readonly stop: StopRecord | undefined;
  /** Why the node has not granted the amounts that the spec asks for now. */
  readonly resize?: Waiting | undefined;
  /** How many of the starts that the user asked for by hand have begun. */
  readonly startCount: number;
}

/** What is known of a run before it has begun. */
export const NEW_RUN = {
  startedAtMs: undefined,
  isPosted: false,
  isStartupPassed: false,
  isReady: false,
  ending: undefined,
} as const satisfies Partial<ContainerRecord>;

const NEW_CONTAINER: ContainerRecord = {
  ...NEW_RUN,
  attempt: 0,
  imageDigest: "",
  last: undefined,
  failureCount: 0,
  retryAtMs: 0,
  failed: undefined,
  isComplete: false,
};

const NEW_POD = {
  containers: {},
  hookFailure: undefined,
  isInitialized: false,
  failure: undefined,
  stop: undefined,
  startCount: 0,
} as const satisfies Partial<PodRecord>;

/** The record of a pod that was never seen before. */
export function newRecord(
  pod: { uid: string; namespace: string; name: string },
  nowMs: number,
  bootID = "",
): PodRecord {
  return { ...pod, bootID, seenAtMs: nowMs, ...NEW_POD };
}

/** What is remembered of a container; a new one has had no run. */
export function containerRecord(record: PodRecord, name: string): ContainerRecord {
  return record.containers[name] ?? NEW_CONTAINER;
}

/** The record of a pod that was started by hand for the nth time: it begins anew, with numbers of runs that were not used yet. */
export function startedAnew(record: PodRecord, startCount: number): PodRecord {
  const containers = Object.entries(record.containers).map(
    ([name, { attempt }]) => [name, { ...NEW_CONTAINER, attempt }] as const,
  );
  return { ...record, ...NEW_POD, containers: Object.fromEntries(containers), startCount };
}

/** The record with one container's part changed; the same record when nothing differs. */
export function withContainer(record: PodRecord, name: string, change: Partial<ContainerRecord>): PodRecord {
  const before = containerRecord(record, name);
  const after = { ...before, ...change };
  if (record.containers[name] !== undefined && deepEqual(before, after)) return record;
  return { ...record, containers: { ...record.containers, [name]: after } };
}
