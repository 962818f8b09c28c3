import type { ReadObject } from "../../../kinds/read.js";
import { withCluster } from "../../cluster.js";
import { EXIT } from "../../exit-codes.js";
import type { Flags, FlagValues } from "../../flags.js";
import { runLogs } from "../../logs/logs.js";
import type { Shell } from "../../shell.js";
import { usageError } from "../../verb.js";
import { waitUntilReady } from "../../wait/ready.js";
import type { ComposeProject } from "../compose.js";
import { dnsName, PROJECT_LABEL } from "../translate/names.js";
import { modelsIn, ownerOf } from "../translate/shared-pod.js";
import { bringUp, objectsFor } from "./bring-up.js";
import { buildFirst } from "./build.js";
import { type EndedContainer, firstEnd } from "./first-end.js";
import { type LiveProject, objectsOf, removeAll, serviceOf, WORKLOADS } from "./live.js";
import { LOGS_FLAGS_ABSENT } from "./logs.js";
import { recreateServices, stopServices } from "./power.js";
import { openProject, PROJECT_FLAGS } from "./project.js";
import type { BroughtUp } from "./starting.js";
import { untilUp } from "./until-up.js";

/** Flags of `compose up`. */
export const UP_FLAGS = {
  detach: { type: "switch", short: "d", summary: "do not follow the logs" },
  wait: { type: "switch", summary: "wait until everything runs and is healthy; implies -d" },
  waitTimeout: {
    type: "duration",
    value: "TIME",
    summary: "how long to wait, or without --wait how long while nothing moves; 5m when absent",
  },
  scale: { type: "list", value: "SERVICE=NUMBER", summary: "number of containers of a service; may be repeated" },
  removeOrphans: { type: "switch", summary: "remove services that the files no longer have" },
  build: { type: "switch", summary: "build images anew; without it only those that the cluster does not have" },
  noBuild: { type: "switch", summary: "build nothing, also what the cluster has no image of" },
  forceRecreate: { type: "switch", summary: "replace the containers, also of services that are as the files say" },
  abortOnContainerExit: {
    type: "switch",
    summary: "stop everything once a container has ended, and end with its exit code",
  },
  exitCodeFrom: { type: "text", value: "SERVICE", summary: "the same, once this service's container has ended" },
  noColor: { type: "switch", summary: "for docker's sake: there are no colours" },
  noLogPrefix: { type: "switch", summary: "do not say whose a line is, where logs are followed" },
  noRecreate: { type: "switch", summary: "for docker's sake: what is as the files say stays in any case" },
  timestamps: { type: "switch", summary: "put the time of writing before each line" },
  yes: { type: "switch", short: "y", summary: "for docker's sake: nothing is asked" },
  quietPull: { type: "switch", summary: "do not tell how far images are" },
  noDeps: { type: "switch", summary: "without the services that those named depend on" },
  ...PROJECT_FLAGS,
} as const satisfies Flags;

type UpFlags = FlagValues<typeof UP_FLAGS>;

const WAIT_MS = 300_000;

/** What `up` is asked when nobody asks anything. */
const UP_ABSENT: Omit<UpFlags, keyof typeof PROJECT_FLAGS> = {
  ...{ detach: false, wait: false, waitTimeout: undefined, scale: [], removeOrphans: false, build: false },
  ...{ noBuild: false, forceRecreate: false, quietPull: false, noDeps: false, noColor: false, noLogPrefix: false },
  ...{ noRecreate: false, timestamps: false, yes: false, abortOnContainerExit: false, exitCodeFrom: undefined },
};

/** Makes the project run as its files say; then follows its logs until Ctrl-C, which stops it, unless it runs detached. */
export async function runUp(
  { flags, operands }: { readonly flags: UpFlags; readonly operands: readonly string[] },
  shell: Shell,
): Promise<number> {
  const project = await openProject(shell, flags, { named: operands, notes: true });
  for (const name of operands)
    if (project.model.services?.value.has(name) !== true) throw usageError(`no such service: ${name}`);
  checkEnd(flags, project);
  const scaled = scaleOf(flags.scale);
  const wanted = operands.length === 0 ? project.objects : objectsFor(project, operands, flags.noDeps);
  for (const name of scaled.keys()) refuseScale(name, wanted);
  const objects = wanted.map((each) => withScale(each, scaled));
  let brought: BroughtUp = { written: [], stuck: new Set(), before: new Map() };
  const code = await withCluster(shell, flags, async (cluster) => {
    const live: LiveProject = { shell, cluster, name: project.name, namespace: project.namespace };
    const services = new Set(objects.map(({ typed }) => serviceOf(typed.object)));
    const models = modelsIn(project.model);
    const builds = project.builds.filter(({ service }) => services.has(dnsName(ownerOf(service, models) ?? service)));
    if (!flags.noBuild) await buildFirst(live, builds, flags.build);
    const stood = flags.forceRecreate ? (await objectsOf(live, WORKLOADS)).map(({ object }) => serviceOf(object)) : [];
    brought = await bringUp(live, objects);
    const renewed = stood.filter((service) => services.has(service));
    if (renewed.length > 0) await recreateServices(live, renewed);
    if (operands.length === 0) await orphans(live, project, flags.removeOrphans);
    if (!flags.detach && !flags.wait) return EXIT.ok;
    const started = await untilUp(live, startOf(flags, project, brought));
    if (!flags.wait || started !== EXIT.ok) return started;
    return waitUntilReady({ shell, cluster, timeoutMs: flags.waitTimeout ?? WAIT_MS }, brought.written);
  });
  if (flags.detach || flags.wait || code !== EXIT.ok) return code;
  return followUp({ project, flags, services: operands, brought }, shell);
}

function startOf(flags: UpFlags, { model }: ComposeProject, brought: BroughtUp): Parameters<typeof untilUp>[1] {
  return { brought, model, quietMs: flags.waitTimeout ?? WAIT_MS, isPullTold: !flags.quietPull };
}

/** Flags of `compose scale`. */
export const SCALE_FLAGS = {
  noDeps: { type: "switch", summary: "without the services that those named depend on" },
  ...PROJECT_FLAGS,
} as const satisfies Flags;

/** Gives services other numbers of containers, as `up --scale` of these services does. */
export function runScale(
  { flags, operands }: { readonly flags: FlagValues<typeof SCALE_FLAGS>; readonly operands: readonly string[] },
  shell: Shell,
): Promise<number> {
  if (operands.length === 0) throw usageError("say of which service: compose scale SERVICE=NUMBER");
  const names = operands.map((text) => text.replace(/=.*$/s, ""));
  return runUp({ flags: { ...UP_ABSENT, ...flags, detach: true, scale: operands }, operands: names }, shell);
}

/** Whether what runs is followed only until a container ends, as in tests. */
function isToEnd({ abortOnContainerExit: isAborted, exitCodeFrom }: UpFlags): boolean {
  return isAborted || exitCodeFrom !== undefined;
}

function checkEnd(flags: UpFlags, { model }: ComposeProject): void {
  if (isToEnd(flags) && (flags.detach || flags.wait))
    throw usageError("-d and --wait follow nothing: leave them out to end with a container's exit code");
  if (flags.exitCodeFrom !== undefined && model.services?.value.has(flags.exitCodeFrom) !== true)
    throw usageError(`--exit-code-from: no such service: ${flags.exitCodeFrom}`);
}

function scaleOf(list: readonly string[]): ReadonlyMap<string, number> {
  return new Map(
    list.map((text) => {
      const [, name, count] = /^([^=]+)=(\d+)$/.exec(text) ?? [];
      if (name === undefined) throw usageError(`--scale takes SERVICE=NUMBER, not "${text}"`);
      return [dnsName(name), Number(count)] as const;
    }),
  );
}

/** Only deployments have a number: tasks run as often as they say, and global services on every node. */
function refuseScale(name: string, objects: readonly ReadObject[]): void {
  const kinds = objects.filter(({ typed }) => serviceOf(typed.object) === name).map(({ typed }) => typed.kind);
  if (kinds.length === 0) throw usageError(`--scale: no such service: ${name}`);
  if (!kinds.includes("Deployment")) throw usageError(`--scale: ${name} is a task or runs on every node`);
}

function withScale(each: ReadObject, scaled: ReadonlyMap<string, number>): ReadObject {
  const { typed } = each;
  const replicas = scaled.get(serviceOf(typed.object));
  if (replicas === undefined || typed.kind !== "Deployment" || typed.object.spec === undefined) return each;
  return { ...each, typed: { ...typed, object: { ...typed.object, spec: { ...typed.object.spec, replicas } } } };
}

/** Services that run and are in no file any more. */
async function orphans(live: LiveProject, project: ComposeProject, isRemoving: boolean): Promise<void> {
  const known = new Set([...(project.model.services?.value.keys() ?? [])].map(dnsName));
  const left = (await objectsOf(live, [...WORKLOADS, "Service"])).filter(
    ({ object }) => serviceOf(object) !== "" && !known.has(serviceOf(object)),
  );
  if (left.length === 0) return;
  if (isRemoving) await removeAll(live, left, undefined);
  else {
    const names = [...new Set(left.map(({ object }) => serviceOf(object)))].join(", ");
    await live.shell.stderr.write(
      `warning: services ${names} run and are in no file of this project; --remove-orphans removes them\n`,
    );
  }
}

/** What a container wrote last is there so long after its end was told. */
const LAST_WORDS_MS = 500;

/** An `up` that stays in the foreground. */
interface Followed {
  readonly project: ComposeProject;
  readonly flags: UpFlags;
  readonly services: readonly string[];
  readonly brought: BroughtUp;
}

/**
 * Follows the logs until Ctrl-C, which stops the services as it stops docker's containers; until a container has ended, where the user asks for that; or until a
 * service turns out not to start.
 */
async function followUp(followed: Followed, shell: Shell): Promise<number> {
  const { project, flags, services } = followed;
  const over = new AbortController();
  const end = (): void => over.abort();
  const watching: Shell = { ...shell, signal: AbortSignal.any([shell.signal, over.signal]) };
  const { name, namespace } = project;
  return withCluster(shell, flags, async (cluster) => {
    const live: LiveProject = { shell: watching, cluster, name, namespace };
    const starting = untilUp(live, startOf(flags, project, followed.brought))
      .catch((error: unknown) => {
        if (!watching.signal.aborted) throw error;
        return EXIT.ok;
      })
      .then((code) => {
        if (code !== EXIT.ok) end();
        return code;
      });
    const awaited = isToEnd(flags) ? firstWords(live, flags).finally(end) : undefined;
    const [code, ended] = await Promise.all([starting, awaited, followLogs(project, flags, watching)]).finally(end);
    if (code !== EXIT.ok) return code;
    if (shell.signal.aborted) return interrupted(project, flags, services, shell);
    if (ended === undefined) return EXIT.ok;
    await shell.stderr.write(`${ended.name} exited with code ${ended.exitCode}\nAborting on container exit...\n`);
    await stopServices({ shell, cluster, name, namespace }, [], undefined);
    return ended.exitCode;
  });
}

/** The container that ends first, once its last words have had time to come. */
async function firstWords(live: LiveProject, flags: UpFlags): Promise<EndedContainer | undefined> {
  const service = flags.exitCodeFrom === undefined ? undefined : dnsName(flags.exitCodeFrom);
  const found = await firstEnd(live, service);
  const { clock, signal } = live.shell;
  if (found !== undefined) await clock.sleep(LAST_WORDS_MS, signal).catch(() => undefined);
  return found;
}

async function followLogs({ name, namespace }: ComposeProject, flags: UpFlags, shell: Shell): Promise<void> {
  const selector = `${PROJECT_LABEL}=${name}`;
  const asked = { ...LOGS_FLAGS_ABSENT, ...flags, namespace, selector, follow: true, tail: -1 };
  await runLogs({ flags: { ...asked, isBare: flags.noLogPrefix, isPatient: true }, operands: [] }, shell).catch(
    (error: unknown) => {
      if (!shell.signal.aborted) throw error;
    },
  );
}

async function interrupted(
  { name, namespace }: ComposeProject,
  flags: UpFlags,
  services: readonly string[],
  shell: Shell,
): Promise<number> {
  await shell.stderr.write("Gracefully stopping...\n");
  // The interrupt has ended what was under way; stopping goes on without it.
  const calm: Shell = { ...shell, signal: new AbortController().signal };
  await withCluster(calm, flags, async (cluster) => {
    await stopServices({ shell: calm, cluster, name, namespace }, services, undefined);
    return EXIT.ok;
  });
  return EXIT.interrupted;
}
