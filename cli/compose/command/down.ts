import { keyOf, metaOf, type Typed } from "../../../kinds/object.js";
import { graceSecondsOf } from "../../../kinds/pod-state.js";
import { asTallshipError, hasCode } from "../../../lib/errors.js";
import { withCluster } from "../../cluster.js";
import { EXIT } from "../../exit-codes.js";
import type { Flags, FlagValues } from "../../flags.js";
import type { Shell } from "../../shell.js";
import { dnsName, ONE_OFF_LABEL } from "../translate/names.js";
import {
  askDelete,
  type LiveProject,
  objectsOf,
  PARTS,
  podSpecOf,
  podsOfProject,
  removeAll,
  removeNamespace,
  serviceOf,
  told,
  WORKLOADS,
  waitForEnd,
} from "./live.js";
import { nameProject, PROJECT_FLAGS } from "./project.js";

/** Flags of `compose down`. */
export const DOWN_FLAGS = {
  volumes: { type: "switch", short: "v", summary: "remove the volumes and what is in them too" },
  removeOrphans: { type: "switch", summary: "accepted for docker's sake: everything of the project goes anyway" },
  rmi: {
    type: "text",
    value: "WHICH",
    choices: ["all", "local"],
    summary:
      "remove the cluster's names of their images too: of all, or of those that were built without a name of their own",
  },
  timeout: {
    type: "number",
    short: "t",
    value: "SECONDS",
    min: 0,
    summary: "seconds until containers are killed; each service's own when absent",
  },
  ...PROJECT_FLAGS,
} as const satisfies Flags;

type DownFlags = FlagValues<typeof DOWN_FLAGS>;

/** Stops and removes everything of the project but its volumes; then its namespace, when nothing is left in it. Of services that are named only what is theirs. */
export async function runDown(
  { flags, operands }: { readonly flags: DownFlags; readonly operands: readonly string[] },
  shell: Shell,
): Promise<number> {
  const { name, namespace } = await nameProject(shell, flags);
  return withCluster(shell, flags, async (cluster) => {
    const live: LiveProject = { shell, cluster, name, namespace };
    const services = operands.map(dnsName);
    const images = flags.rmi === undefined ? [] : await imagesOf(live, services, flags.rmi === "local");
    if (services.length > 0) await removeServices(live, services, flags.timeout);
    else await removeProject(live, flags);
    await removeImages(live, images);
    return EXIT.ok;
  });
}

async function removeServices(
  live: LiveProject,
  services: readonly string[],
  graceSeconds: number | undefined,
): Promise<void> {
  const isTheirs = ({ object }: Typed): boolean => services.includes(serviceOf(object));
  await removeAll(live, (await objectsOf(live, WORKLOADS)).filter(isTheirs), undefined);
  await endPods(live, services, graceSeconds);
  await removeAll(live, (await objectsOf(live, ["Service"])).filter(isTheirs), undefined);
}

async function removeProject(live: LiveProject, flags: DownFlags): Promise<void> {
  // What runs goes first, so that nothing is taken from under it.
  await removeAll(live, await objectsOf(live, WORKLOADS), undefined);
  await removeAll(live, await oneOffsOf(live), flags.timeout);
  await endPods(live, [], flags.timeout);
  await removeAll(live, await objectsOf(live, PARTS), undefined);
  if (flags.volumes) await removeAll(live, await objectsOf(live, ["PersistentVolumeClaim"]), undefined);
  await removeNamespace(live);
}

/** The images that services run, or only those whose names compose has made of the project's. */
async function imagesOf(live: LiveProject, services: readonly string[], isLocal: boolean): Promise<readonly string[]> {
  const found = (await objectsOf(live, WORKLOADS)).flatMap((typed) => {
    const isWanted = services.length === 0 || services.includes(serviceOf(typed.object));
    const spec = isWanted ? podSpecOf(typed) : undefined;
    return (spec?.containers ?? []).map(({ image }) => image);
  });
  return [...new Set(found)].filter((image) => !isLocal || image.startsWith(`${live.name}-`));
}

/** What is no name of the cluster is a registry's, and stays; so does what others run. */
async function removeImages({ shell, cluster }: LiveProject, images: readonly string[]): Promise<void> {
  for (const name of images) {
    try {
      await cluster.images.remove({ names: [name], force: false }, { signal: shell.signal });
      await told(shell, { kind: "Image", name }, "Removed");
    } catch (error) {
      if (hasCode(error, "not_found")) continue;
      if (!hasCode(error, "failed_precondition")) throw error;
      await shell.stderr.write(`warning: ${asTallshipError(error).message.replace(/;.*$/, "")}: it stays\n`);
    }
  }
}

/** Pods that nothing keeps: those that `compose run` has started. */
async function oneOffsOf(live: LiveProject): Promise<readonly Typed[]> {
  return (await objectsOf(live, ["Pod"])).filter(({ object }) => metaOf(object).labels[ONE_OFF_LABEL] === "True");
}

/** The pods follow what kept them; with a time of the user's own they are told of it. */
async function endPods(
  live: LiveProject,
  services: readonly string[],
  graceSeconds: number | undefined,
): Promise<void> {
  const pods = await podsOfProject(live, services);
  if (graceSeconds !== undefined)
    for (const pod of pods) await askDelete(live, keyOf({ kind: "Pod", object: pod }), graceSeconds);
  await waitForEnd(live, services, graceSeconds ?? Math.max(0, ...pods.map(graceSecondsOf)));
}
