import { normalize } from "node:path";
import { everyContainer } from "../kinds/pod-containers.js";
import { keepsFiles } from "../kinds/power.js";
import type { Clock } from "../lib/clock.js";
import { TallshipError } from "../lib/errors.js";
import { netnsPath } from "../net/node-network.js";
import type { CopyStart, ExecInput, ExecOutput, ExecStart, SignalRequest } from "../proto/gen/tallship/v1/streams.js";
import type { HostFacts, HostUsage } from "./host/host-facts.js";
import type { ImageLibrary, Images, RootFsDriver } from "./image/images.js";
import { podLogs } from "./logs/pod-logs.js";
import type { PodLoop } from "./pod-loop.js";
import { networkBytes } from "./pod-network-bytes.js";
import { rootIdOf } from "./root-id.js";
import type { ExecChanges, ExecOutputPart, ObservedContainer, Runtime } from "./runtime/runtime.js";
import { knownSignal } from "./runtime/signals.js";
import type { PodStreams } from "./session/operator-streams.js";
import { attach } from "./streams/attach.js";
import { changesOf, wholeRoot } from "./streams/changes.js";
import { commit } from "./streams/commit.js";
import { copy } from "./streams/copy.js";
import { execUser } from "./streams/exec-user.js";
import { feed } from "./streams/feed.js";
import { forward } from "./streams/forward.js";
import { ownRoot } from "./streams/own-root.js";
import { type OpenRoot, openStoppedRoot } from "./streams/stopped-root.js";
import { usage } from "./streams/usage.js";
import type { IdRange } from "./userns/pod-ids.js";

/** What operators' streams reach. */
export interface PodStreamsParts {
  readonly loop: PodLoop;
  readonly runtime: Runtime;
  readonly rootfs: Pick<RootFsDriver, "find" | "compare">;
  readonly images: Pick<Images, "lookup" | "ensure">;
  readonly library: Pick<ImageLibrary, "make">;
  readonly dataDir: string;
  readonly runDir: string;
  readonly clock: Clock;
  readonly facts: HostFacts;
  readonly hostUsage: (clock: Clock) => HostUsage;
  /** The ids of a pod with a user namespace of its own. */
  readonly idsOf: (podUid: string) => IdRange | undefined;
  /** Words of the program that copies into such a pod. */
  readonly copier: readonly string[];
}

/** What operators do with the pods on this node. */
export function podStreams(parts: PodStreamsParts): PodStreams {
  const { loop, runtime, clock, runDir } = parts;
  return {
    logs: (podUid, request, signal) => podLogs(parts, podUid, request, signal),
    exec: (podUid, start, input, signal) => exec(parts, podUid, start, input, signal),
    attach: (podUid, start, input, signal) => attach(parts, podUid, start, input, signal),
    forward: (podUid, { port }, input, signal) => {
      const isOnHost = desiredPod(loop, podUid, "forward").spec?.hostNetwork === true;
      return forward({ netnsPath: isOnHost ? undefined : netnsPath(runDir, podUid), port }, input, { clock, signal });
    },
    copy: async function* (podUid, start, input, signal) {
      if (start.isWhole) return yield* wholeRoot(await ownRoot(parts, podUid, start.container), signal);
      const root = await rootToCopy(parts, podUid, start, signal);
      const ids = parts.idsOf(podUid);
      const users = ids === undefined ? undefined : { ids, copier: { command: parts.copier, clock } };
      try {
        yield* copy({ path: root.path, users }, start, input, signal);
      } finally {
        root.close();
      }
    },
    changes: async function* (podUid, { container }, signal) {
      yield* changesOf(await ownRoot(parts, podUid, container), signal);
    },
    commit: (podUid, task, signal) => commit(parts, podUid, task, signal),
    signal: (podUid, request) => sendSignal(runtime, podUid, request),
    stats: (request, signal) => usage({ ...parts, networkBytes }, request, signal),
  };
}

function desiredPod(
  loop: PodLoop,
  podUid: string,
  operation: string,
): NonNullable<ReturnType<PodLoop["get"]>>["desired"] & object {
  const pod = loop.get(podUid)?.desired;
  if (pod === undefined) throw new TallshipError("not_found", `${operation}: pod ${podUid} is not on this node`);
  return pod;
}

type RunningContainer = ObservedContainer & { readonly state: { readonly is: "running"; readonly pid: number } };

async function runningContainer(
  runtime: Runtime,
  podUid: string,
  { container, operation }: { readonly container: string; readonly operation: string },
): Promise<RunningContainer> {
  const running = (await runtime.list(podUid)).find(
    (seen): seen is RunningContainer => seen.container === container && seen.state.is === "running",
  );
  if (running === undefined)
    throw new TallshipError("failed_precondition", `${operation}: container ${container} does not run`);
  return running;
}

/** The root of the container's first process; of one that has ended, what it left behind, where its pod keeps that. */
async function rootToCopy(
  { loop, runtime, rootfs, idsOf }: PodStreamsParts,
  podUid: string,
  { container, path }: CopyStart,
  signal: AbortSignal,
): Promise<OpenRoot> {
  const key = { podUid, container, attempt: 0 };
  const running = (await runtime.list(podUid)).find((seen) => seen.container === container);
  if (running?.state.is === "running") return { path: `/proc/${running.state.pid}/root`, close: () => undefined };
  const pod = loop.get(podUid)?.desired;
  const left = pod === undefined || !keepsFiles(pod) ? undefined : await rootfs.find(rootIdOf(key, pod));
  if (pod === undefined || left === undefined)
    throw new TallshipError("failed_precondition", `copy: container ${container} does not run`);
  const mounts = everyContainer(pod).find(({ name }) => name === container)?.volumeMounts ?? [];
  const volume = mounts.find(({ mountPath }) => isBelow(path, mountPath));
  if (volume === undefined) return openStoppedRoot(left, idsOf(podUid), signal);
  const why = `${path} is in volume ${volume.name}, which is there while it runs: start it first`;
  throw new TallshipError("failed_precondition", `copy: container ${container} does not run, and ${why}`);
}

function isBelow(path: string, folder: string): boolean {
  return `${normalize(`/${path}`)}/`.startsWith(`${normalize(folder).replace(/\/$/, "")}/`);
}

async function sendSignal(runtime: Runtime, podUid: string, { container, signal }: SignalRequest): Promise<void> {
  if (knownSignal(signal) === undefined)
    throw new TallshipError("invalid_argument", `signal: there is no signal ${JSON.stringify(signal)}`);
  await runtime.signal(await runningContainer(runtime, podUid, { container, operation: "signal" }), signal);
}

async function* exec(
  { runtime }: PodStreamsParts,
  podUid: string,
  start: ExecStart,
  input: AsyncIterable<ExecInput>,
  signal: AbortSignal,
): AsyncGenerator<ExecOutput> {
  const running = await runningContainer(runtime, podUid, { container: start.container, operation: "exec" });
  const session = await runtime.exec(running, {
    command: start.command,
    hasTerminal: start.tty,
    hasStdin: start.stdin,
    isDetached: start.isDetached,
    size: start.size,
    changes: execChanges(start, `/proc/${running.state.pid}/root`),
  });
  const cancel = (): void => session.cancel();
  if (signal.aborted) cancel();
  else signal.addEventListener("abort", cancel, { once: true });
  void feed(session, input);
  try {
    for await (const part of session.output) yield outputOf(part);
  } finally {
    signal.removeEventListener("abort", cancel);
    cancel();
  }
}

function execChanges({ workingDir, env, user }: ExecStart, root: string): ExecChanges {
  return {
    ...(workingDir === "" ? {} : { workingDir }),
    user: execUser(user, root),
    env,
  };
}

function outputOf(part: ExecOutputPart): ExecOutput {
  if (part.is === "exit") return { part: { $case: "exitCode", value: part.exitCode } };
  const value = Buffer.from(part.bytes);
  return { part: part.is === "stdout" ? { $case: "stdout", value } : { $case: "stderr", value } };
}
