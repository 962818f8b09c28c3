import { keyOf, metaOf, type Typed } from "../../../kinds/object.js";
import { isDeleting, isPodFinished } from "../../../kinds/pod-state.js";
import { rfc3339 } from "../../../lib/clock.js";
import { changeObject, mergePatch } from "../../change/change.js";
import { withCluster } from "../../cluster.js";
import { EXIT } from "../../exit-codes.js";
import type { Flags, FlagValues } from "../../flags.js";
import type { Shell } from "../../shell.js";
import { dnsName } from "../translate/names.js";
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

/** Annotation of a workload that was stopped: how many pods it had. */
const STOPPED = "tallship.dev/stopped-replicas";

/** Flags of `compose stop` and its like. */
export const STOP_FLAGS = {
  timeout: {
    type: "number",
    short: "t",
    value: "SECONDS",
    min: 0,
    summary: "accepted for docker's sake: the grace is that of the service",
  },
  ...PROJECT_FLAGS,
} as const satisfies Flags;

type Call<F> = { readonly flags: F; readonly operands: readonly string[] };

/** A verb of `compose` on services that it names, or on all. */
export type ProjectCall = Call<ProjectFlags>;

/** Does something to a project by its name. */
export async function withLive(
  flags: ProjectFlags,
  shell: Shell,
  use: (live: LiveProject) => Promise<void>,
): Promise<number> {
  const { name, namespace } = await nameProject(shell, flags);
  return withCluster(shell, flags, async (cluster) => {
    await use({ shell, cluster, name, namespace });
    return EXIT.ok;
  });
}

/** Stops services: no pod is left, and what they are stays for `start`. */
export async function runStop({ flags, operands }: Call<FlagValues<typeof STOP_FLAGS>>, shell: Shell): Promise<number> {
  await tellGrace(flags, shell);
  return withLive(flags, shell, (live) => stopServices(live, operands));
}

async function tellGrace({ timeout }: { readonly timeout: number | undefined }, shell: Shell): Promise<void> {
  if (timeout !== undefined)
    await shell.stderr.write("warning: -t has no effect: containers get the stop_grace_period of their service\n");
}

/** Starts services that were stopped. */
export function runStart({ flags, operands }: Call<ProjectFlags>, shell: Shell): Promise<number> {
  return withLive(flags, shell, (live) => startServices(live, operands.map(dnsName)));
}

/** Replaces the pods of services, and of those that ask to be restarted with them. */
export async function runRestart(
  { flags, operands }: Call<FlagValues<typeof STOP_FLAGS>>,
  shell: Shell,
): Promise<number> {
  await tellGrace(flags, shell);
  const together = operands.length === 0 ? [] : await dependents(flags, operands, shell);
  return withLive(flags, shell, (live) => restartServices(live, [...operands, ...together]));
}

/** Replaces the pods of services; tasks stay as they are. */
export async function restartServices(live: LiveProject, services: readonly string[]): Promise<void> {
  const restartedAt = rfc3339(live.shell.clock.nowMs());
  for (const typed of await workloadsOf(live, services)) {
    if (typed.kind === "Job") continue;
    const annotations = { "kubectl.kubernetes.io/restartedAt": restartedAt };
    const patch = mergePatch({ spec: { template: { metadata: { annotations } } } });
    await changeObject({ ...live, dryRun: undefined }, keyOf(typed), () => patch);
    await told(live.shell, keyOf(typed), "Restarted");
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

/** Ends the containers at once; what keeps them starts new ones, as `restart: always` does in docker. */
export function runKill({ flags, operands }: Call<ProjectFlags>, shell: Shell): Promise<number> {
  return withLive(flags, shell, async (live) => {
    const pods = (await podsOfProject(live, operands)).filter((pod) => !isPodFinished(pod));
    await removeAll(
      live,
      pods.map((object) => ({ kind: "Pod", object })),
      0,
    );
  });
}

/** Removes services that were stopped or have ended. */
export function runRemove(
  { flags, operands }: Call<ProjectFlags & { readonly stop: boolean }>,
  shell: Shell,
): Promise<number> {
  return withLive(flags, shell, async (live) => {
    if (flags.stop) await stopServices(live, operands);
    const stopped = (await workloadsOf(live, operands)).filter(isStopped);
    if (stopped.length === 0) await shell.stderr.write("No stopped services\n");
    await removeAll(live, stopped, undefined);
  });
}

async function workloadsOf(live: LiveProject, services: readonly string[]): Promise<readonly Typed[]> {
  const names = services.map(dnsName);
  const all = await objectsOf(live, WORKLOADS);
  return all.filter((typed) => names.length === 0 || isOfAny(podSpecOf(typed), names));
}

function isStopped({ kind, object }: Typed): boolean {
  return kind === "Job" ? true : object.metadata?.annotations[STOPPED] !== undefined;
}

/** Stops services and waits until their containers have ended. */
export async function stopServices(live: LiveProject, services: readonly string[]): Promise<void> {
  const { shell } = live;
  const stopped: string[] = [];
  for (const typed of await workloadsOf(live, services)) {
    if (typed.kind === "DaemonSet") {
      await shell.stderr.write(
        `warning: ${metaOf(typed.object).name} runs on every node and cannot be stopped; rm removes it\n`,
      );
      continue;
    }
    const { isChanged } = await changeObject({ ...live, dryRun: undefined }, keyOf(typed), stopPatch);
    if (!isChanged) continue;
    stopped.push(serviceOf(typed.object));
    await told(shell, keyOf(typed), "Stopped");
  }
  if (stopped.length > 0) await waitForEnd(live, stopped);
}

function stopPatch(live: Typed): ReturnType<typeof mergePatch> | undefined {
  if (live.kind === "Job")
    return live.object.spec?.suspend === true || hasEnded(live) ? undefined : mergePatch({ spec: { suspend: true } });
  if (live.kind !== "Deployment" || live.object.spec?.replicas === 0) return undefined;
  const count = String(live.object.spec?.replicas ?? 1);
  return mergePatch({ metadata: { annotations: { [STOPPED]: count } }, spec: { replicas: 0 } });
}

/** Starts what was stopped, with as many pods as it had. The names are those of DNS. */
export async function startServices(live: LiveProject, services: readonly string[]): Promise<void> {
  for (const typed of await workloadsOf(live, services)) {
    if (isDeleting(typed.object)) continue;
    const { isChanged } = await changeObject({ ...live, dryRun: undefined }, keyOf(typed), startPatch);
    if (isChanged) await told(live.shell, keyOf(typed), "Started");
  }
}

function startPatch(live: Typed): ReturnType<typeof mergePatch> | undefined {
  if (live.kind === "Job")
    return live.object.spec?.suspend === true ? mergePatch({ spec: { suspend: false } }) : undefined;
  const count = live.object.metadata?.annotations[STOPPED];
  if (live.kind !== "Deployment" || count === undefined) return undefined;
  return mergePatch({ metadata: { annotations: { [STOPPED]: null } }, spec: { replicas: Number(count) } });
}
