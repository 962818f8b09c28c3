import { PINS } from "../../kinds/config-copies.js";
import { metaOf, type ObjectKey } from "../../kinds/object.js";
import { isControlledBy } from "../../kinds/owners.js";
import { TallshipError } from "../../lib/errors.js";
import type { ObjectMeta } from "../../proto/gen/tallship/v1/meta.js";
import type { PodTemplateSpec } from "../../proto/gen/tallship/v1/pod.js";
import { type Cluster, type ClusterFlags, withCluster } from "../cluster.js";
import { templatePage } from "../describe/workload.js";
import { EXIT } from "../exit-codes.js";
import type { FileFlags } from "../input/files.js";
import { getObject, listObjects } from "../objects.js";
import type { Shell } from "../shell.js";
import { formatTable } from "../table.js";
import { objectText, refText } from "../targets.js";
import { checkRolloutKind, rolloutKeys } from "./targets.js";

/** What `rollout history` was asked. */
export interface HistoryFlags extends ClusterFlags, FileFlags {
  readonly selector: string | undefined;
  readonly revision: number | undefined;
}

/** A template that an object had. */
export interface Rollout {
  readonly revision: number;
  /** Of the replica set or controller revision that keeps it. */
  readonly name: string;
  readonly cause: string;
  /** Which copies of ConfigMaps and Secrets its pods take their values from; empty when none. */
  readonly pins: string;
  readonly template: PodTemplateSpec | undefined;
}

const REVISION = "deployment.kubernetes.io/revision";
/** Where people say why they changed something. */
export const CHANGE_CAUSE = "kubernetes.io/change-cause";
/** On a replica set whose roll-out has failed: why it was rolled back. */
const ROLLED_BACK_WHY = "tallship.dev/rolled-back-why";
/** Keeps the pods of replica sets apart; no part of the template that the user wrote. */
const HASH_LABEL = "pod-template-hash";

/** Lists the revisions of roll-outs, or shows the template of one. */
export async function runHistory(
  { flags, operands }: { readonly flags: HistoryFlags; readonly operands: readonly string[] },
  shell: Shell,
): Promise<number> {
  return withCluster(shell, flags, async (cluster) => {
    for (const key of await rolloutKeys({ shell, cluster, flags }, operands)) {
      checkRolloutKind(key.kind, "history");
      const rollouts = await rolloutsOf(cluster, key, shell.signal);
      await shell.stdout.write(
        flags.revision === undefined || flags.revision === 0
          ? listText(key, rollouts)
          : oneText(key, rolloutOf(key, rollouts, flags.revision), shell.clock.nowMs()),
      );
    }
    return EXIT.ok;
  });
}

/** The revisions of an object, the oldest first. */
export async function rolloutsOf(cluster: Cluster, key: ObjectKey, signal: AbortSignal): Promise<readonly Rollout[]> {
  const owner = await getObject(cluster, key, signal);
  const kind = key.kind === "Deployment" ? "ReplicaSet" : "ControllerRevision";
  const { objects } = await listObjects(cluster, { kind, namespace: key.namespace }, signal);
  const found = objects
    .filter(({ object }) => isControlledBy(object, owner))
    .flatMap((typed): readonly Rollout[] => {
      if (typed.kind === "ReplicaSet") return replicaSetRollout(metaOf(typed.object), typed.object.spec?.template);
      if (typed.kind !== "ControllerRevision") return [];
      const { revision, data } = typed.object;
      return [{ ...factsOf(metaOf(typed.object)), revision, template: data?.spec?.template }];
    });
  return [...found].sort((left, right) => left.revision - right.revision);
}

function replicaSetRollout(meta: ObjectMeta, template: PodTemplateSpec | undefined): readonly Rollout[] {
  const revision = Number(meta.annotations[REVISION] ?? 0);
  if (revision === 0) return [];
  const facts = { ...factsOf(meta), revision };
  if (template?.metadata === undefined) return [{ ...facts, template }];
  const { [HASH_LABEL]: _, ...labels } = template.metadata.labels;
  return [{ ...facts, template: { ...template, metadata: { ...template.metadata, labels } } }];
}

function factsOf(meta: ObjectMeta): Pick<Rollout, "name" | "cause" | "pins"> {
  return { name: meta.name, cause: causeOf(meta), pins: meta.annotations[PINS] ?? "" };
}

function causeOf({ annotations }: ObjectMeta): string {
  return [annotations[CHANGE_CAUSE] ?? "", annotations[ROLLED_BACK_WHY] ?? ""].filter((text) => text !== "").join("; ");
}

/** The revision of a number; throws not_found. */
export function rolloutOf(key: ObjectKey, rollouts: readonly Rollout[], revision: number): Rollout {
  const found = rollouts.find((rollout) => rollout.revision === revision);
  if (found !== undefined) return found;
  const name = objectText(key.kind, key.namespace, key.name);
  throw new TallshipError("not_found", `unable to find revision ${revision} of ${name}`);
}

function listText(key: ObjectKey, rollouts: readonly Rollout[]): string {
  const rows = rollouts.map(({ revision, cause }) => [String(revision), cause === "" ? "<none>" : cause]);
  return `${refText(key.kind, key.name)} \n${formatTable([["REVISION", "CHANGE-CAUSE"], ...rows])}\n`;
}

function oneText(key: ObjectKey, { revision, template }: Rollout, nowMs: number): string {
  return `${refText(key.kind, key.name)} with revision #${revision}\nPod Template:\n${templatePage(template, nowMs).indented("  ")}`;
}
