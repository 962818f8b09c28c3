import { keyOf, metaOf, type Typed } from "../../../kinds/object.js";
import { DEFAULT_GRACE_SECONDS, graceSecondsOf, isDeleting, isPodFinished } from "../../../kinds/pod-state.js";
import { powerOf, STARTS, STOPPED } from "../../../kinds/power.js";
import { rfc3339 } from "../../../lib/clock.js";
import { hasCode } from "../../../lib/errors.js";
import type { Pod } from "../../../proto/gen/tallship/v1/pod.js";
import { SignalRequest } from "../../../proto/gen/tallship/v1/streams.js";
import { changeObject, mergePatch } from "../../change/change.js";
import { withCluster } from "../../cluster.js";
import { containersOf } from "../../containers/identity.js";
import { annotate, startsOf } from "../../containers/power.js";
import { statusOf } from "../../containers/state.js";
import { EXIT } from "../../exit-codes.js";
import type { Flags, FlagValues } from "../../flags.js";
import type { Shell } from "../../shell.js";
import type { Written } from "../../wait/ready.js";
import { dnsName, ONE_OFF_LABEL } from "../translate/names.js";
import {
  hasEnded,
  isOfAny,
  type LiveProject,
  objectsOf,
  podSpecOf,
  podsOfProject,
  removeAll,
  serviceOf,
  told,
  WORKLOADS,
  waitForEnd,
} from "./live.js";
import { nameProject, openProject, PROJECT_FLAGS, type ProjectFlags } from "./project.js";
import type { BroughtUp } from "./starting.js";
import { isTask, resumeTask, runAgain, stopTask } from "./tasks.js";
import { untilUp } from "./until-up.js";

/** Flags of `compose stop` and its like. */
export const STOP_FLAGS = {
  timeout: {
    type: "number",
    short: "t",
    value: "SECONDS",
    min: 0,
    summary: "seconds until containers are killed; each service's own when absent",
  },
  ...PROJECT_FLAGS,
} as const satisfies Flags;

type Call<F> = { readonly flags: F; readonly operands: readonly string[] };

/** A verb of `compose` on services that it names, or on all. */
export type ProjectCall = Call<ProjectFlags>;

/** Does something to a project by its name. */
export function withLive(
  flags: ProjectFlags,
  shell: Shell,
  use: (live: LiveProject) => Promise<void>,
): Promise<number> {
  return withCode(flags, shell, async (live) => {
    await use(live);
    return EXIT.ok;
  });
}

async function withCode(
  flags: ProjectFlags,
  shell: Shell,
  use: (live: LiveProject) => Promise<number>,
): Promise<number> {
  const { name, namespace } = await nameProject(shell, flags);
  return withCluster(shell, flags, (cluster) => use({ shell, cluster, name, namespace }));
}

/** Stops services: their containers end and stay, with what they wrote, for `start`. */
export function runStop({ flags, operands }: Call<FlagValues<typeof STOP_FLAGS>>, shell: Shell): Promise<number> {
  return withLive(flags, shell, (live) => stopServices(live, operands, flags.timeout));
}

/** Starts services that were stopped, and waits until their containers run. */
export async function runStart({ flags, operands }: ProjectCall, shell: Shell): Promise<number> {
  return withCode(flags, shell, async (live) => untilStarted(live, await startServices(live, operands, "ended")));
}

/** Starts the containers of services anew, and of those that ask to be restarted with them. */
export async function runRestart(
  { flags, operands }: Call<FlagValues<typeof STOP_FLAGS>>,
  shell: Shell,
): Promise<number> {
  const together = operands.length === 0 ? [] : await dependents(flags, operands, shell);
  const services = [...operands, ...together];
  return withCode(flags, shell, async (live) => {
    const { timeout } = flags;
    if (timeout !== undefined) await haltPods(live, await serversOf(live, services), timeout);
    const tasks = (await workloadsOf(live, services)).filter(isTask).filter((task) => !hasEnded(task));
    await suspend(live, tasks, timeout);
    await untilEnded(live, tasks, timeout);
    return untilStarted(live, await startServices(live, services, "all"));
  });
}

function untilStarted(live: LiveProject, brought: BroughtUp): Promise<number> {
  return untilUp(live, { brought, model: {}, quietMs: QUIET_MS, isPullTold: true });
}

/** A start is given up when nothing has moved for so long. */
const QUIET_MS = 300_000;

/** Replaces the pods of services; tasks stay as they are. */
export async function recreateServices(live: LiveProject, services: readonly string[]): Promise<void> {
  const restartedAt = rfc3339(live.shell.clock.nowMs());
  for (const typed of await serversOf(live, services)) {
    const annotations = { "kubectl.kubernetes.io/restartedAt": restartedAt };
    const patch = mergePatch({ spec: { template: { metadata: { annotations } } } });
    await changeObject({ ...live, dryRun: undefined }, keyOf(typed), () => patch);
    await told(live.shell, keyOf(typed), "Recreated");
  }
}

/** Services whose depends_on says `restart: true` of one that is restarted; none when the files cannot be had. */
async function dependents(flags: ProjectFlags, names: readonly string[], shell: Shell): Promise<readonly string[]> {
  if (flags.projectName !== undefined && flags.file.length === 0) return [];
  const { model } = await openProject(shell, flags);
  return [...(model.services?.value ?? [])].flatMap(([name, { value }]) =>
    names.some((other) => value.depends_on?.value.get(other)?.value.restarts === true) ? [name] : [],
  );
}

/** Flags of `compose kill`. */
export const KILL_FLAGS = {
  signal: { type: "text", short: "s", value: "SIGNAL", summary: "which signal; KILL when absent" },
  removeOrphans: { type: "switch", summary: "accepted for docker's sake: up and down remove them" },
  ...PROJECT_FLAGS,
} as const satisfies Flags;

/** Sends a signal to the containers. What is killed stays so until it is started, as with docker. */
export function runKill({ flags, operands }: Call<FlagValues<typeof KILL_FLAGS>>, shell: Shell): Promise<number> {
  const { signal = "KILL" } = flags;
  return withLive(flags, shell, async (live) => {
    if (/^(SIG)?KILL$|^9$/i.test(signal)) return stopServices(live, operands, 0);
    const names = operands.map(dnsName);
    for (const { pod, container } of (await podsOfProject(live, operands)).flatMap(containersOf)) {
      const isMeant = names.length === 0 || names.includes(container);
      if (!isMeant || statusOf(pod, container)?.state?.running === undefined) continue;
      const { namespace, name } = metaOf(pod);
      const request = SignalRequest.fromPartial({ namespace, pod: name, container, signal });
      await live.cluster.streams.signal(request, { signal: shell.signal });
      await told(shell, { kind: "Pod", name }, "Killed");
    }
  });
}

/** Removes services that were stopped or have ended. */
export function runRemove(
  { flags, operands }: Call<ProjectFlags & { readonly stop: boolean }>,
  shell: Shell,
): Promise<number> {
  return withLive(flags, shell, async (live) => {
    if (flags.stop) await stopServices(live, operands, undefined);
    const stopped = (await workloadsOf(live, operands)).filter(isStopped);
    if (stopped.length === 0) await shell.stderr.write("No stopped services\n");
    await removeAll(live, stopped, undefined);
  });
}

async function workloadsOf(live: LiveProject, services: readonly string[]): Promise<readonly Typed[]> {
  const names = services.map(dnsName);
  const all = await objectsOf(live, WORKLOADS);
  return all.filter((typed) => !isDeleting(typed.object) && (names.length === 0 || isOfAny(podSpecOf(typed), names)));
}

/** Those of services that run on; tasks come and go by themselves. */
async function serversOf(live: LiveProject, services: readonly string[]): Promise<readonly Typed[]> {
  return (await workloadsOf(live, services)).filter(({ kind }) => kind !== "Job");
}

function isStopped(typed: Typed): boolean {
  if (typed.kind === "Job") return hasEnded(typed) || typed.object.spec?.suspend === true;
  return typed.object.metadata?.annotations[STOPPED] !== undefined;
}

/** Stops services and waits until their containers have ended. Tasks are suspended: their pods go. The grace is each pod's own when none is named. */
export async function stopServices(
  live: LiveProject,
  services: readonly string[],
  graceSeconds: number | undefined,
): Promise<void> {
  const workloads = await workloadsOf(live, services);
  await suspend(live, workloads, graceSeconds);
  await haltPods(
    live,
    workloads.filter((typed) => !isTask(typed)),
    graceSeconds,
  );
  await untilEnded(live, workloads, graceSeconds);
  for (const typed of workloads) await told(live.shell, keyOf(typed), "Stopped");
}

/** Waits until no pod of these runs any more, for as long as they may take. */
async function untilEnded(
  live: LiveProject,
  workloads: readonly Typed[],
  graceSeconds: number | undefined,
): Promise<void> {
  if (workloads.length === 0) return;
  const own = workloads.map((typed) => podSpecOf(typed)?.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS);
  const services = workloads.map(({ object }) => serviceOf(object));
  await waitForEnd(live, services, graceSeconds ?? Math.max(...own));
}

/** Marks what keeps pods as stopped: of servers those that come wait, tasks have theirs end. */
async function suspend(
  live: LiveProject,
  workloads: readonly Typed[],
  graceSeconds: number | undefined,
): Promise<void> {
  for (const typed of workloads) {
    const plan = (at: Typed) => (isTask(at) ? stopTask(at, graceSeconds) : stopPatch(at));
    const { isChanged } = await changeObject({ ...live, dryRun: undefined }, keyOf(typed), plan);
    if (isChanged) await told(live.shell, keyOf(typed), "Stopping");
  }
}

/** Switches pods off; those that come meanwhile too, until there are no others. What a stop before has granted longer gets no more than this grace. */
async function haltPods(live: LiveProject, servers: readonly Typed[], graceSeconds: number | undefined): Promise<void> {
  const value = graceSeconds === undefined ? "" : String(graceSeconds);
  for (;;) {
    const running = (await podsOfServices(live, servers)).filter(
      (pod) => !isPodFinished(pod) && !isStoppedWithin(pod, graceSeconds),
    );
    if (running.length === 0) return;
    for (const pod of running)
      await switchPod(live, pod, (at) => (isStoppedWithin(at, graceSeconds) ? undefined : { [STOPPED]: value }));
  }
}

function isStoppedWithin(pod: Pod, graceSeconds: number | undefined): boolean {
  const { isStopped, graceSeconds: granted = graceSecondsOf(pod) } = powerOf(pod);
  return isStopped && (graceSeconds === undefined || granted <= graceSeconds);
}

/** Changes the switches of a pod; one that is gone by now needs none. */
async function switchPod(live: LiveProject, pod: Pod, change: Parameters<typeof annotate>[2]): Promise<void> {
  await annotate(live, pod, change).catch((error: unknown) => {
    if (!hasCode(error, "not_found")) throw error;
  });
}

/** The pods that workloads keep. */
async function podsOfServices(live: LiveProject, servers: readonly Typed[]): Promise<readonly Pod[]> {
  const services = new Set(servers.map(({ object }) => serviceOf(object)));
  const pods = await podsOfProject(live, []);
  return pods.filter(
    (pod) => services.has(serviceOf(pod)) && !isDeleting(pod) && metaOf(pod).labels[ONE_OFF_LABEL] !== "True",
  );
}

function stopPatch(live: Typed): ReturnType<typeof mergePatch> | undefined {
  return isStopped(live) ? undefined : mergePatch({ metadata: { annotations: { [STOPPED]: "" } } });
}

/** What is started beside what was stopped: nothing, tasks that have ended, or those and what runs, anew. */
type Starts = "stopped" | "ended" | "all";

/** Starts the containers of services, the same ones; but tasks get others. */
export async function startServices(
  live: LiveProject,
  services: readonly string[],
  starts: Starts = "stopped",
): Promise<BroughtUp> {
  const isAll = starts === "all";
  const written: Written[] = [];
  const workloads = await workloadsOf(live, services);
  const ended = starts === "stopped" ? [] : workloads.filter(isTask).filter(hasEnded);
  const over = await podsOfServices(live, ended);
  for (const task of ended) written.push(await runAgain(live, task));
  for (const typed of workloads.filter((each) => !ended.some((task) => task === each))) {
    const { isChanged, after } = await changeObject({ ...live, dryRun: undefined }, keyOf(typed), startPatch);
    if (isChanged) await told(live.shell, keyOf(typed), "Starting");
    if (isChanged || (isAll && typed.kind !== "Job"))
      written.push({ key: keyOf(typed), revision: Number(metaOf(after.object).resourceVersion) });
  }
  const before = new Map<string, readonly string[]>();
  const servers = workloads.filter(({ kind }) => kind !== "Job");
  for (const pod of await podsOfServices(live, servers)) {
    if (!isAll && !powerOf(pod).isStopped) continue;
    before.set(metaOf(pod).uid, startsOf(pod));
    await switchPod(live, pod, (at) => ({ [STOPPED]: null, [STARTS]: String(powerOf(at).startCount + 1) }));
  }
  return { written, stuck: new Set(over.map((pod) => metaOf(pod).uid)), before };
}

function startPatch(live: Typed): ReturnType<typeof mergePatch> | undefined {
  if (isTask(live)) return resumeTask(live);
  return isStopped(live) ? mergePatch({ metadata: { annotations: { [STOPPED]: null } } }) : undefined;
}
