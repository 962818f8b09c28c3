import { keyOf, metaOf, type Typed } from "../../../kinds/object.js";
import { withCluster } from "../../cluster.js";
import { EXIT } from "../../exit-codes.js";
import type { Flags, FlagValues } from "../../flags.js";
import type { Shell } from "../../shell.js";
import { ONE_OFF_LABEL } from "../translate/names.js";
import {
  askDelete,
  type LiveProject,
  objectsOf,
  PARTS,
  removeAll,
  removeNamespace,
  WORKLOADS,
  waitForEnd,
} from "./live.js";
import { nameProject, PROJECT_FLAGS } from "./project.js";

/** Flags of `compose down`. */
export const DOWN_FLAGS = {
  volumes: { type: "switch", short: "v", summary: "remove the volumes and what is in them too" },
  removeOrphans: { type: "switch", summary: "accepted for docker's sake: everything of the project goes anyway" },
  timeout: {
    type: "number",
    short: "t",
    value: "SECONDS",
    min: 0,
    summary: "seconds until containers are killed; each service's own when absent",
  },
  ...PROJECT_FLAGS,
} as const satisfies Flags;

/** Stops and removes everything of the project but its volumes; then its namespace, when nothing is left in it. */
export async function runDown(
  { flags }: { readonly flags: FlagValues<typeof DOWN_FLAGS> },
  shell: Shell,
): Promise<number> {
  const { name, namespace } = await nameProject(shell, flags);
  return withCluster(shell, flags, async (cluster) => {
    const live: LiveProject = { shell, cluster, name, namespace };
    // What runs goes first, so that nothing is taken from under it.
    await removeAll(live, await objectsOf(live, WORKLOADS), undefined);
    await removeAll(live, await oneOffsOf(live), flags.timeout);
    await endPods(live, flags.timeout);
    await removeAll(live, await objectsOf(live, PARTS), undefined);
    if (flags.volumes) await removeAll(live, await objectsOf(live, ["PersistentVolumeClaim"]), undefined);
    await removeNamespace(live);
    return EXIT.ok;
  });
}

/** Pods that nothing keeps: those that `compose run` has started. */
async function oneOffsOf(live: LiveProject): Promise<readonly Typed[]> {
  return (await objectsOf(live, ["Pod"])).filter(({ object }) => metaOf(object).labels[ONE_OFF_LABEL] === "True");
}

/** The pods follow what kept them; with a time of the user's own they are told of it. */
async function endPods(live: LiveProject, graceSeconds: number | undefined): Promise<void> {
  if (graceSeconds !== undefined)
    for (const typed of await objectsOf(live, ["Pod"])) await askDelete(live, keyOf(typed), graceSeconds);
  await waitForEnd(live, []);
}
