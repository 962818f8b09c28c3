import { bytesText } from "../../kinds/bytes-text.js";
import { metaOf } from "../../kinds/object.js";
import { controllerOf } from "../../kinds/owners.js";
import { isPodFinished } from "../../kinds/pod-state.js";
import { RUN_LABEL } from "../../kinds/power.js";
import { ask } from "../ask.js";
import { type Cluster, type ClusterFlags, withCluster } from "../cluster.js";
import { removePod } from "../containers/remove.js";
import { EXIT } from "../exit-codes.js";
import { podsOf } from "../pods/resolve.js";
import { safeText } from "../safe-text.js";
import type { Shell } from "../shell.js";
import { usageError } from "../verb.js";
import { pruneVolumes } from "../volumes/volumes.js";

/** What is pruned. */
export interface PruneFlags extends ClusterFlags {
  readonly force: boolean;
  readonly all: boolean;
  readonly volumes: boolean;
}

/** Removes containers of `run` that have ended, and images that nothing uses; with --volumes also volumes. Asks before, unless forced. */
export function runSystemPrune({ flags }: { readonly flags: PruneFlags }, shell: Shell): Promise<number> {
  const what = [
    "all containers of run that have ended",
    flags.all
      ? "all images that no pod uses and no name of the cluster stands for"
      : "content of images that has no name",
    ...(flags.volumes ? ["all volumes that no container mounts, WITH WHAT THEY HOLD"] : []),
  ];
  return asked(flags, shell, what, async (cluster) => {
    await tellRemoved(shell, "Containers", await pruneContainers(cluster, shell));
    if (flags.volumes) await tellRemoved(shell, "Volumes", await pruneVolumes(cluster, shell));
    const { nodes } = await cluster.images.prune({ all: flags.all }, { signal: shell.signal });
    for (const { name, error } of nodes)
      if (error !== "") await shell.stderr.write(`error: node ${name}: ${safeText(error)}\n`);
    const freed = nodes.reduce((sum, { freedBytes }) => sum + freedBytes, 0);
    await shell.stdout.write(`Total reclaimed space: ${bytesText(freed)}\n`);
  });
}

/** Removes containers of `run` that have ended. */
export function runContainerPrune(
  { flags }: { readonly flags: ClusterFlags & { readonly force: boolean } },
  shell: Shell,
): Promise<number> {
  return asked(flags, shell, ["all containers of run that have ended"], async (cluster) => {
    await tellRemoved(shell, "Containers", await pruneContainers(cluster, shell));
  });
}

/** Removes volumes that no container mounts. */
export function runVolumePrune(
  { flags }: { readonly flags: ClusterFlags & { readonly force: boolean } },
  shell: Shell,
): Promise<number> {
  return asked(flags, shell, ["all volumes that no container mounts, WITH WHAT THEY HOLD"], async (cluster) => {
    await tellRemoved(shell, "Volumes", await pruneVolumes(cluster, shell));
  });
}

async function asked(
  flags: ClusterFlags & { readonly force: boolean },
  shell: Shell,
  what: readonly string[],
  work: (cluster: Cluster) => Promise<void>,
): Promise<number> {
  return withCluster(shell, flags, async (cluster) => {
    if (!flags.force) {
      if (!shell.stdin.isTerminal) throw usageError("nobody can be asked here: -f does it without asking");
      const list = what.map((each) => `  - ${each}\n`).join("");
      await shell.stderr.write(`This removes from namespace ${cluster.namespace}:\n${list}`);
      if (!(await ask(shell, "go on?"))) return EXIT.ok;
    }
    await work(cluster);
    return EXIT.ok;
  });
}

async function pruneContainers(cluster: Cluster, shell: Shell): Promise<readonly string[]> {
  const pods = await podsOf(cluster, { kind: "Pod", namespace: cluster.namespace, labels: RUN_LABEL }, shell.signal);
  const over = pods.filter((pod) => isPodFinished(pod) && controllerOf(pod) === undefined);
  for (const pod of over) await removePod({ shell, cluster }, pod);
  return over.map((pod) => metaOf(pod).name);
}

async function tellRemoved(shell: Shell, what: string, names: readonly string[]): Promise<void> {
  if (names.length > 0) await shell.stdout.write(`Deleted ${what}:\n${names.map((name) => `${name}\n`).join("")}\n`);
}
