import { keyOf, keyText, metaOf, type ObjectKey, type Typed } from "../../kinds/object.js";
import { conditionOf } from "../../kinds/pod-state.js";
import type { DaemonSet } from "../../proto/gen/tallship/v1/daemonset.js";
import type { Deployment } from "../../proto/gen/tallship/v1/deployment.js";
import type { StatefulSet } from "../../proto/gen/tallship/v1/statefulset.js";
import { type ClusterFlags, withCluster } from "../cluster.js";
import { EXIT } from "../exit-codes.js";
import type { FileFlags } from "../input/files.js";
import { getObject, getTyped } from "../objects.js";
import type { Shell } from "../shell.js";
import { toldAlready } from "../verb.js";
import { Progress, queriesFor } from "../wait/ready.js";
import { type Wait, watchUntil } from "../wait/until.js";
import { unseenConfig } from "./configs.js";
import { rolloutsOf } from "./history.js";
import { checkRolloutKind, rolloutKeys } from "./targets.js";

/** What `rollout status` was asked. */
export interface StatusFlags extends ClusterFlags, FileFlags {
  readonly selector: string | undefined;
  readonly watch: boolean;
  readonly timeout: number | undefined;
}

/** How far a roll-out is, in kubectl's words. */
export interface RolloutState {
  readonly is: "done" | "going" | "failed";
  readonly text: string;
}

/** Tells how each roll-out moves on until it is through. A failed one ends with 1 and with what its pods say. */
export async function runStatus(
  { flags, operands }: { readonly flags: StatusFlags; readonly operands: readonly string[] },
  shell: Shell,
): Promise<number> {
  return withCluster(shell, flags, async (cluster) => {
    for (const key of await rolloutKeys({ shell, cluster, flags }, operands)) {
      checkRolloutKind(key.kind, "status");
      await getObject(cluster, key, shell.signal);
      await followOne({ shell, cluster, timeoutMs: flags.timeout }, key, flags.watch);
    }
    return EXIT.ok;
  });
}

async function followOne(wait: Wait, key: ObjectKey, isWatching: boolean): Promise<void> {
  const { shell } = wait;
  const progress = new Progress([{ key, revision: 0 }]);
  let told = "";
  let seen: Typed | undefined;
  let state: RolloutState | undefined;
  await watchUntil(wait, queriesFor([key]), async ({ changes, isSynced }) => {
    progress.take(changes);
    const latest = changes.findLast((change) => change.is === "put" && keyText(keyOf(change.typed)) === keyText(key));
    if (latest?.is === "put") seen = latest.typed;
    if (!isSynced || seen === undefined) return false;
    state = rolloutState(seen);
    if (state.is === "done") state = await withConfigs(wait, key);
    if (state.text !== told && state.is !== "failed") await shell.stdout.write(`${state.text}\n`);
    told = state.text;
    return state.is !== "going" || !isWatching;
  });
  if (state?.is === "done" || (state?.is === "going" && !isWatching)) return;
  await shell.stderr.write(`error: ${state?.is === "failed" ? state.text : "timed out waiting for the condition"}\n`);
  for (const line of progress.reasons()) await shell.stderr.write(`  ${line}\n`);
  throw toldAlready(state?.is === "failed" ? "failed_precondition" : "deadline_exceeded");
}

/**
 * How far the roll-out is, once it has begun for every change of a ConfigMap or Secret: such a change makes no new generation. The configs are looked at first and the
 * object after them: its status is that of the newest revision from the transaction on that makes the revision.
 */
async function withConfigs({ cluster, shell }: Wait, key: ObjectKey): Promise<RolloutState> {
  const { signal } = shell;
  const newest = (await rolloutsOf(cluster, key, signal)).at(-1);
  const { object } = await getTyped(cluster, key, signal);
  const unseen = newest === undefined ? undefined : await unseenConfig(cluster, metaOf(object), newest, signal);
  if (unseen !== undefined) return going(`Waiting for the change of ${unseen} to be observed...`);
  return rolloutState(await getTyped(cluster, key, signal));
}

/** How far the roll-out of an object is. Kinds that roll nothing out are done. */
export function rolloutState(typed: Typed): RolloutState {
  switch (typed.kind) {
    case "Deployment":
      return ofDeployment(typed.object);
    case "StatefulSet":
      return ofStatefulSet(typed.object);
    case "DaemonSet":
      return ofDaemonSet(typed.object);
    default:
      return { is: "done", text: "" };
  }
}

const going = (text: string): RolloutState => ({ is: "going", text });
const done = (text: string): RolloutState => ({ is: "done", text });

function ofDeployment(deployment: Deployment): RolloutState {
  const { spec, status } = deployment;
  const { name, generation } = metaOf(deployment);
  const wanted = spec?.replicas ?? 1;
  const { updatedReplicas = 0, replicas = 0, availableReplicas = 0, observedGeneration = 0 } = status ?? {};
  if (observedGeneration < generation) return going("Waiting for deployment spec update to be observed...");
  const progressing = conditionOf(status?.conditions, "Progressing");
  if (progressing?.reason === "ProgressDeadlineExceeded")
    return { is: "failed", text: `deployment "${name}" exceeded its progress deadline` };
  const start = `Waiting for deployment "${name}" rollout to finish:`;
  if (updatedReplicas < wanted)
    return going(`${start} ${updatedReplicas} out of ${wanted} new replicas have been updated...`);
  if (replicas > updatedReplicas)
    return going(`${start} ${replicas - updatedReplicas} old replicas are pending termination...`);
  if (availableReplicas < updatedReplicas)
    return going(`${start} ${availableReplicas} of ${updatedReplicas} updated replicas are available...`);
  return done(`deployment "${name}" successfully rolled out`);
}

function ofStatefulSet(set: StatefulSet): RolloutState {
  const { spec, status } = set;
  const { name, generation } = metaOf(set);
  const wanted = spec?.replicas ?? 1;
  if (spec?.updateStrategy?.type === "OnDelete")
    return done(`statefulset "${name}" is updated when its pods are deleted: there is no roll-out to wait for`);
  if ((status?.observedGeneration ?? 0) < generation)
    return going("Waiting for statefulset spec update to be observed...");
  const ready = status?.readyReplicas ?? 0;
  if (ready < wanted) return going(`Waiting for ${wanted - ready} pods to be ready...`);
  const partition = spec?.updateStrategy?.rollingUpdate?.partition ?? 0;
  const updated = status?.updatedReplicas ?? 0;
  if (partition > 0) {
    const due = Math.max(0, wanted - partition);
    return updated < due
      ? going(`Waiting for partitioned roll out to finish: ${updated} out of ${due} new pods have been updated...`)
      : done(`partitioned roll out complete: ${updated} new pods have been updated...`);
  }
  if (status?.updateRevision !== status?.currentRevision)
    return going(
      `waiting for statefulset rolling update to complete ${updated} pods at revision ${status?.updateRevision}...`,
    );
  return done(
    `statefulset rolling update complete ${status?.currentReplicas ?? 0} pods at revision ${status?.currentRevision}...`,
  );
}

function ofDaemonSet(set: DaemonSet): RolloutState {
  const { spec, status } = set;
  const { name, generation } = metaOf(set);
  if (spec?.updateStrategy?.type === "OnDelete")
    return done(`daemon set "${name}" is updated when its pods are deleted: there is no roll-out to wait for`);
  if ((status?.observedGeneration ?? 0) < generation)
    return going("Waiting for daemon set spec update to be observed...");
  const {
    desiredNumberScheduled: wanted = 0,
    updatedNumberScheduled: updated = 0,
    numberAvailable: available = 0,
  } = status ?? {};
  const start = `Waiting for daemon set "${name}" rollout to finish:`;
  if (updated < wanted) return going(`${start} ${updated} out of ${wanted} new pods have been updated...`);
  if (available < wanted) return going(`${start} ${available} of ${wanted} updated pods are available...`);
  return done(`daemon set "${name}" successfully rolled out`);
}
