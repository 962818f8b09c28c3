import { metaOf } from "../../../kinds/object.js";
import type { ReadObject } from "../../../kinds/read.js";
import { isKindName } from "../../../kinds/registry.js";
import { sendSet } from "../../apply/send-set.js";
import { tellResults, writtenBy } from "../../apply/told.js";
import { withCluster } from "../../cluster.js";
import { EXIT } from "../../exit-codes.js";
import type { Flags, FlagValues } from "../../flags.js";
import { runLogs } from "../../logs/logs.js";
import type { Shell } from "../../shell.js";
import { usageError } from "../../verb.js";
import { type Written, waitUntilReady } from "../../wait/ready.js";
import type { ComposeProject } from "../compose.js";
import { dnsName, PROJECT_LABEL } from "../translate/names.js";
import { hasEnded, type LiveProject, objectsOf, removeAll, serviceOf, told, WORKLOADS } from "./live.js";
import { LOGS_FLAGS_ABSENT } from "./logs.js";
import { startServices, stopServices } from "./power.js";
import { openProject, PROJECT_FLAGS } from "./project.js";

/** Flags of `compose up`. */
export const UP_FLAGS = {
  detach: { type: "switch", short: "d", summary: "do not follow the logs" },
  wait: { type: "switch", summary: "wait until everything runs and is healthy; implies -d" },
  waitTimeout: { type: "duration", value: "TIME", summary: "how long to wait; 5m when absent" },
  scale: { type: "list", value: "SERVICE=NUMBER", summary: "number of containers of a service; may be repeated" },
  removeOrphans: { type: "switch", summary: "remove services that the files no longer have" },
  noDeps: { type: "switch", summary: "without the services that those named depend on" },
  ...PROJECT_FLAGS,
} as const satisfies Flags;

type UpFlags = FlagValues<typeof UP_FLAGS>;

const WAIT_MS = 300_000;

/** Makes the project run as its files say; then follows its logs until Ctrl-C, which stops it, unless it runs detached. */
export async function runUp(
  { flags, operands }: { readonly flags: UpFlags; readonly operands: readonly string[] },
  shell: Shell,
): Promise<number> {
  const project = await openProject(shell, flags, { named: operands, notes: true });
  for (const name of operands)
    if (project.model.services?.value.has(name) !== true) throw usageError(`no such service: ${name}`);
  const scaled = scaleOf(flags.scale);
  const objects = chosen(project, operands, flags.noDeps).map((each) => withScale(each, scaled));
  const code = await withCluster(shell, flags, async (cluster) => {
    const live: LiveProject = { shell, cluster, name: project.name, namespace: project.namespace };
    await removeFinished(live, objects);
    await startServices(
      live,
      objects.map(({ typed }) => serviceOf(typed.object)),
    );
    const written = await send(live, objects);
    if (operands.length === 0) await orphans(live, project, flags.removeOrphans);
    return flags.wait ? waitUntilReady({ shell, cluster, timeoutMs: flags.waitTimeout ?? WAIT_MS }, written) : EXIT.ok;
  });
  return flags.detach || flags.wait || code !== EXIT.ok ? code : follow(project, flags, operands, shell);
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

function withScale(each: ReadObject, scaled: ReadonlyMap<string, number>): ReadObject {
  const { typed } = each;
  const replicas = scaled.get(serviceOf(typed.object));
  if (replicas === undefined || typed.kind !== "Deployment" || typed.object.spec === undefined) return each;
  return { ...each, typed: { ...typed, object: { ...typed.object, spec: { ...typed.object.spec, replicas } } } };
}

/** All objects, or those of the services named and of what these depend on, with what belongs to the whole project. */
function chosen(project: ComposeProject, named: readonly string[], isAlone: boolean): readonly ReadObject[] {
  if (named.length === 0) return project.objects;
  const wanted = new Set<string>();
  const add = (name: string): void => {
    if (wanted.has(dnsName(name))) return;
    wanted.add(dnsName(name));
    if (!isAlone)
      for (const other of project.model.services?.value.get(name)?.value.depends_on?.value.keys() ?? []) add(other);
  };
  for (const name of named) add(name);
  return project.objects.filter(({ typed }) => serviceOf(typed.object) === "" || wanted.has(serviceOf(typed.object)));
}

/** A task that has ended runs again with every `up`, as docker starts containers that have exited. */
async function removeFinished(live: LiveProject, objects: readonly ReadObject[]): Promise<void> {
  const wanted = new Set(objects.map(({ typed }) => `${typed.kind}/${metaOf(typed.object).name}`));
  const jobs = await objectsOf(live, ["Job"]);
  const finished = jobs.filter((typed) => wanted.has(`Job/${metaOf(typed.object).name}`) && hasEnded(typed));
  if (finished.length > 0) await removeAll(live, finished, undefined);
}

async function send(
  { shell, cluster, name, namespace }: LiveProject,
  objects: readonly ReadObject[],
): Promise<readonly Written[]> {
  // Docker's `up` has the last word on what is its own.
  const sending = { cluster: { ...cluster, namespace }, shell, set: `compose-${dnsName(name)}`, force: true };
  const answer = await sendSet(objects, { ...sending, isDry: false, prune: [] });
  const { results } = answer;
  for (const { outcome, name: key } of results)
    if (key !== undefined && isKindName(key.kind) && DONE[outcome] !== undefined)
      await told(shell, { kind: key.kind, name: key.name }, DONE[outcome]);
  const quiet: Shell = { ...shell, stdout: { isTerminal: false, write: async () => undefined } };
  await tellResults(answer, objects, { shell: quiet, output: undefined, isDry: false });
  return writtenBy(answer);
}

const DONE: Readonly<Record<string, string>> = { created: "Created", configured: "Updated", unchanged: "Running" };

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

/** Ctrl-C ends the logs and stops the services, as it stops docker's containers. */
async function follow(
  project: ComposeProject,
  flags: UpFlags,
  services: readonly string[],
  shell: Shell,
): Promise<number> {
  const selector = `${PROJECT_LABEL}=${project.name}`;
  await runLogs(
    {
      flags: { ...LOGS_FLAGS_ABSENT, ...flags, namespace: project.namespace, selector, follow: true, tail: -1 },
      operands: [],
    },
    shell,
  ).catch((error: unknown) => {
    if (!shell.signal.aborted) throw error;
  });
  if (!shell.signal.aborted) return EXIT.ok;
  await shell.stderr.write("Gracefully stopping...\n");
  // The interrupt has ended what was under way; stopping goes on without it.
  const calm: Shell = { ...shell, signal: new AbortController().signal };
  await withCluster(calm, flags, async (cluster) => {
    await stopServices({ shell: calm, cluster, name: project.name, namespace: project.namespace }, services);
    return EXIT.ok;
  });
  return EXIT.interrupted;
}
