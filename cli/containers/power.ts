import { keyOf, metaOf, type Typed } from "../../kinds/object.js";
import { controllerOf } from "../../kinds/owners.js";
import { isPodFinished } from "../../kinds/pod-state.js";
import { powerOf, STARTS, STOPPED } from "../../kinds/power.js";
import { TallshipError } from "../../lib/errors.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { SignalRequest } from "../../proto/gen/tallship/v1/streams.js";
import { changeObject, mergePatch } from "../change/change.js";
import { type Cluster, type ClusterFlags, withCluster } from "../cluster.js";
import { EXIT } from "../exit-codes.js";
import { eachOf } from "../objects.js";
import type { Shell } from "../shell.js";
import { toldAlready, usageError } from "../verb.js";
import { watchUntil } from "../wait/until.js";
import { findContainer } from "./find.js";
import type { NamedContainer } from "./identity.js";
import { statusOf } from "./state.js";

/** A verb of Docker on containers that it names. */
export interface PowerCall<F> {
  readonly flags: F;
  readonly operands: readonly string[];
}

/** What a verb is carried out with. */
export interface PowerRun {
  readonly shell: Shell;
  readonly cluster: Cluster;
}

/** Does something to each container named, tells each as Docker does by its name, and goes on after failures. */
export function eachContainer(
  { flags, operands }: PowerCall<ClusterFlags>,
  shell: Shell,
  step: (run: PowerRun, found: NamedContainer) => Promise<void>,
): Promise<number> {
  if (operands.length === 0) throw usageError("name the containers");
  return withCluster(shell, flags, async (cluster) => {
    const failures = await eachOf(operands, async (word) => {
      await step({ shell, cluster }, await findContainer(cluster, word, shell.signal));
      await shell.stdout.write(`${word}\n`);
    });
    for (const { message } of failures) await shell.stderr.write(`error: ${message}\n`);
    const [first] = failures;
    if (first !== undefined) throw toldAlready(first.code);
    return EXIT.ok;
  });
}

/** Stops: its containers end, and it stays. The pod's own grace when none is given. Waits until it has ended. */
export function runStop(
  call: PowerCall<ClusterFlags & { readonly time: number | undefined }>,
  shell: Shell,
): Promise<number> {
  return eachContainer(call, shell, (run, { pod }) => stopPod(run, pod, call.flags.time));
}

/** Ends what runs and starts it anew. Waits until it runs. */
export function runRestart(
  call: PowerCall<ClusterFlags & { readonly time: number | undefined }>,
  shell: Shell,
): Promise<number> {
  return eachContainer(call, shell, async (run, { pod }) => {
    if (call.flags.time !== undefined) await stopPod(run, pod, call.flags.time);
    await startPod(run, pod, true);
  });
}

/** Sends a signal. SIGKILL stops for good, as with Docker: the restart policy does not bring back what the user has killed. */
export function runKill(
  call: PowerCall<ClusterFlags & { readonly signal: string | undefined }>,
  shell: Shell,
): Promise<number> {
  const { signal = "KILL" } = call.flags;
  return eachContainer(call, shell, async (run, { pod, container }) => {
    const status = statusOf(pod, container);
    if (status?.state?.running === undefined)
      throw new TallshipError("failed_precondition", `cannot kill container ${metaOf(pod).name}: it is not running`);
    if (/^(SIG)?KILL$|^9$/i.test(signal) && controllerOf(pod) === undefined) return stopPod(run, pod, 0);
    const { namespace, name } = metaOf(pod);
    await run.cluster.streams.signal(SignalRequest.fromPartial({ namespace, pod: name, container, signal }), {
      signal: shell.signal,
    });
  });
}

/** Stops a pod and waits until it has. */
export async function stopPod(run: PowerRun, pod: Pod, graceSeconds: number | undefined): Promise<void> {
  refuseReplaced(pod);
  const value = graceSeconds === undefined ? "" : String(graceSeconds);
  await annotate(run, pod, (live) => (isPodFinished(live) && isStopped(live) ? undefined : { [STOPPED]: value }));
  await untilPod(run, pod, (live) => isPodFinished(live) && !isRunning(live));
}

/** Starts a pod and waits until its containers run, or have. */
export async function startPod(run: PowerRun, pod: Pod, isRestart = false): Promise<void> {
  refuseReplaced(pod);
  const before = startsOf(pod);
  await annotate(run, pod, (live) => {
    const isUp = !isStopped(live) && !isPodFinished(live);
    if (isUp && !isRestart) return undefined;
    return { [STOPPED]: null, [STARTS]: String(powerOf(live).startCount + 1) };
  });
  const isWaiting = isRestart || isStopped(pod) || isPodFinished(pod);
  if (isWaiting) await untilPod(run, pod, (live) => startsOf(live).some((start) => !before.includes(start)));
}

function isStopped(pod: Pod): boolean {
  return powerOf(pod).isStopped;
}

function isRunning({ status }: Pod): boolean {
  return status?.containerStatuses.some(({ state }) => state?.running !== undefined) === true;
}

/** When its containers' present runs began, those that have ended too. */
export function startsOf({ status }: Pod): readonly string[] {
  return (status?.containerStatuses ?? []).flatMap(({ name, restartCount, state }) => {
    const since = state?.running?.startedAt ?? state?.terminated?.startedAt;
    return since === undefined ? [] : [`${name} ${restartCount} ${since}`];
  });
}

/** Changes annotations of a pod, by what stands; undefined changes nothing. */
export async function annotate(
  { shell, cluster }: PowerRun,
  pod: Pod,
  change: (live: Pod) => Record<string, string | null> | undefined,
): Promise<void> {
  const plan = (live: Typed) => {
    const annotations = live.kind === "Pod" ? change(live.object) : undefined;
    return annotations === undefined ? undefined : mergePatch({ metadata: { annotations } });
  };
  await changeObject({ shell, cluster, dryRun: undefined }, keyOf({ kind: "Pod", object: pod }), plan);
}

/** What keeps the places of pods that their user has stopped. */
const PATIENT: ReadonlySet<string> = new Set(["ReplicaSet", "DaemonSet"]);

/** A pod that is switched off would be replaced by most controllers. */
function refuseReplaced(pod: Pod): void {
  if (!PATIENT.has(controllerOf(pod)?.kind ?? "")) refuseOwned(pod);
}

/** A pod that a controller keeps would be replaced at once. */
export function refuseOwned(pod: Pod): void {
  const owner = controllerOf(pod);
  if (owner === undefined) return;
  const name = `${owner.kind} ${owner.name}`;
  throw new TallshipError(
    "failed_precondition",
    `container ${metaOf(pod).name} belongs to ${name}, which would replace it: scale or delete what it is part of`,
  );
}

/** Waits until the pod is so, or is gone; false when the time was up first. */
export async function untilPod(
  { shell, cluster }: PowerRun,
  pod: Pod,
  isSo: (live: Pod) => boolean,
  timeoutMs?: number,
): Promise<boolean> {
  const { namespace, name, uid } = metaOf(pod);
  const query = { kind: "Pod", namespace, fields: `metadata.name=${name}` } as const;
  return watchUntil({ shell, cluster, timeoutMs }, [query], async ({ changes }) =>
    changes.some(
      (change) =>
        change.is === "delete" ||
        (change.typed.kind === "Pod" && (metaOf(change.typed.object).uid !== uid || isSo(change.typed.object))),
    ),
  );
}
